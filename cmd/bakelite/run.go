package main

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"path/filepath"
	"strconv"
	"sync"

	"github.com/spf13/cobra"
	"golang.org/x/sys/unix"

	"github.com/bakelite/bakelite/cmd/internal/compose"
	"github.com/bakelite/bakelite/internal/app"
	"github.com/bakelite/bakelite/internal/artifact"
	"github.com/bakelite/bakelite/internal/fault"
	"github.com/bakelite/bakelite/runners/container"
	"github.com/bakelite/bakelite/runners/machine"
	"github.com/bakelite/bakelite/runners/probe"
)

func runCommand() *cobra.Command {
	var g given
	c := &cobra.Command{
		Use:   "run [APP]",
		Short: "Run an app's newest container on this machine until Ctrl-C",
		Long: `Runs the container image that the newest build of an app left in the output
folder, as its run profile says but on this machine's network, prints where it
is reached and shows its output on stderr. Nothing stays behind but the
unpacked image in the state folder: what the service keeps ends with it.`,
		Example: "  bakelite run examples/web\n  bakelite run --secret db-password=password.txt --env LEVEL=debug my-app",
		Args:    checked(cobra.MaximumNArgs(1)),
		RunE: func(c *cobra.Command, paths []string) error {
			a, err := oneApp(paths)
			if err != nil {
				return err
			}
			return run(c, a, g)
		},
	}
	g.flags(c)
	return c
}

func run(c *cobra.Command, a app.App, g given) error {
	values, err := g.values(a)
	if err != nil {
		return err
	}
	s, err := load(c)
	if err != nil {
		return err
	}
	image, err := lastMade(s.Output, a, artifact.Container, []string{"layout"})
	if err != nil {
		return err
	}
	if err := compose.CheckState(s); err != nil {
		return err
	}
	if err := portsFree(c.Context(), a.Service.Ports); err != nil {
		return err
	}
	r, err := container.Start(c.Context(), container.Options{
		Layout: image.Path, Digest: image.Digest, App: a, State: filepath.Join(s.State, "sandbox"), HostNetwork: true,
		Values: values, Environment: g.environment,
	})
	if err != nil {
		return stopped(c.Context(), err)
	}
	defer r.Stop()
	fmt.Fprintf(c.ErrOrStderr(), "running %s; stop it with Ctrl-C\n", image.Path)
	for _, note := range r.Notes() {
		fmt.Fprintf(c.ErrOrStderr(), "note: %s\n", note)
	}
	for _, p := range a.Service.Ports {
		printReach(c.OutOrStdout(), a, p.Number, p.Protocol, loopback(p.Number))
	}
	return stopped(c.Context(), accompany(c, a, r))
}

// portsFree refuses ports that another program listens on: its answers would
// pass for the container's.
func portsFree(ctx context.Context, ports []app.Port) error {
	for _, p := range ports {
		var in io.Closer
		var err error
		if p.Protocol == "udp" {
			in, err = (&net.ListenConfig{}).ListenPacket(ctx, "udp", ":"+strconv.Itoa(p.Number))
		} else {
			in, err = (&net.ListenConfig{}).Listen(ctx, "tcp", ":"+strconv.Itoa(p.Number))
		}
		if errors.Is(err, unix.EADDRINUSE) {
			return fault.Hint(fault.New(fault.Busy, "another program of this machine listens on port %s", p),
				"end it; this says which one: ss -lptun sport = :%d", p.Number)
		}
		if err == nil {
			_ = in.Close()
		}
	}
	return nil
}

// accompany shows the service's output until it or ctx ends.
func accompany(c *cobra.Command, a app.App, r *container.Running) error {
	ctx, cancel := context.WithCancel(c.Context())
	var shown sync.WaitGroup
	defer shown.Wait()
	defer cancel()
	if test, ok := readiness(a, true); ok {
		shown.Go(func() {
			sayWhenReady(ctx, c.ErrOrStderr(), probe.Options{
				Artifact: probe.Container, Service: a.Service, Test: test, Dial: r.Dial, Exec: r.Exec, Alive: r.Alive,
			})
		})
	}
	if err := r.Follow(ctx, machine.PlainText(c.ErrOrStderr())); err != nil {
		return err
	}
	return cmp.Or(r.Alive(), ctx.Err())
}
