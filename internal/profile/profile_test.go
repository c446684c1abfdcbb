package profile_test

import (
	"slices"
	"strings"
	"testing"

	"github.com/bakelite/bakelite/internal/app"
	"github.com/bakelite/bakelite/internal/profile"
)

func TestCapabilitiesFollowThePorts(t *testing.T) {
	for port, want := range map[int]int{80: 1, 1023: 1, 1024: 0, 8080: 0} {
		got := profile.Of(app.App{Service: app.Service{Ports: []app.Port{{Number: port}}}})
		if len(got.Capabilities) != want {
			t.Errorf("port %d: %v", port, got.Capabilities)
		}
	}
}

func TestEnvironmentIsTheSameEverywhere(t *testing.T) {
	got := profile.Of(app.App{Service: app.Service{Environment: map[string]string{"B": "2", "A": "1", "PATH": "/opt/bin"}}}).Environment
	if want := []string{"A=1", "B=2", "LANG=C.UTF-8", "PATH=/opt/bin"}; !slices.Equal(got, want) {
		t.Errorf("got %q, want %q", got, want)
	}
}

// TestCallsStandInOneGroup: a call of two groups would be both allowed and
// refused, and a group that no word of service.allow lifts is a mistake.
func TestCallsStandInOneGroup(t *testing.T) {
	strict, all := profile.Of(app.App{}).Calls, profile.Of(app.App{Service: app.Service{Allow: app.Allowances()}}).Calls
	names := slices.Sorted(slices.Values(append(slices.Clone(strict.Allowed), strict.Refused...)))
	if once := slices.Compact(slices.Clone(names)); len(once) != len(names) {
		t.Errorf("of %d calls %d are different", len(names), len(once))
	}
	if len(strict.Allowed) < 250 || !slices.Contains(strict.Allowed, "socket") {
		t.Errorf("allowed are %d calls", len(strict.Allowed))
	}
	for _, call := range []string{"io_uring_setup", "keyctl", "chown", "setuid", "sched_setaffinity", "memfd_create"} {
		if !slices.Contains(strict.Refused, call) || slices.Contains(strict.Allowed, call) {
			t.Errorf("%s is let in by default", call)
		}
		if !slices.Contains(all.Allowed, call) {
			t.Errorf("no word of service.allow lets %s in", call)
		}
	}
	for _, call := range []string{"mount", "bpf", "ptrace", "unshare", "setns", "userfaultfd", "init_module"} {
		if !slices.Contains(all.Refused, call) {
			t.Errorf("%s can be let in", call)
		}
	}
}

// TestExplainOfAJIT: what a service may do already is no cause.
func TestExplainOfAJIT(t *testing.T) {
	p := profile.Of(app.App{Service: app.Service{Allow: []string{"jit"}}})
	got := p.Explain("Failed to mark memory page as executable\nmmap: Cannot allocate memory\n")
	if !slices.Equal(got, []string{"the memory ends at service.resources.memory"}) {
		t.Errorf("got %q", got)
	}
}

// TestHomesAreSeenWhereSomethingIsThere: a machine hides the homes of people,
// but not what the app put there.
func TestHomesAreSeenWhereSomethingIsThere(t *testing.T) {
	for name, c := range map[string]struct {
		app  app.App
		want bool
	}{
		"nothing":    {app.App{Files: []app.File{{To: "/homes/x"}}}, false},
		"file":       {app.App{Files: []app.File{{To: "/home/x"}}}, true},
		"folder":     {app.App{Files: []app.File{{To: "/home"}}}, true},
		"command":    {app.App{Service: app.Service{Command: []string{"/home/x/run"}}}, true},
		"dir":        {app.App{Service: app.Service{Dir: "/root"}}, true},
		"steps":      {app.App{Steps: []app.Step{{Run: "true"}}}, true},
		"Dockerfile": {app.App{Base: app.Base{Dockerfile: "Dockerfile"}}, true},
	} {
		if got := profile.Of(c.app).Home; got != c.want {
			t.Errorf("%s: %v", name, got)
		}
	}
}

// TestExplain names the limit and the key behind what programs really say.
func TestExplain(t *testing.T) {
	p := profile.Of(app.App{Service: app.Service{User: "web", Writable: []string{"/run/web"}}})
	for words, want := range map[string]string{
		`nginx: [emerg] open() "/run/nginx.pid" failed (30: Read-only file system)`:                                      "/run/nginx.pid is read-only: name /run in service.writable",
		`Error: EROFS: read-only file system, open '/srv/app/cache.json'`:                                                "/srv/app/cache.json is read-only: name /srv/app in",
		`touch: cannot touch '/srv/x': Read-only file system`:                                                            "/srv/x is read-only",
		`nginx: [alert] could not open error log file: open() "/var/log/nginx/error.log" failed (13: Permission denied)`: "name /var/log/nginx there",
		`nginx: [emerg] bind() to 0.0.0.0:80 failed (13: Permission denied)`:                                             "a port below 1024",
		`open("/run/web/x"): Permission denied`:                                                                          "",
		`socket: Address family not supported by protocol`:                                                               "AF_UNIX, AF_INET, AF_INET6, AF_NETLINK alone",
		`mbind: Operation not permitted`:                                                                                 "service.allow lets more of them in: io-uring",
		`fork: Resource temporarily unavailable`:                                                                         "there can be 256 processes and threads: service.resources.pids",
		`could not write to file "pg_wal/xlogtemp.29": No space left on device`:                                          "service.resources.writable",
		`Failed to mark memory page as executable - check if grsecurity/PaX is enabled`:                                  "service.allow: [jit]",
		`pick_allocator(): Internal error: jit: Cannot allocate executable memory. Use the interpreter instead.`:         "service.allow: [jit]",
		`FATAL ERROR: Reached heap limit Allocation failed - JavaScript heap out of memory`:                              "service.resources.memory, and no memory can be both",
		`Error: (TLS) Failed loading legacy provider`:                                                                    "openssl-provider-legacy",
		`Error: Working directory /var/lib/varnish/app (-n argument) cannot reside on a file system mounted noexec`:      "service.allow: [exec-writable]",
		`all is well`: "",
	} {
		got := strings.Join(p.Explain(words+"\n"+words), "\n")
		if want == "" && got != "" || !strings.Contains(got, want) || strings.Count(got, "\n") > 0 {
			t.Errorf("%s:\n got  %q\nwant %q", words, got, want)
		}
	}
}
