package engine

import (
	"context"
	"errors"
	"fmt"
	"net"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strings"
	"syscall"
	"testing"

	"github.com/moby/buildkit/client/llb"
	gateway "github.com/moby/buildkit/frontend/gateway/pb"
	digest "github.com/opencontainers/go-digest"
	"golang.org/x/sys/unix"
	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/status"

	"github.com/bakelite/bakelite/builders/progress"
	"github.com/bakelite/bakelite/internal/fault"
)

// TestCauses provokes what a build meets and looks at what a person is told.
func TestCauses(t *testing.T) {
	needEngine(t)
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		switch r.URL.Path {
		case "/gone":
			http.NotFound(w, r)
		case "/broken":
			http.Error(w, "broken", http.StatusInternalServerError)
		default:
			fmt.Fprint(w, "hello")
		}
	}))
	defer server.Close()
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	closed := "http://" + listener.Addr().String()
	_ = listener.Close()
	fetch := func(url, content string) llb.State {
		return llb.HTTP(url, llb.Checksum(digest.FromString(content)), llb.Filename("f"), llb.WithCustomName("fetch hello 1.0"))
	}
	e := open(t, t.TempDir())
	for name, c := range map[string]struct {
		graph llb.State
		kind  fault.Kind
		text  []string
		hint  string
	}{
		"secret":       {llb.Scratch().Run(llb.Args([]string{"/true"}), llb.AddSecret("/token", llb.SecretID("token"))).Root(), fault.Invalid, []string{"secret token"}, "no secrets"},
		"SSH":          {llb.Scratch().Run(llb.Args([]string{"/true"}), llb.AddSSHSocket()).Root(), fault.Invalid, []string{"SSH key"}, "no SSH agent"},
		"wrong digest": {fetch(server.URL+"/wrong", "other"), fault.Integrity, []string{"fetch hello 1.0", "digest mismatch"}, "bakelite lock"},
		"404":          {fetch(server.URL+"/gone", "hello"), fault.Network, []string{"fetch hello 1.0", "404"}, "no longer has"},
		"500":          {fetch(server.URL+"/broken", "hello"), fault.Network, []string{"fetch hello 1.0", "500"}, "another mirror"},
		"refused":      {fetch(closed+"/f", "hello"), fault.Network, []string{"fetch hello 1.0", "connection refused"}, "check the network"},
		"no such host": {fetch("http://mirror.invalid/f", "hello"), fault.Network, []string{"fetch hello 1.0", "mirror.invalid"}, "check the network"},
		"step": {shell("[app] configure", "seq 1 30; echo wanted a package; exit 3"), fault.Build,
			[]string{`step "[app] configure" failed with exit code 3; its last lines:`, "\n12\n", "wanted a package"}, "own output"},
		"no program": {shell("[step] apt-get", "apt-get-none update"), fault.Build, []string{"failed with exit code 127"}, "under packages"},
		"no owner":   {shell("[files] copy", "echo before; echo 'app file: files[0].owner: nobody has it; next: use service.user' >&2; exit 1"), fault.Invalid, []string{"files[0].owner: nobody has it"}, "service.user"},
		"killed":     {shell("[app] eat", "sh -c 'kill -9 $$'; exit $?"), fault.Build, []string{`step "[app] eat" failed with exit code 137`}, "memory"},
		"no shell": {llb.Scratch().Run(llb.Args([]string{"/bin/sh"}), llb.Network(llb.NetModeNone), llb.WithCustomName("[app] bare")).Root(),
			fault.Build, []string{`"[app] bare" failed`, "no such file"}, ""},
	} {
		t.Run(name, func(t *testing.T) {
			k, _ := newSession(t, e, progress.Quiet)
			_, err := k.Solve(t.Context(), Job{Graph: graphOf(c.graph), Dir: t.TempDir()})
			t.Logf("%v\n  hint: %s", err, fault.HintOf(err))
			judge(t, err, c.kind, c.hint, c.text...)
			for _, noise := range append([]string{"did not complete successfully", "/bin/sh -c", "\n11\n"}, noise...) {
				if strings.Contains(fmt.Sprint(err), noise) {
					t.Errorf("%q holds %q", err, noise)
				}
			}
		})
	}
}

func TestClassify(t *testing.T) {
	step := failure{Failure: progress.Failure{Step: "[app] eat", Output: "eating"}}
	killed := &gateway.ExitError{ExitCode: 1, Err: fmt.Errorf("exit: %w", syscall.ENOMEM)}
	for name, c := range map[string]struct {
		err  error
		f    failure
		kind fault.Kind
		text string
		hint string
	}{
		"out of memory":      {killed, step, fault.Build, `step "[app] eat" failed`, "memory"},
		"a step unknown":     {killed, failure{}, fault.Build, "a build step failed", "memory"},
		"a mirror's 503":     {errors.New("unexpected status: 503 Service Unavailable"), failure{}, fault.Build, "503", ""},
		"known already":      {fault.New(fault.Policy, "refused"), step, fault.Policy, "refused", ""},
		"cancelled, by gRPC": {status.Error(codes.Canceled, "x"), step, fault.Cancelled, "stopped", ""},
	} {
		t.Run(name, func(t *testing.T) { judge(t, classify(c.err, c.f), c.kind, c.hint, c.text) })
	}
}

func judge(t *testing.T, err error, kind fault.Kind, hint string, text ...string) {
	t.Helper()
	if fault.KindOf(err) != kind || !strings.Contains(fault.HintOf(err), hint) {
		t.Errorf("got kind %d (hint %q), want %d with %q", fault.KindOf(err), fault.HintOf(err), kind, hint)
	}
	for _, part := range text {
		if !strings.Contains(fmt.Sprint(err), part) {
			t.Errorf("%q lacks %q", err, part)
		}
	}
}

func TestFullDisk(t *testing.T) {
	needEngine(t)
	state := t.TempDir()
	if err := unix.Mount("tmpfs", state, "tmpfs", 0, "size=24m"); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = unix.Unmount(state, unix.MNT_DETACH) })
	e := open(t, state)
	k, _ := newSession(t, e, progress.Quiet)
	_, err := k.Solve(t.Context(), Job{Graph: graphOf(shell("fill", "dd if=/dev/zero of=/out/zeros bs=1M count=40 2>&1")), Dir: filepath.Join(t.TempDir(), "out")})
	t.Log(err)
	judge(t, err, fault.Build, "engine prune", `"fill"`)
	if freed, err := e.Prune(t.Context()); freed == 0 || err != nil {
		t.Errorf("pruning a full disk freed %d bytes, %v", freed, err)
	}
	if got := run(t, k, "after", "echo on > /out/text"); got != "on" {
		t.Errorf("after a full disk got %q", got)
	}
}

func TestCancel(t *testing.T) {
	needEngine(t)
	state := t.TempDir()
	k, _ := newSession(t, open(t, state), progress.Quiet)
	ctx, cancel := context.WithCancel(t.Context())
	defer cancel()
	ended := make(chan error, 1)
	go func() {
		_, err := k.Solve(ctx, Job{Graph: graphOf(shell("sleep", "sleep 876543")), Dir: filepath.Join(state, "out")})
		ended <- err
	}()
	awaitStep(t, "sleep 876543")
	cancel()
	err := <-ended
	if fault.KindOf(err) != fault.Cancelled || !errors.Is(err, context.Canceled) {
		t.Errorf("got %v, want fault.Cancelled", err)
	}
	awaitNone(t, "sleep\x00876543")
	if got := run(t, k, "after", "echo on > /out/text"); got != "on" {
		t.Errorf("after a cancel got %q", got)
	}
	if files, _ := os.ReadDir(filepath.Join(state, "out")); len(files) > 0 {
		t.Errorf("a cancelled solve left %v", files)
	}
}

func TestOutputIsInTheErrorOnlyWhereTheDisplayShowsNone(t *testing.T) {
	needEngine(t)
	e := open(t, t.TempDir())
	for mode, want := range map[progress.Mode]bool{progress.Quiet: true, progress.JSON: true, progress.Plain: false, progress.Full: false} {
		k, shown := newSession(t, e, mode)
		_, err := k.Solve(t.Context(), Job{Graph: graphOf(shell("[app] say "+string(mode), "echo because; exit 1")), Dir: t.TempDir()})
		if got := strings.Contains(fmt.Sprint(err), "because"); got != want {
			t.Errorf("%s: the error says %q", mode, err)
		}
		if !want && !strings.Contains(shown(), "because") {
			t.Errorf("the display shows %q", shown())
		}
	}
}
