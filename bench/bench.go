package main

import (
	"context"
	"encoding/json"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"syscall"
	"time"
)

// bench is a copy of examples/web, a state folder of its own and the program.
type bench struct {
	ctx     context.Context //nolint:containedctx // one run of one program
	work    string
	runs    int // how often each command of a pair is timed
	program string
	app     string
	last    []byte // stdout of the last build of both
	peer    peer
	chain   chain
}

func newBench(ctx context.Context, work string, runs int) (*bench, error) {
	program, err := filepath.Abs("bin/bakelite")
	if err != nil {
		return nil, err
	}
	b := &bench{ctx: ctx, work: work, runs: runs, program: program, app: filepath.Join(work, "web")}
	if err := os.CopyFS(b.app, os.DirFS("examples/web")); err != nil {
		return nil, err
	}
	// The time of a disk counts in the format that people keep.
	file := filepath.Join(b.app, "app.yaml")
	text, err := os.ReadFile(file)
	if err != nil {
		return nil, err
	}
	if err := os.Remove(filepath.Join(b.app, "app.lock")); err != nil && !os.IsNotExist(err) {
		return nil, err
	}
	return b, os.WriteFile(file, replaceOnce(text, "formats: [qcow2, raw]", "formats: [qcow2]"), 0o644)
}

func (b *bench) close() {
	b.ctx = context.WithoutCancel(b.ctx)
	_, _ = b.bakelite("engine", "stop")
}

// build bakes the app without its declared tests.
func (b *bench) build(args ...string) (time.Duration, error) {
	return b.bakelite(append([]string{"build", "--json", "--skip-tests", b.app}, args...)...)
}

// uncached bakes the container into a new output folder.
func (b *bench) uncached() (time.Duration, error) {
	out, err := os.MkdirTemp(b.work, "out-")
	if err != nil {
		return 0, err
	}
	return b.build("--target", "container", "--output", out)
}

func (b *bench) bakelite(args ...string) (time.Duration, error) {
	return b.timed(b.command(args...), args[0] == "build")
}

// command is the program with a state folder and a key of its own.
func (b *bench) command(args ...string) *exec.Cmd {
	c := exec.CommandContext(b.ctx, b.program, args...)
	c.Env = append(os.Environ(), "BAKELITE_STATE="+filepath.Join(b.work, "state"), "BAKELITE_OUTPUT="+filepath.Join(b.work, "dist"),
		"BAKELITE_KEY_PASSPHRASE="+passphrase)
	return c
}

func (b *bench) timed(c *exec.Cmd, keep bool) (time.Duration, error) {
	r, err := b.run(c)
	if err == nil && keep {
		b.last = r.out
	}
	return r.took, err
}

// ran is how a run of a program went.
type ran struct {
	took     time.Duration
	out, log []byte // stdout and stderr
	peak     int64  // bytes: the largest resident set of it and of what it waited for
}

func (b *bench) run(c *exec.Cmd) (ran, error) {
	file, err := os.CreateTemp(b.work, "log-")
	if err != nil {
		return ran{}, err
	}
	defer file.Close()
	c.Stderr = file
	begin := time.Now()
	out, err := c.Output()
	r := ran{took: time.Since(begin), out: out}
	text, rerr := os.ReadFile(file.Name())
	if err != nil {
		return ran{}, fmt.Errorf("%s: %w\n%s", c, err, text[max(0, len(text)-4000):])
	}
	if usage, ok := c.ProcessState.SysUsage().(*syscall.Rusage); ok {
		r.peak = usage.Maxrss << 10
	}
	r.log = text
	return r, rerr
}

type result struct {
	Artifacts []struct {
		Kind, Format string
		Size         int64
	}
}

// result is that of a build of both artifacts.
func (b *bench) result() (result, error) {
	if _, err := b.build(); err != nil {
		return result{}, err
	}
	var r result
	return r, json.Unmarshal(b.last, &r)
}
