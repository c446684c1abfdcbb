package container

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"strings"
	"sync"
	"time"

	"github.com/bakelite/bakelite/internal/fault"
	"github.com/bakelite/bakelite/internal/profile"
	"github.com/bakelite/bakelite/internal/program"
	"github.com/bakelite/bakelite/internal/units"
	"github.com/bakelite/bakelite/runners/probe"
)

const (
	// runcTime bounds one command of runc.
	runcTime = 30 * time.Second
	// execTime bounds a program run in the container.
	execTime = time.Minute
	// execLimit is what is kept of its output.
	execLimit = 64 << 10
	// wordsShown is how much of a dead service's output an error shows.
	wordsShown = 2000
	// killed is the exit code of a program that SIGKILL ended.
	killed = 128 + 9
)

// Running is a running container.
type Running struct {
	// ID is its name in runc and of its cgroup.
	ID string

	runc, state, bundle string
	profile             profile.Profile
	hostNetwork         bool
	notes               []string
	process             *program.Process
	dismiss             func()
	done                func() // the unpacked image is not needed any more
	pid                 int
	log                 *program.Tail
	stop                sync.Once
	peakMu              sync.Mutex
	peak                int64
}

// Notes says what of the run profile this machine could not keep.
func (r *Running) Notes() []string { return append([]string(nil), r.notes...) }

// PID is the service's process number on this machine.
func (r *Running) PID() int { return r.pid }

// Logs returns the newest output of the service, at most 256 KiB.
func (r *Running) Logs() []byte { return r.log.Bytes() }

// Alive returns nil while the service runs, else a fault.Policy error with its
// last words, or fault.Internal where runc itself could not start it.
func (r *Running) Alive() error {
	select {
	case <-r.process.Done():
	default:
		return nil
	}
	result, _ := r.process.Wait()
	words := bytes.TrimSpace(r.log.Bytes())
	if len(words) > wordsShown {
		words = words[len(words)-wordsShown:]
	}
	words = []byte(strings.Join(probe.PlainLines(words), "\n"))
	if own := []byte("runc run failed"); bytes.Contains(words, own) && !bytes.Contains(words, []byte("exec: ")) {
		return fault.Hint(fault.New(fault.Internal, "starting the container: %s", words),
			"check that runc works on this machine: runc --version, and run Bakelite as root or with user namespaces allowed")
	}
	why := r.why(result.Exit)
	switch {
	case len(words) > 0 && why != "":
		return fault.New(fault.Policy, "the service ended with exit code %d: %s\n%s", result.Exit, words, why)
	case len(words) > 0:
		return fault.New(fault.Policy, "the service ended with exit code %d: %s", result.Exit, words)
	case why != "":
		return fault.New(fault.Policy, "the service ended with exit code %d: %s", result.Exit, why)
	}
	return fault.New(fault.Policy, "the service ended with exit code %d, without a word", result.Exit)
}

// why says what an exit code tells by itself.
func (r *Running) why(exit int) string {
	peak, _ := r.Memory()
	switch {
	case exit == killed && r.profile.Memory > 0 && peak >= r.profile.Memory-memoryMargin:
		return probe.OutOfMemory(units.Size(r.profile.Memory))
	case exit == killed:
		return "it was killed, as where this machine has no more memory"
	case exit == 0:
		return probe.Forked
	}
	return ""
}

// memoryMargin is what the kernel may keep of a limit: it counts in batches.
const memoryMargin = 1 << 20

// Memory returns the largest memory that the container used, in bytes; after
// the end, the last that was seen.
func (r *Running) Memory() (int64, error) {
	r.peakMu.Lock()
	defer r.peakMu.Unlock()
	peak, err := memoryPeak(r.ID)
	if err == nil {
		r.peak = max(peak, r.peak)
	}
	if r.peak > 0 {
		return r.peak, nil
	}
	return 0, err
}

// Exec runs a program in the container, as the service's user and under its
// limits, and returns its exit code and both of its streams, at most 64 KiB.
func (r *Running) Exec(ctx context.Context, argv []string) (int, []byte, error) {
	if len(argv) == 0 {
		return 0, nil, fault.New(fault.Invalid, "no program to run in the container")
	}
	output := program.NewTail(execLimit)
	result, err := program.Run(ctx, program.Command{
		Path: r.runc, Args: append([]string{"--root", r.state, "exec", r.ID}, argv...),
		Stdout: output, Stderr: output, Timeout: execTime, Limit: execLimit,
	})
	if _, ok := program.Exited(err); !ok {
		return 0, output.Bytes(), err
	}
	// runc's own failures share the exit code 255 with those of programs.
	if result.Exit == 255 && bytes.Contains(result.Stderr, []byte("exec failed")) {
		return 0, output.Bytes(), fault.As(fault.Policy, errors.New(string(bytes.TrimSpace(result.Stderr))))
	}
	return result.Exit, output.Bytes(), nil
}

// Stop ends the service, by its signal and then by SIGKILL, and removes the
// container, its cgroup, its mounts and its bundle; the second call waits for
// the first and does nothing.
func (r *Running) Stop() {
	r.stop.Do(func() {
		ctx, cancel := context.WithTimeout(context.Background(), r.profile.StopGrace+2*runcTime)
		defer cancel()
		if r.process != nil {
			r.end(ctx)
		}
		_ = r.command(ctx, "delete", "--force", r.ID)
		_, _ = r.Memory()
		removeCgroups(r.ID)
		_ = os.RemoveAll(r.bundle)
		if r.dismiss != nil {
			r.dismiss()
		}
		if r.done != nil {
			r.done()
		}
	})
}

func (r *Running) end(ctx context.Context) {
	if r.command(ctx, "kill", r.ID, r.profile.StopSignal) == nil {
		select {
		case <-r.process.Done():
			return
		case <-time.After(r.profile.StopGrace):
		}
	}
	_ = r.command(ctx, "kill", "--all", r.ID, "SIGKILL")
	select {
	case <-r.process.Done():
	case <-time.After(time.Second):
		r.process.Stop(0)
	}
}

func (r *Running) command(ctx context.Context, args ...string) error {
	_, err := program.Run(ctx, program.Command{
		Path: r.runc, Args: append([]string{"--root", r.state}, args...), Timeout: runcTime,
	})
	if err != nil {
		return fmt.Errorf("telling runc to %s: %w", args[0], err)
	}
	return nil
}

// followPause is the time between two looks at the service's output.
const followPause = 100 * time.Millisecond

// Follow copies the service's output to w as it comes, from its beginning,
// until ctx ends or the service does. A service that writes more than 256 KiB
// between two looks is not waited for: the oldest of it is left out. Errors
// are those of w. What a service writes can control a terminal.
func (r *Running) Follow(ctx context.Context, w io.Writer) error {
	position := int64(0)
	for ended := false; ; {
		more, next := r.log.Since(position)
		if _, err := w.Write(more); err != nil {
			return fmt.Errorf("showing the service's output: %w", err)
		}
		if position = next; ended {
			return nil
		}
		select {
		case <-ctx.Done():
			ended = true
		case <-r.process.Done():
			ended = true
		case <-time.After(followPause):
		}
	}
}
