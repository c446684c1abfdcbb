package main

import (
	"context"
	"fmt"
	"path/filepath"
	"strings"
	"sync"

	"github.com/spf13/cobra"

	"github.com/bakelite/bakelite/cmd/internal/compose"
	"github.com/bakelite/bakelite/internal/app"
	"github.com/bakelite/bakelite/internal/artifact"
	"github.com/bakelite/bakelite/internal/cache"
	"github.com/bakelite/bakelite/internal/fault"
	"github.com/bakelite/bakelite/internal/units"
	"github.com/bakelite/bakelite/runners/machine"
	"github.com/bakelite/bakelite/runners/probe"
)

func bootCommand() *cobra.Command {
	var memory string
	var console bool
	var g given
	c := &cobra.Command{
		Use:   "boot [APP]",
		Short: "Boot an app's newest disk on this machine until Ctrl-C",
		Long: `Boots the disk that the newest build of an app left in the output folder, in
QEMU, and prints where its ports, and its administrator's SSH, are reached on
this machine. The disk is not written to, and nothing stays behind. The machine
has no way out to a network.`,
		Example: "  bakelite boot examples/web\n  bakelite boot --memory 1G --console examples/web\n  bakelite boot --secret db-password=password.txt my-app",
		Args:    checked(cobra.MaximumNArgs(1)),
		RunE: func(c *cobra.Command, paths []string) error {
			a, err := oneApp(paths)
			if err != nil {
				return err
			}
			if memory != "" {
				if err := a.VM.Memory.UnmarshalText([]byte(memory)); err != nil {
					return fault.New(fault.Invalid, "--memory: %w", err)
				}
			}
			return boot(c, a, g, console)
		},
	}
	g.flags(c)
	c.Flags().StringVar(&memory, "memory", "", "memory of the machine, with K, M or G (default: vm.memory of the app file)")
	c.Flags().BoolVar(&console, "console", false, "show the machine's console on stderr")
	_ = c.RegisterFlagCompletionFunc("memory", cobra.FixedCompletions([]string{"512M", "1G", "2G"}, cobra.ShellCompDirectiveNoFileComp))
	return c
}

func boot(c *cobra.Command, a app.App, g given, console bool) error {
	values, err := g.values(a)
	if err != nil {
		return err
	}
	s, err := load(c)
	if err != nil {
		return err
	}
	disk, err := lastMade(s.Output, a, artifact.Disk, []string{"qcow2", "raw"})
	if err != nil {
		return err
	}
	if err := compose.CheckState(s); err != nil {
		return err
	}
	// QEMU starts in another folder.
	file, err := filepath.Abs(disk.Path)
	if err != nil {
		return fmt.Errorf("finding disk: %w", err)
	}
	folder, err := privateFolder(filepath.Join(s.State, "machine"), "boot-")
	if err != nil {
		return err
	}
	defer folder.Close()
	o := machine.Options{Disk: file, App: a, State: folder.Path, Arch: strings.TrimPrefix(disk.Platform, "linux/"), Accelerator: s.Accelerator,
		Values: values, Environment: g.environment}
	if o.SecureBoot, err = compose.SecureBootCertificate(s); err != nil {
		return err
	}
	m, err := bootOnce(c, a, o, disk.Path, console)
	if again, why, ok := m.Retry(); ok && err != nil {
		fmt.Fprintf(c.ErrOrStderr(), "%v\n%s: once more\n", err, why)
		_, err = bootOnce(c, a, again, disk.Path, console)
	}
	return stopped(c.Context(), err)
}

// bootOnce boots until the machine, which it returns, or the context ends.
func bootOnce(c *cobra.Command, a app.App, o machine.Options, disk string, console bool) (*machine.Machine, error) {
	m, err := machine.Boot(c.Context(), o)
	if err != nil {
		return nil, err
	}
	defer m.Stop()
	fmt.Fprintf(c.ErrOrStderr(), "booting %s under %s; stop it with Ctrl-C\n", disk, m.Accel)
	for _, r := range m.Reachable() {
		if r.Login {
			fmt.Fprintf(c.OutOrStdout(), "ssh://%s@%s\n", a.VM.Admin.User, r.Address)
			continue
		}
		printReach(c.OutOrStdout(), a, r.Port, r.Protocol, r.Address)
	}
	return m, attend(c, a, m, console)
}

// attend shows what the machine does until it or ctx ends.
func attend(c *cobra.Command, a app.App, m *machine.Machine, console bool) error {
	ctx, cancel := context.WithCancel(c.Context())
	var shown sync.WaitGroup
	defer shown.Wait()
	defer cancel()
	if console {
		shown.Go(func() { _ = m.Follow(ctx, machine.PlainText(c.ErrOrStderr())) })
	}
	if test, ok := readiness(a, false); ok {
		test.Within = units.Duration(m.Limit())
		shown.Go(func() {
			sayWhenReady(ctx, c.ErrOrStderr(), probe.Options{
				Artifact: probe.Disk, Service: a.Service, Test: test, Dial: m.Dial, Alive: m.Alive,
			})
		})
	}
	select {
	case <-ctx.Done():
		return ctx.Err()
	case <-m.Done():
		return fault.As(fault.Policy, m.Alive())
	}
}

// privateFolder makes a folder for one run, which the caller closes.
func privateFolder(parent, prefix string) (*cache.Folder, error) {
	parent, err := filepath.Abs(parent)
	if err != nil {
		return nil, fmt.Errorf("finding state folder: %w", err)
	}
	return cache.New(parent, prefix)
}

// stopped takes the user's Ctrl-C for the end that was asked for.
func stopped(ctx context.Context, err error) error {
	if ctx.Err() != nil {
		return nil
	}
	return err
}
