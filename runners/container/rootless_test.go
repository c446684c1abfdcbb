package container_test

import (
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"syscall"
	"testing"

	v1 "github.com/google/go-containerregistry/pkg/v1"

	"github.com/bakelite/bakelite/internal/app"
	"github.com/bakelite/bakelite/runners/container"
)

// nobody is a user of this machine without rights.
const nobody = 65534

// TestRootless runs a copy of this test as nobody.
func TestRootless(t *testing.T) {
	if text := os.Getenv("SANDBOX_TEST_ROOTLESS"); text != "" {
		rootless(t, text)
		return
	}
	needRunc(t)
	dir, err := os.MkdirTemp("", "rootless-")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { os.RemoveAll(dir) })
	a := rootlessApp()
	onFreePort(t, &a)
	image, digest := layoutOf(t, v1.Config{User: "web", Entrypoint: a.Service.Command}, serviceLayer(t))
	binary := filepath.Join(dir, "test")
	for from, to := range map[string]string{image: filepath.Join(dir, "layout"), os.Args[0]: binary} {
		if out, err := exec.Command("cp", "-r", from, to).CombinedOutput(); err != nil {
			t.Fatalf("%v: %s", err, out)
		}
	}
	if out, err := exec.Command("chown", "-R", "65534:65534", dir).CombinedOutput(); err != nil {
		t.Fatalf("%v: %s", err, out)
	}
	child := exec.Command(binary, "-test.run", "^TestRootless$", "-test.v")
	child.Dir = dir
	child.Env = append(os.Environ(), "SANDBOX_TEST_ROOTLESS="+dir+" "+digest+" "+a.Service.Command[2])
	child.SysProcAttr = &syscall.SysProcAttr{Credential: &syscall.Credential{Uid: nobody, Gid: nobody}}
	if out, err := child.CombinedOutput(); err != nil {
		t.Errorf("%v:\n%s", err, out)
	}
}

func rootlessApp() app.App {
	a := webApp()
	a.Tests = []app.Test{{Check: app.Check{Command: &app.CommandCheck{Run: []string{"/service", "status"}, Contains: "NoNewPrivs:\t1"}}}}
	return a
}

func rootless(t *testing.T, text string) {
	var dir, digest string
	a := rootlessApp()
	if _, err := fmt.Sscan(text, &dir, &digest, &a.Service.Command[2]); err != nil {
		t.Fatal(err)
	}
	if _, err := fmt.Sscanf(a.Service.Command[2], "127.0.0.1:%d", &a.Service.Ports[0].Number); err != nil {
		t.Fatal(err)
	}
	o := container.Options{
		Layout: filepath.Join(dir, "layout"), Digest: digest, App: a, State: filepath.Join(dir, "state"),
	}
	results, record, err := container.Test(t.Context(), o)
	if err != nil {
		t.Fatal(err)
	}
	for _, r := range results {
		if !r.Passed {
			t.Errorf("%+v", r)
		}
		if r.Name == "runs as non-root" && r.Detail != "user 65534" {
			t.Errorf("%+v", r)
		}
	}
	if notes := strings.Join(record.Notes, "\n"); !strings.Contains(notes, "no limits") {
		t.Errorf("notes:\n%s", notes)
	}
}
