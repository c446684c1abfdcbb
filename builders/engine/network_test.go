package engine

import (
	"context"
	"fmt"
	"net"
	"net/http"
	"net/netip"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/moby/buildkit/client/llb"
	"github.com/moby/buildkit/solver/pb"

	"github.com/bakelite/bakelite/builders/daemon"
	"github.com/bakelite/bakelite/builders/progress"
	"github.com/bakelite/bakelite/internal/fault"
)

// networked is shell with a network.
func networked(name, script string) llb.State {
	return llb.Local("shell", llb.WithCustomName("[internal] shell")).
		Run(llb.Args([]string{"/bin/sh", "-c", script}), llb.Network(pb.NetMode_UNSET), llb.WithCustomName(name)).
		AddMount("/out", llb.Scratch())
}

// solved returns the file "text" of a state.
func solved(t *testing.T, k Session, s llb.State) string {
	t.Helper()
	dir := t.TempDir()
	if _, err := k.Solve(t.Context(), Job{Graph: graphOf(s), Dir: dir}); err != nil {
		t.Fatal(err)
	}
	text, err := os.ReadFile(filepath.Join(dir, "text"))
	if err != nil {
		t.Fatal(err)
	}
	return strings.TrimSpace(string(text))
}

// pageAt serves a page on an address of this machine.
func pageAt(t *testing.T, host string) string {
	t.Helper()
	l, err := net.Listen("tcp", net.JoinHostPort(host, "0"))
	if err != nil {
		t.Fatal(err)
	}
	server := &http.Server{Handler: http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) { fmt.Fprint(w, "the page") }), ReadHeaderTimeout: time.Minute}
	go func() { _ = server.Serve(l) }()
	t.Cleanup(func() { _ = server.Close() })
	return l.Addr().String()
}

// ownAddress returns an address of this machine that is not its loopback's.
func ownAddress(t *testing.T) netip.Addr {
	t.Helper()
	all, err := net.InterfaceAddrs()
	if err != nil {
		t.Fatal(err)
	}
	for _, a := range all {
		if n, ok := a.(*net.IPNet); ok && n.IP.To4() != nil && n.IP.IsGlobalUnicast() {
			return netip.MustParseAddr(n.IP.String())
		}
	}
	t.Skip("this machine has no address")
	return netip.Addr{}
}

// TestStepReachesTheMachine: a step with a network reaches no service of this
// machine, not by loopback, not by its address, and not by a socket without a
// file; what the operator names it does reach.
func TestStepReachesTheMachine(t *testing.T) {
	needEngine(t)
	own := ownAddress(t)
	loopback, outside := pageAt(t, "127.0.0.1"), pageAt(t, own.String())
	abstract, err := net.Listen("unix", "@bakelite-engine-test")
	if err != nil {
		t.Fatal(err)
	}
	defer abstract.Close()
	k, _ := newSession(t, open(t, t.TempDir()), progress.Quiet)
	got := solved(t, k, networked("attack", `{
		wget -q -T 5 -O - http://`+loopback+`/ || echo no loopback
		wget -q -T 5 -O - http://`+outside+`/ || echo no machine
		grep -q bakelite-engine-test /proc/net/unix || echo no socket
		grep -c : /proc/net/dev
		cat /etc/resolv.conf | grep nameserver
	} >/out/text 2>/dev/null`))
	if want := "no loopback\nno machine\nno socket\n2\nnameserver 198.18.0.1"; got != want {
		t.Errorf("a step sees:\n%s", got)
	}
}

func TestStepReachesWhatIsNamed(t *testing.T) {
	needEngine(t)
	own := ownAddress(t)
	page := pageAt(t, own.String())
	o := Options{State: t.TempDir(), Idle: time.Minute, Networks: []netip.Prefix{netip.PrefixFrom(own, own.BitLen())}}
	k, _ := newSession(t, openWith(t, o), progress.Quiet)
	if got := solved(t, k, networked("fetch", "wget -q -O /out/text http://"+page+"/")); got != "the page" {
		t.Errorf("a step got %q", got)
	}
	other := o
	other.Networks = nil
	k.Engine = openWith(t, other)
	_, err := k.Solve(t.Context(), Job{Graph: graphOf(networked("again", "true")), Dir: t.TempDir()})
	judge(t, err, fault.Busy, "bakelite engine stop", `step "again"`, own.String())
}

// TestStepHasFewRights: no step can make devices or send frames of its own.
func TestStepHasFewRights(t *testing.T) {
	needEngine(t)
	k, _ := newSession(t, open(t, t.TempDir()), progress.Quiet)
	const script = `{ grep -E '^Cap(Inh|Prm|Eff|Bnd|Amb)' /proc/self/status; mknod /tmp/x c 1 3 || echo no device; } >/out/text 2>/dev/null`
	// chown, dac_override, fowner, fsetid, kill, setgid, setuid, net_bind_service, sys_chroot, setfcap (capability.h)
	const mask = 1<<0 | 1<<1 | 1<<3 | 1<<4 | 1<<5 | 1<<6 | 1<<7 | 1<<10 | 1<<18 | 1<<31
	for name, s := range map[string]llb.State{"with a network": networked("rights", script), "without": shell("rights", script)} {
		got := solved(t, k, s)
		for line := range strings.Lines(got) {
			field, value, ok := strings.Cut(line, ":")
			var bits uint64
			if _, err := fmt.Sscanf(value, "%x", &bits); ok && (err != nil || bits&^mask != 0) {
				t.Errorf("%s: %s is %x", name, field, bits)
			}
		}
		if !strings.Contains(got, "CapEff") || !strings.HasSuffix(got, "no device") {
			t.Errorf("%s: a step sees\n%s", name, got)
		}
	}
}

// TestNetworkOfAForeignEngine: an engine that is not ours decides what its
// steps reach, so none runs there that asks for a network.
func TestNetworkOfAForeignEngine(t *testing.T) {
	needEngine(t)
	state := t.TempDir()
	open(t, state)
	foreign := Options{Address: "unix://" + filepath.Join(state, "engine", "sock")}
	e, err := Open(t.Context(), foreign)
	if err != nil {
		t.Fatal(err)
	}
	defer e.Close()
	k, _ := newSession(t, e, progress.Quiet)
	_, err = k.Solve(t.Context(), Job{Graph: graphOf(networked("fetch", "touch /out/ran")), Dir: t.TempDir()})
	judge(t, err, fault.Policy, "engine.unconfined-network", `step "fetch"`, foreign.Address)
	if got := run(t, k, "alone", "echo ran >/out/text"); got != "ran" {
		t.Errorf("a step without network gave %q", got)
	}
	foreign.UnconfinedNetwork = true
	e2, err := Open(t.Context(), foreign)
	if err != nil {
		t.Fatal(err)
	}
	defer e2.Close()
	k.Engine = e2
	if got := solved(t, k, networked("fetch", "echo ran >/out/text")); got != "ran" {
		t.Errorf("where the user allows it a step gave %q", got)
	}
}

// TestEngineOfAnEarlierVersion: an own engine that does not say that it
// confines its steps was started before there was that.
func TestEngineOfAnEarlierVersion(t *testing.T) {
	needEngine(t)
	state := t.TempDir()
	e := open(t, state)
	old := changed(t, filepath.Join(state, "engine", "sock"), withoutLabels)
	c, err := daemon.Dial(t.Context(), old)
	if err != nil {
		t.Fatal(err)
	}
	defer c.Close()
	judge(t, (&Engine{client: c, own: true}).allowsNetwork(t.Context()), fault.Busy, "bakelite engine stop", "did not confine")
	if err := e.allowsNetwork(t.Context()); err != nil {
		t.Errorf("the engine itself: %v", err)
	}
}

// TestDockerfileAsksForANetwork: the line is named, and nothing runs.
func TestDockerfileAsksForANetwork(t *testing.T) {
	needEngine(t)
	k, _ := newSession(t, open(t, t.TempDir()), progress.Quiet)
	dir := t.TempDir()
	k.Locals["context"] = dir
	for _, c := range []struct{ dockerfile, want string }{
		{"FROM base\n\nRUN --network=host true\n", "Dockerfile:3: RUN --network=host"},
		{"FROM base\nRUN true\nrun --network=default \\\n  true\nONBUILD RUN --network=host true\n", "Dockerfile:3: RUN --network=default\nDockerfile:5: RUN --network=host"},
		{"FROM base\nRUN --network=none true\nRUN test $(grep -c : /proc/net/dev) = 1\n", ""},
	} {
		if err := os.WriteFile(filepath.Join(dir, "Dockerfile"), []byte(c.dockerfile), 0o600); err != nil {
			t.Fatal(err)
		}
		_, err := k.Solve(t.Context(), Job{Dir: t.TempDir(), Graph: func(ctx context.Context, b Dockerfiles) (llb.State, error) {
			return b.Dockerfile(ctx, "context", "Dockerfile", llb.Local("shell"), []string{"base"})
		}})
		if c.want == "" {
			if err != nil {
				t.Errorf("%s: %v", c.dockerfile, err)
			}
			continue
		}
		judge(t, err, fault.Invalid, "network: true", c.want)
	}
}
