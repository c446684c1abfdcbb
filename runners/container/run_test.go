package container_test

import (
	"context"
	"errors"
	"fmt"
	"net"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"

	v1 "github.com/google/go-containerregistry/pkg/v1"
	"golang.org/x/sys/unix"

	"github.com/bakelite/bakelite/internal/app"
	"github.com/bakelite/bakelite/internal/fault"
	"github.com/bakelite/bakelite/internal/units"
	"github.com/bakelite/bakelite/runners/container"
	"github.com/bakelite/bakelite/runners/probe"
)

func webApp() app.App {
	return app.App{Name: "web", Service: app.Service{
		Command: []string{"/service", "serve", ":80", "/data/started"}, User: "web",
		Ports:     []app.Port{{Number: 80, Protocol: "tcp"}},
		Writable:  []string{"/data"},
		Resources: app.Resources{Memory: 64 << 20, CPUs: 1, PIDs: 40},
		Health:    &app.Health{Check: app.Check{HTTP: &app.HTTPCheck{Contains: "baked"}}},
	}}
}

func needRunc(t *testing.T) {
	t.Helper()
	if _, err := exec.LookPath("runc"); err != nil || os.Geteuid() != 0 {
		t.Skip("needs runc and root")
	}
}

func options(t *testing.T, a app.App) container.Options {
	t.Helper()
	needRunc(t)
	dir, digest := layoutOf(t, v1.Config{User: a.Service.User, Entrypoint: a.Service.Command}, serviceLayer(t))
	return container.Options{Layout: dir, Digest: digest, App: a, State: t.TempDir()}
}

func start(t *testing.T, o container.Options) *container.Running {
	t.Helper()
	r, err := container.Start(t.Context(), o)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(r.Stop)
	// The page must be there before programs are run beside it.
	got := probe.Run(t.Context(), probe.Options{Service: o.App.Service, Test: app.Test{Check: o.App.Service.Health.Check}, Dial: r.Dial, Alive: r.Alive})
	if !got.Passed {
		t.Fatalf("%s\n%s", got.Detail, r.Logs())
	}
	return r
}

// TestLimitsAreReal tries to leave the profile from inside the container.
func TestLimitsAreReal(t *testing.T) {
	r := start(t, options(t, webApp()))
	tests := []struct {
		name string
		argv []string
		exit int
		want string
	}{
		{"user", []string{"/service", "uid"}, 0, "uid=4711 euid=4711 gid=4712"},
		{"set-uid is useless", []string{"/suid", "uid"}, 0, "uid=4711 euid=4711 gid=4712"},
		{"groups", []string{"/service", "status"}, 0, "4713"},
		{"no new privileges", []string{"/service", "status"}, 0, "NoNewPrivs:\t1"},
		{"only bind-service", []string{"/service", "status"}, 0, "CapBnd:\t0000000000000400"},
		{"seccomp filters", []string{"/service", "status"}, 0, "Seccomp:\t2"},
		{"root is read-only", []string{"/service", "write", "/x"}, 3, "read-only file system"},
		{"etc is read-only", []string{"/service", "write", "/etc/x"}, 3, "read-only file system"},
		{"writable folder", []string{"/service", "write", "/data/x"}, 0, ""},
		{"writable folder is seeded", []string{"/service", "read", "/data/seed"}, 0, "sown"},
		{"tmp", []string{"/service", "write", "/tmp/x"}, 0, ""},
		{"proc/sys is read-only", []string{"/service", "write", "/proc/sys/kernel/domainname"}, 3, "read-only file system"},
		{"memory hog is killed", []string{"/service", "hog"}, 137, ""},
		{"own network", []string{"/service", "read", "/proc/net/dev"}, 0, "lo:"},
		{"missing program", []string{"/missing"}, -1, ""},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			exit, output, err := r.Exec(t.Context(), tt.argv)
			if err != nil {
				exit = -1
			}
			if exit != tt.exit || !strings.Contains(string(output), tt.want) {
				t.Errorf("exit %d, want %d; error %v; output without %q:\n%s", exit, tt.exit, err, tt.want, output)
			}
		})
	}
	if err := r.Alive(); err != nil {
		t.Error(err)
	}
}

func TestTmpfsIsBounded(t *testing.T) {
	a := webApp()
	a.Service.Resources.Memory = 512 << 20
	r := start(t, options(t, a))
	exit, output, err := r.Exec(t.Context(), []string{"/service", "fill", "/data/full"})
	if err != nil || exit != 3 || !strings.Contains(string(output), "no space left") {
		t.Errorf("exit %d, %v: %s", exit, err, output)
	}
	if peak, err := r.Memory(); err != nil || peak < 64<<20 || peak > 512<<20 {
		t.Errorf("peak of %d bytes, %v", peak, err)
	}
}

// TestForkBombIsBounded gives so much memory that only the limit of
// processes and threads can stop it.
func TestForkBombIsBounded(t *testing.T) {
	a := webApp()
	a.Service.Resources.Memory = 2 << 30
	r := start(t, options(t, a))
	_, output, err := r.Exec(t.Context(), []string{"/service", "forks", "60"})
	var started int
	if _, scan := fmt.Sscanf(string(output), "started %d", &started); err != nil || scan != nil || started == 0 || started >= 40 {
		// The bomb may also die of it: Go gives up where it gets no thread.
		if !strings.Contains(string(output), "Resource temporarily unavailable") && !strings.Contains(string(output), "newosproc") {
			t.Errorf("%v: started %d of 60 under a limit of 40:\n%.500s", err, started, output)
		}
	}
}

// TestSwappedUnpackedImage plants a tree where an earlier version would have
// kept the image's: what runs is the image, not what lies there.
func TestSwappedUnpackedImage(t *testing.T) {
	o := options(t, webApp())
	trees := filepath.Join(o.State, "rootfs")
	planted := filepath.Join(trees, strings.TrimPrefix(o.Digest, "sha256:"))
	if err := os.MkdirAll(planted, 0o755); err != nil {
		t.Fatal(err)
	}
	r := start(t, o) // an empty tree has no service
	if err := r.Alive(); err != nil {
		t.Error(err)
	}
	if left, err := os.ReadDir(trees); err != nil || len(left) != 1 {
		t.Errorf("there are %d trees: %v", len(left), err)
	}
}

func TestStopLeavesNothing(t *testing.T) {
	o := options(t, webApp())
	r := start(t, o)
	if cgroups(t, r.ID) == 0 {
		t.Error("no cgroup seen while it runs: the check below would prove nothing")
	}
	r.Stop()
	r.Stop()
	nothingLeft(t, r, o.State)
	if peak, err := r.Memory(); err != nil || peak == 0 {
		t.Errorf("memory after the end: %d, %v", peak, err)
	}
}

func TestContextEndsTheContainer(t *testing.T) {
	o := options(t, webApp())
	ctx, cancel := context.WithCancel(t.Context())
	defer cancel()
	r, err := container.Start(ctx, o)
	if err != nil {
		t.Fatal(err)
	}
	cancel()
	r.Stop() // waits for the stop that the context began
	nothingLeft(t, r, o.State)
}

func nothingLeft(t *testing.T, r *container.Running, state string) {
	t.Helper()
	if err := unix.Kill(r.PID(), 0); !errors.Is(err, unix.ESRCH) {
		t.Errorf("process %d: %v", r.PID(), err)
	}
	if n := cgroups(t, r.ID); n != 0 {
		t.Errorf("%d cgroups left", n)
	}
	mounts, err := os.ReadFile("/proc/self/mountinfo")
	if err != nil || strings.Contains(string(mounts), state) {
		t.Errorf("mounts left below %s: %v", state, err)
	}
	for _, dir := range []string{"run", "runc", "rootfs"} {
		if left, _ := os.ReadDir(filepath.Join(state, dir)); len(left) != 0 {
			t.Errorf("%s holds %v", dir, left)
		}
	}
}

func cgroups(t *testing.T, id string) int {
	t.Helper()
	n := 0
	for _, pattern := range []string{"/sys/fs/cgroup/" + id, "/sys/fs/cgroup/*/" + id} {
		found, err := filepath.Glob(pattern)
		if err != nil {
			t.Fatal(err)
		}
		n += len(found)
	}
	return n
}

func TestTestRunsEverything(t *testing.T) {
	a := webApp()
	a.Tests = []app.Test{
		{Check: app.Check{HTTP: &app.HTTPCheck{}}},
		{Check: app.Check{Command: &app.CommandCheck{Run: []string{"/service", "uid"}, Contains: "uid=4711"}}, On: "container"},
		{Name: "wrong", Check: app.Check{HTTP: &app.HTTPCheck{Status: http.StatusTeapot}}, Within: 1},
		{Name: "other", Check: app.Check{TCP: &app.TCPCheck{}}, On: "disk"},
	}
	o := options(t, a)
	results, record, err := container.Test(t.Context(), o)
	if err != nil {
		t.Fatal(err)
	}
	var got []string
	for _, r := range results {
		mark := "-"
		if r.Passed {
			mark = "+"
		}
		got = append(got, mark+r.Name)
	}
	want := "+starts|+runs as non-root|+root filesystem is read-only|+is healthy|+http GET / on 80|+command /service uid gives \"uid=4711\"|-wrong|+still runs"
	if strings.Join(got, "|") != want {
		t.Errorf("got  %s\nwant %s\n%+v", strings.Join(got, "|"), want, results)
	}
	if record.MemoryBytes == 0 {
		t.Errorf("record %+v", record)
	}
	if left, _ := os.ReadDir(filepath.Join(o.State, "run")); len(left) != 0 {
		t.Errorf("left %v", left)
	}
}

// TestServiceThatEndsIsAResult: the reason stands in one result, and nothing
// else of this machine.
func TestServiceThatEndsIsAResult(t *testing.T) {
	page := app.Test{Check: app.Check{HTTP: &app.HTTPCheck{}}, Within: units.Duration(time.Minute)}
	for name, tt := range map[string]struct {
		command []string
		memory  units.Size
		tests   []app.Test
		want    string
	}{
		"at once":              {[]string{"/service", "fail"}, 64 << 20, []app.Test{page, page}, "exit code 9: no luck"},
		"without tests":        {[]string{"/service", "fail", "1s"}, 64 << 20, nil, "exit code 9: no luck"},
		"well":                 {[]string{"/service", "uid"}, 64 << 20, nil, "exit code 0: uid=4711"},
		"of too little memory": {[]string{"/service", "hog"}, 16 << 20, nil, "exit code 137: the kernel killed it for want of memory: service.resources.memory is 16M"},
	} {
		t.Run(name, func(t *testing.T) {
			a := webApp()
			a.Service.Command, a.Service.Resources.Memory, a.Service.Health, a.Tests = tt.command, tt.memory, nil, tt.tests
			results, _, err := container.Test(t.Context(), options(t, a))
			if err != nil || len(results) == 0 {
				t.Fatal(results, err)
			}
			all, failed := "", 0
			for _, r := range results {
				all += r.Name + ": " + r.Detail + "\n"
				if !r.Passed {
					failed++
				}
			}
			if failed == 0 || strings.Count(all, tt.want) != 1 || strings.Contains(all, "/proc/") {
				t.Errorf("want %q once:\n%s", tt.want, all)
			}
			if last := results[len(results)-1]; results[0].Passed && (last.Name != "still runs" || last.Passed) {
				t.Errorf("the last result is %+v", last)
			}
		})
	}
}

func TestRootIsRefused(t *testing.T) {
	for _, user := range []string{"root", "0", "0:0", "nobody-here"} {
		a := webApp()
		a.Service.User = user
		_, err := container.Start(t.Context(), options(t, a))
		if kind := fault.KindOf(err); err == nil || kind != fault.Policy && kind != fault.Build {
			t.Errorf("%s: %v", user, err)
		}
	}
}

// onFreePort has the service listen on a port of this machine that is free.
func onFreePort(t *testing.T, a *app.App) {
	t.Helper()
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer listener.Close()
	a.Service.Command[2] = listener.Addr().String()
	a.Service.Ports[0].Number = listener.Addr().(*net.TCPAddr).Port
}

func TestHostNetwork(t *testing.T) {
	a := webApp()
	onFreePort(t, &a)
	o := options(t, a)
	o.HostNetwork = true
	start(t, o)
}
