// Package container runs a container image from an OCI layout under runc, the
// way its run profile says, and tests it. The package refuses to run as root,
// to leave a capability that no port needs, to unpack outside its folder and
// to leave anything behind. Only the flows and the commands may import it.
package container

import (
	"context"
	"crypto/rand"
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"time"

	"github.com/opencontainers/runtime-spec/specs-go"

	"github.com/bakelite/bakelite/internal/app"
	"github.com/bakelite/bakelite/internal/fault"
	"github.com/bakelite/bakelite/internal/profile"
	"github.com/bakelite/bakelite/internal/profile/form"
	"github.com/bakelite/bakelite/internal/program"
)

const (
	// startTime bounds the time in which runc must have started the command.
	startTime = time.Minute
	// logLimit is what is kept of the service's output.
	logLimit = 256 << 10
	// startPause is the time between two looks for runc's pid file.
	startPause = 10 * time.Millisecond
)

// Options says which image to run; the first four must be set.
type Options struct {
	// Layout is an OCI layout folder, Digest the image's manifest in it.
	Layout, Digest string
	App            app.App
	// State is a folder for the unpacked images of running containers; what is
	// in it can be deleted when nothing runs.
	State string
	// Values are the service's secrets and settings by name; one that is missing
	// keeps the service from starting.
	Values map[string][]byte
	// Environment is NAME=value, besides what the image sets.
	Environment []string
	// HostNetwork shares this machine's network instead of an empty one.
	HostNetwork bool
}

// Start unpacks the image and starts its command as the run profile says. The
// container ends with Stop or with ctx. A service that ends at once is a
// fault.Policy error with its last words; a missing runc is fault.Missing.
func Start(ctx context.Context, o Options) (*Running, error) {
	runc, err := program.Find("runc", "apt-get install runc")
	if err != nil {
		return nil, err
	}
	if o.State, err = filepath.Abs(o.State); err != nil {
		return nil, fmt.Errorf("finding the state folder: %w", err)
	}
	img, err := openImage(o.Layout, o.Digest)
	if err != nil {
		return nil, err
	}
	rootfs, done, err := img.unpack(ctx, filepath.Join(o.State, "rootfs"))
	if err != nil {
		return nil, err
	}
	r, err := o.start(ctx, runc, img, rootfs)
	if err != nil {
		done()
		return nil, err
	}
	r.done = done
	context.AfterFunc(ctx, r.Stop)
	return r, nil
}

// start starts the command of an image that was unpacked.
func (o Options) start(ctx context.Context, runc string, img image, rootfs string) (*Running, error) {
	p := shipped(profile.Of(o.App), img.config.Config)
	p.Environment = overridden(p.Environment, o.Environment)
	if len(p.Command) == 0 {
		return nil, fault.New(fault.Invalid, "the image has no command")
	}
	id, err := identify(rootfs, p.User)
	if err != nil {
		return nil, err
	}
	r := newRunning(runc, o, p)
	spec, err := r.adapt(p, id, rootfs)
	if err != nil {
		return nil, err
	}
	if err := r.fill(ctx, o, spec, id, rootfs); err != nil {
		r.Stop()
		return nil, err
	}
	if err := r.run(ctx, spec); err != nil {
		r.Stop()
		return nil, err
	}
	return r, nil
}

// fill makes the bundle, which nobody else may look into for the secrets there,
// and all in it but the spec.
func (r *Running) fill(ctx context.Context, o Options, spec *specs.Spec, id profile.Identity, rootfs string) error {
	if err := os.MkdirAll(r.bundle, 0o700); err != nil {
		return fmt.Errorf("making the bundle: %w", err)
	}
	if err := r.makeState(ctx, id, rootfs); err != nil {
		return err
	}
	return r.give(spec, o.Values, id)
}

func newRunning(runc string, o Options, p profile.Profile) *Running {
	id := "bakelite-" + strings.ToLower(rand.Text())
	return &Running{
		ID: id, runc: runc, state: filepath.Join(o.State, "runc"), bundle: filepath.Join(o.State, "run", id),
		profile: p, hostNetwork: o.HostNetwork, log: program.NewTail(logLimit),
	}
}

// adapt fits the spec to this machine and notes what could not be kept.
func (r *Running) adapt(p profile.Profile, id profile.Identity, rootfs string) (*specs.Spec, error) {
	var s *specs.Spec
	if os.Geteuid() == 0 {
		s = form.Spec(p, id, rootfs, r.lasting())
		s.Linux.CgroupsPath = "/" + r.ID + "/" + service
		limitSwap(s.Linux.Resources)
	} else {
		s = rootlessSpec(p, rootfs, r.lasting())
		r.hostNetwork = true
		r.notes = append(r.notes,
			"not root: no limits of memory, processors and processes, and this machine's network",
			fmt.Sprintf("not root: the service runs as user %d of this machine", os.Geteuid()))
	}
	if r.hostNetwork {
		shareNetwork(s, rootfs)
	}
	return s, r.clamp(s.Process)
}

func (r *Running) run(ctx context.Context, spec *specs.Spec) error {
	data, err := json.Marshal(spec)
	if err != nil {
		return fmt.Errorf("writing the bundle: %w", err)
	}
	if err := os.WriteFile(filepath.Join(r.bundle, "config.json"), data, 0o600); err != nil {
		return fmt.Errorf("writing the bundle: %w", err)
	}
	if r.dismiss, err = r.guard(ctx); err != nil {
		return err
	}
	if err := unignore(); err != nil {
		return err
	}
	pidFile := filepath.Join(r.bundle, "pid")
	r.process, err = program.Start(context.WithoutCancel(ctx), program.Command{
		Path: r.runc, Args: []string{"--root", r.state, "run", "--bundle", r.bundle, "--pid-file", pidFile, r.ID},
		Stdout: r.log, Stderr: r.log, Limit: logLimit,
		Env: []string{"XDG_RUNTIME_DIR=" + r.state},
	})
	if err != nil {
		return err
	}
	r.pid, err = r.waitStarted(ctx, pidFile)
	return err
}

// waitStarted waits for the file that runc writes once the command runs.
func (r *Running) waitStarted(ctx context.Context, pidFile string) (int, error) {
	ctx, cancel := context.WithTimeout(ctx, startTime)
	defer cancel()
	for {
		if data, err := os.ReadFile(pidFile); err == nil {
			if pid, err := strconv.Atoi(string(data)); err == nil {
				return pid, nil
			}
		}
		select {
		case <-r.process.Done():
			return 0, r.Alive()
		case <-ctx.Done():
			if errors.Is(ctx.Err(), context.Canceled) {
				return 0, ctx.Err()
			}
			return 0, fault.New(fault.Internal, "runc did not start the container within %s", startTime)
		case <-time.After(startPause):
		}
	}
}
