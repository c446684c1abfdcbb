package engine

import (
	"bytes"
	"context"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/moby/buildkit/client/llb"

	"github.com/bakelite/bakelite/builders/progress"
)

func contains(text []byte, part string) bool { return bytes.Contains(text, []byte(part)) }

// busybox returns a folder whose bin holds a static shell with its tools.
func busybox(t *testing.T) string {
	t.Helper()
	return busyboxIn(t, t.TempDir())
}

func busyboxIn(t *testing.T, root string) string {
	t.Helper()
	program, err := os.ReadFile("/bin/busybox")
	if err != nil {
		t.Skip("needs busybox: apt-get install busybox-static or busybox")
	}
	for _, dir := range []string{"bin", "lib", "lib64", "tmp"} {
		if err := os.MkdirAll(filepath.Join(root, dir), 0o755); err != nil {
			t.Fatal(err)
		}
	}
	copyTo(t, filepath.Join(root, "bin/busybox"), program)
	for _, applet := range []string{"sh", "ls", "cat", "sleep", "wget", "echo", "dd", "seq", "id", "wc", "grep", "mknod", "touch", "test", "true", "cp"} {
		if err := os.Symlink("busybox", filepath.Join(root, "bin", applet)); err != nil {
			t.Fatal(err)
		}
	}
	return root
}

func copyTo(t *testing.T, path string, data []byte) {
	t.Helper()
	if err := os.WriteFile(path, data, 0o755); err != nil {
		t.Fatal(err)
	}
}

// kitchen returns a kitchen with a shell, and what its display wrote.
func newSession(t *testing.T, e *Engine, mode progress.Mode) (Session, func() string) {
	t.Helper()
	var shown bytes.Buffer
	display, err := progress.New(progress.Options{Screen: &shown, Mode: mode})
	if err != nil {
		t.Fatal(err)
	}
	closed := false
	end := func() string {
		if !closed {
			closed = true
			display.Close()
		}
		return shown.String()
	}
	t.Cleanup(func() { end() })
	return Session{Engine: e, Progress: display, Locals: map[string]string{"shell": busybox(t)}}, end
}

// shell returns a step that runs a script without network and whose /out is
// the result.
func shell(name, script string) llb.State {
	run := llb.Local("shell", llb.WithCustomName("[internal] shell")).
		Run(llb.Args([]string{"/bin/sh", "-c", script}), llb.Network(llb.NetModeNone), llb.WithCustomName(name))
	return run.AddMount("/out", llb.Scratch())
}

func graphOf(s llb.State) func(context.Context, Dockerfiles) (llb.State, error) {
	return func(context.Context, Dockerfiles) (llb.State, error) { return s, nil }
}

// run solves a step and returns the file "text" of its result.
func run(t *testing.T, k Session, name, script string) string {
	t.Helper()
	dir := t.TempDir()
	if _, err := k.Solve(t.Context(), Job{Graph: graphOf(shell(name, script)), Dir: dir}); err != nil {
		t.Fatalf("solving %s: %v", name, err)
	}
	text, err := os.ReadFile(filepath.Join(dir, "text"))
	if err != nil {
		t.Fatal(err)
	}
	return strings.TrimSpace(string(text))
}

// probe runs one step on an own engine, for tests that start it as another
// user; the shell's folder is in the environment.
func probe(state string) error {
	ctx := context.Background()
	e, err := Open(ctx, Options{State: state, Idle: 60e9})
	if err != nil {
		return err
	}
	defer e.Close()
	display, err := progress.New(progress.Options{Mode: progress.Quiet})
	if err != nil {
		return err
	}
	defer display.Close()
	k := Session{Engine: e, Progress: display, Locals: map[string]string{"shell": os.Getenv("SHELL_FOLDER")}}
	out, err := os.MkdirTemp(state, "out-") // others may probe at the same time
	if err != nil {
		return err
	}
	script := "id -u; cat /proc/1/comm; grep -c : /proc/net/dev"
	reach := "grep -c : /proc/net/dev; wget -q -T 5 -O - http://" + os.Getenv("PAGE") + "/ 2>/dev/null || echo no machine"
	for _, probed := range []llb.State{shell("probe", "("+script+") > /out/text"), networked("reach", "("+reach+") > /out/text")} {
		if _, err := k.Solve(ctx, Job{Graph: graphOf(probed), Dir: out}); err != nil {
			return err
		}
		text, err := os.ReadFile(filepath.Join(out, "text"))
		if err != nil {
			return err
		}
		fmt.Print(string(text))
	}
	return nil
}
