package program

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"syscall"
	"time"

	"golang.org/x/sys/unix"

	"github.com/bakelite/bakelite/internal/fault"
)

// drainTime is how long output is still read after the program was killed: a
// grandchild in another process group may hold the pipes open.
const drainTime = 2 * time.Second

// Process is a started program.
type Process struct {
	command Command
	cmd     *exec.Cmd
	why     func() error // the context's error: why the program was ended
	cancel  context.CancelFunc
	out     *Tail
	errs    *Tail
	done    chan struct{}
	result  Result
	err     error
}

// Start starts c. The program and its group are killed when ctx ends.
func Start(ctx context.Context, c Command) (*Process, error) {
	within, cancel := limited(ctx, c.Timeout)
	p := &Process{command: c, why: within.Err, cancel: cancel, done: make(chan struct{})}
	p.out, p.errs = NewTail(c.Limit), NewTail(c.Limit)
	p.cmd = p.prepare(within)
	started := make(chan error)
	go p.live(started)
	if err := <-started; err != nil {
		if ctx.Err() != nil {
			return nil, ctx.Err()
		}
		return nil, fault.As(fault.Missing, fmt.Errorf("starting %s: %w", p.name(), err))
	}
	return p, nil
}

// live stays on one thread from the start to the end of the program: the
// kernel ends a child with the thread that started it (Pdeathsig), and so
// with this program, but must not do so earlier.
func (p *Process) live(started chan<- error) {
	runtime.LockOSThread()
	defer runtime.UnlockOSThread()
	defer p.cancel()
	err := p.cmd.Start()
	started <- err
	if err == nil {
		p.reap()
	}
}

func limited(ctx context.Context, timeout time.Duration) (context.Context, context.CancelFunc) {
	if timeout > 0 {
		return context.WithTimeout(ctx, timeout)
	}
	return context.WithCancel(ctx)
}

func (p *Process) prepare(ctx context.Context) *exec.Cmd {
	c := p.command
	cmd := exec.CommandContext(ctx, c.Path, c.Args...)
	cmd.Dir = c.Dir
	if cmd.Dir == "" {
		cmd.Dir = "/"
	}
	cmd.Env = append([]string{"PATH=" + searchPath, "LANG=C.UTF-8"}, c.Env...)
	cmd.Stdin, cmd.ExtraFiles = c.Stdin, c.Files
	cmd.Stdout, cmd.Stderr = both(p.out, c.Stdout), both(p.errs, c.Stderr)
	cmd.SysProcAttr = &syscall.SysProcAttr{Setpgid: true, Pdeathsig: syscall.SIGKILL}
	if c.Outlive {
		cmd.SysProcAttr.Pdeathsig = 0
	}
	cmd.Cancel = func() error { return p.Signal(p.ending()) }
	cmd.WaitDelay = c.Grace + drainTime
	return cmd
}

func (p *Process) ending() syscall.Signal {
	if p.command.Grace > 0 {
		return syscall.SIGTERM
	}
	return syscall.SIGKILL
}

// both writes to the tail and, where it is set, to live.
func both(tail *Tail, live io.Writer) io.Writer {
	if live == nil {
		return tail
	}
	return io.MultiWriter(tail, live)
}

// reap sweeps the group before the leader's number is free for reuse: waitid
// with WNOWAIT tells of the end and leaves the zombie in place.
func (p *Process) reap() {
	defer close(p.done)
	for {
		err := unix.Waitid(unix.P_PID, p.cmd.Process.Pid, nil, unix.WEXITED|unix.WNOWAIT, nil)
		if !errors.Is(err, unix.EINTR) {
			break
		}
	}
	_ = unix.Kill(-p.cmd.Process.Pid, unix.SIGKILL)
	err := p.cmd.Wait()
	p.result = Result{Stdout: p.out.Bytes(), Stderr: p.errs.Bytes(), Exit: exitCode(p.cmd.ProcessState)}
	p.result.Truncated = p.out.Dropped() || p.errs.Dropped()
	p.err = p.explain(err)
}

func (p *Process) explain(err error) error {
	var exit *exec.ExitError
	switch {
	case err == nil, errors.Is(err, exec.ErrWaitDelay) && p.why() == nil:
		return nil
	case p.why() != nil:
		return fmt.Errorf("running %s: %w", p.name(), p.why())
	case errors.As(err, &exit):
		return &ExitError{Name: p.name(), Code: p.result.Exit, Stderr: p.result.Stderr}
	default:
		return fault.As(fault.Internal, fmt.Errorf("running %s: %w", p.name(), err))
	}
}

func exitCode(state *os.ProcessState) int {
	if status, ok := state.Sys().(syscall.WaitStatus); ok && status.Signaled() {
		return 128 + int(status.Signal())
	}
	return state.ExitCode()
}

func (p *Process) name() string { return filepath.Base(p.command.Path) }

// Wait returns what the program left, after its end.
func (p *Process) Wait() (Result, error) {
	<-p.done
	return p.result, p.err
}

// Done is closed when the program has ended and its group is swept.
func (p *Process) Done() <-chan struct{} { return p.done }

// PID is the program's process number, which is also its group's.
func (p *Process) PID() int { return p.cmd.Process.Pid }

// Signal sends a signal to the whole group.
func (p *Process) Signal(signal syscall.Signal) error {
	select {
	case <-p.done:
		return os.ErrProcessDone
	default:
		return unix.Kill(-p.PID(), signal)
	}
}

// Stop sends SIGTERM to the group and SIGKILL after grace, and waits.
func (p *Process) Stop(grace time.Duration) {
	if grace > 0 {
		_ = p.Signal(syscall.SIGTERM)
		timer := time.NewTimer(grace)
		defer timer.Stop()
		select {
		case <-p.done:
			return
		case <-timer.C:
		}
	}
	_ = p.Signal(syscall.SIGKILL)
	<-p.done
}

// Output returns the newest bytes of each stream so far.
func (p *Process) Output() (stdout, stderr []byte) { return p.out.Bytes(), p.errs.Bytes() }
