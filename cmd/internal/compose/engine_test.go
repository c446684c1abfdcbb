package compose

import (
	"fmt"
	"net/netip"
	"os"
	"os/exec"
	"reflect"
	"strings"
	"testing"
	"time"

	"golang.org/x/sys/unix"

	"github.com/bakelite/bakelite/builders/daemon"
	"github.com/bakelite/bakelite/builders/engine"
	"github.com/bakelite/bakelite/internal/fault"
)

// TestOpenEngineKeepsDescriptors opens an engine that is not there, which is
// far enough: an inherited pipe no longer reaches the programs started.
func TestOpenEngineKeepsDescriptors(t *testing.T) {
	r, w, err := os.Pipe()
	if err != nil {
		t.Fatal(err)
	}
	defer r.Close()
	defer w.Close()
	if _, err := unix.FcntlInt(w.Fd(), unix.F_SETFD, 0); err != nil { // as if it had been inherited
		t.Fatal(err)
	}
	name, err := os.Readlink(fmt.Sprintf("/proc/self/fd/%d", w.Fd()))
	if err != nil {
		t.Fatal(err)
	}
	if !strings.Contains(descriptors(t), name) {
		t.Fatal("the pipe does not reach a program to begin with")
	}
	if _, err := OpenEngine(t.Context(), engine.Options{Address: "unix:///nowhere/sock"}); fault.KindOf(err) != fault.Network {
		t.Errorf("got %v", err)
	}
	if strings.Contains(descriptors(t), name) {
		t.Error("the pipe still reaches a program")
	}
}

// descriptors lists what a program started now has open.
func descriptors(t *testing.T) string {
	t.Helper()
	out, err := exec.Command("ls", "-l", "/proc/self/fd").CombinedOutput()
	if err != nil {
		t.Fatalf("%v: %s", err, out)
	}
	return string(out)
}

func TestServeOptions(t *testing.T) {
	o, err := serveOptions([]string{"--folder", "/s", "--for", "3s", "--rootless", "--networks", "10.0.0.0/8", "--proxies-on-stdin"})
	want := daemon.ServeOptions{
		State: "/s", Idle: 3 * time.Second, Rootless: true, Proxies: os.Stdin, Networks: []netip.Prefix{netip.MustParsePrefix("10.0.0.0/8")},
	}
	if err != nil || !reflect.DeepEqual(o, want) {
		t.Errorf("got %+v, %v", o, err)
	}
	for _, args := range [][]string{nil, {"--for", "3s"}, {"--folder", "/s", "more"}, {"--folder", "/s", "--dance"}, {"--folder", "/s", "--for", "x"}, {"--folder", "/s", "--networks", "here"}} {
		if _, err := serveOptions(args); fault.KindOf(err) != fault.Invalid {
			t.Errorf("%q gave %v", args, err)
		}
	}
}

func TestAnswerEngineRefuses(t *testing.T) {
	for word, args := range map[string][]string{"dance": nil, "serve": nil, "confine": {"--", "/bin/true"}} {
		if _, err := AnswerEngine(t.Context(), word, args); err == nil {
			t.Errorf("engine %s %q was not refused", word, args)
		}
	}
}
