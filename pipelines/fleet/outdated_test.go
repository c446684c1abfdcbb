package fleet_test

import (
	"bytes"
	"context"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/bakelite/bakelite/distro/debian/archivetest"
	"github.com/bakelite/bakelite/internal/app"
	"github.com/bakelite/bakelite/internal/fault"
	"github.com/bakelite/bakelite/internal/lock"
	"github.com/bakelite/bakelite/internal/update"
	"github.com/bakelite/bakelite/pipelines/fleet"
	"github.com/bakelite/bakelite/pipelines/pin"
	"github.com/bakelite/bakelite/scan"
)

const security = "dists/trixie-security/InRelease"

// TestOutdated moves the archive on beneath two apps; one has what moved.
func TestOutdated(t *testing.T) {
	y := newYard(t)
	nginx, zlib := archivetest.Package{Name: "nginx", Version: "1.26-1+b2", Source: "nginx-src (1.26-1)"}, pkg("zlib1g", "1:1.3-2")
	y.archive.Publish("trixie", archivetest.Released(), nginx, zlib)
	web, plain := y.app("web", "", nginx, zlib), y.app("plain", "", zlib)
	for _, s := range y.outdated(fleet.Options{}, web, plain) {
		if s.Err != nil || s.Decision.Action != update.Current || len(s.Changes) > 0 || len(s.Archives) != 3 {
			t.Fatalf("%s: %+v", s.App.Name, s)
		}
	}

	y.now = y.now.Add(30 * time.Hour)
	came := archivetest.Released().Add(50 * time.Hour)
	y.archive.Publish("trixie-security", came, archivetest.Package{Name: "nginx", Version: "1.26-1+deb13u1", Source: "nginx-src"})
	y.findings["nginx-src 1.26-1"] = []scan.Finding{{ID: "CVE-2026-1", Severity: scan.High, FixedVersion: "1.26-1+deb13u1"}, {ID: "CVE-2026-2", Severity: scan.Low}}
	all := y.outdated(fleet.Options{}, web, plain)
	s := all[0]
	if s.Decision.Action != update.Rebuild || words(s.Changes) != "nginx 1.26-1+b2>1.26-1+deb13u1 security [container]" {
		t.Errorf("web: %s: %s", s.Decision.Action, words(s.Changes))
	}
	if c := s.Changes[0]; !c.Since.Equal(came) || !c.Seen.Equal(y.now) || len(c.Fixes) != 1 || c.Fixes[0].ID != "CVE-2026-1" || c.Worst() != scan.High {
		t.Errorf("web: %+v", c)
	}
	if len(s.Advisories) != 2 || s.Advisories[0].ID != "CVE-2026-1" || !s.Advisories[0].KnownSince.Equal(y.now) || !s.Advisories[0].FixedSince.Equal(y.now) || !s.Advisories[1].FixedSince.IsZero() {
		t.Errorf("web: advisories %+v", s.Advisories)
	}
	if all[1].Decision.Action != update.Current || len(all[1].Advisories) > 0 {
		t.Errorf("plain: %+v", all[1])
	}

	first := y.now
	y.now = y.now.Add(time.Hour)
	if again := y.outdated(fleet.Options{}, web)[0]; !again.Advisories[0].KnownSince.Equal(first) {
		t.Errorf("an hour later it is known since %s, not %s", again.Advisories[0].KnownSince, first)
	}
}

// TestAdvisoriesOfTheBaseImage: what is known of a base image's own packages is
// known of the app that stands on it, but for those that it replaces; that a fix
// is out tells that the image is behind, and rebuilds nothing by itself.
func TestAdvisoriesOfTheBaseImage(t *testing.T) {
	y := newYard(t)
	y.images["registry.example/base:13"] = digest('1')
	zlib := pkg("zlib1g", "1:1.3-2")
	y.archive.Publish("trixie", archivetest.Released(), zlib)
	a := y.app("web", "base: {image: registry.example/base:13}\n", zlib)
	l, err := lock.Read(pin.Path(a))
	if err != nil {
		t.Fatal(err)
	}
	l.Packages.Image = []lock.Installed{
		{Name: "libssl3t64", Version: "3.5.1-1", Arch: "amd64", Source: "openssl"}, {Name: "zlib1g", Version: "1:1.3-1", Arch: "amd64", Source: "zlib"},
	}
	if err := lock.Write(pin.Path(a), l); err != nil {
		t.Fatal(err)
	}
	y.findings["zlib 1:1.3-1"] = []scan.Finding{{ID: "CVE-2026-9", Severity: scan.High}}
	y.findings["openssl 3.5.1-1"] = []scan.Finding{{ID: "CVE-2026-7", Severity: scan.Critical}}
	look := func() fleet.Standing { return y.outdated(fleet.Options{}, a)[0] }
	s := look()
	in := func(n int) string { return s.Advisories[n].Package + " in " + strings.Join(s.Advisories[n].In, " ") }
	// The lock has a newer zlib1g in the container alone.
	if len(s.Advisories) != 2 || in(0) != "libssl3t64 in container disk" || in(1) != "zlib1g in disk" || s.Decision.Action != update.Current {
		t.Fatalf("%+v, %+v", s.Advisories, s.Decision)
	}
	y.now = y.now.Add(time.Hour)
	y.findings["openssl 3.5.1-1"][0].FixedVersion = "3.5.1-1+deb13u1"
	if s := look(); len(s.Advisories) != 2 || !s.Advisories[0].FixedSince.Equal(y.now) || s.Advisories[0].FixedIn != "3.5.1-1+deb13u1" || s.Decision.Action != update.Current {
		t.Errorf("%+v, %+v", s.Advisories, s.Decision)
	}
}

// TestUnknownIsNotCurrent takes away one after the other what apps are
// compared with. Since when is kept between looks, and too long is a failure.
func TestUnknownIsNotCurrent(t *testing.T) {
	nginx := pkg("nginx", "1")
	tests := []struct {
		name, what string
		broken     bool
		app        string
		take, give func(y *yard)
	}{
		{"suite", "trixie-security", false, "", func(y *yard) {
			y.archive.Fail(func(path string) int {
				if path == security {
					return http.StatusNotFound
				}
				return 0
			})
		}, func(y *yard) { y.archive.Fail(nil) }},
		{"suite whose signature does not hold", "trixie-security", true, "", func(y *yard) {
			y.archive.Change(security, func(b []byte) []byte { return bytes.Replace(b, []byte("Suite: test"), []byte("Suite: evil"), 1) })
		}, func(y *yard) { y.archive.Publish("trixie-security", archivetest.Released()) }},
		{"suite older than the lock", "trixie", true, "", func(y *yard) {
			y.archive.Publish("trixie", archivetest.Released().Add(-time.Hour), nginx)
		}, func(y *yard) { y.archive.Publish("trixie", archivetest.Released(), nginx) }},
		{"image", "registry.example/base:13", false, "base: {image: registry.example/base:13}\n",
			func(y *yard) { delete(y.images, "registry.example/base:13") }, func(y *yard) { y.images["registry.example/base:13"] = digest('1') }},
		{"database", "the database of vulnerabilities", false, "",
			func(y *yard) { y.findings = nil }, func(y *yard) { y.findings = map[string][]scan.Finding{} }},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			y := newYard(t)
			y.archive.Publish("trixie", archivetest.Released(), nginx)
			test.give(y)
			a := y.app("web", test.app, nginx)
			look := func() fleet.Standing { return y.outdated(fleet.Options{}, a)[0] }
			if test.name != "suite older than the lock" { // who saw the newer one before refuses the other for that
				if s := look(); s.Decision.Action != update.Current {
					t.Fatalf("before: %+v", s)
				}
			}
			test.take(y)
			began := y.now
			for _, step := range []struct {
				after time.Duration
				want  update.Action
			}{{0, update.DontKnow}, {23 * time.Hour, update.DontKnow}, {24 * time.Hour, update.Failing}} {
				y.now = began.Add(step.after)
				s := look()
				if s.Decision.Action != step.want || len(s.Unknown) != 1 || s.Unknown[0].What != test.what || !s.Unknown[0].Since.Equal(began) || s.Unknown[0].Broken != test.broken {
					t.Fatalf("after %s: %s, %+v, want %s", step.after, s.Decision.Action, s.Unknown, step.want)
				}
			}
			test.give(y)
			if s := look(); s.Decision.Action != update.Current {
				t.Errorf("given back: %+v", s.Decision)
			}
			test.take(y)
			if test.name == "suite older than the lock" {
				return
			}
			if s := look(); !s.Unknown[0].Since.Equal(y.now) {
				t.Errorf("the second time it is unknown since %s", s.Unknown[0].Since)
			}
		})
	}
}

// TestWithoutAdvisories needs none where no policy asks what a change fixes.
func TestWithoutAdvisories(t *testing.T) {
	y := newYard(t)
	y.findings = nil
	y.archive.Publish("trixie", archivetest.Released(), pkg("nginx", "1"))
	any, fixable := y.app("any", "", pkg("nginx", "1")), y.app("fixable", "update: {trigger: [fixable]}\n", pkg("nginx", "1"))
	all := y.outdated(fleet.Options{WithoutAdvisories: true}, any, fixable)
	if all[0].Decision.Action != update.Current || all[1].Decision.Action != update.DontKnow {
		t.Errorf("got %s and %s", all[0].Decision.Action, all[1].Decision.Action)
	}
}

func TestImagesMove(t *testing.T) {
	y := newYard(t)
	y.images["registry.example/base:13"] = digest('2')
	a := y.app("web", "base: {image: registry.example/base:13}\n")
	s := y.outdated(fleet.Options{}, a)[0]
	if s.Decision.Action != update.Rebuild || words(s.Changes) != "registry.example/base:13 "+digest('1')+">"+digest('2')+"  [container disk]" {
		t.Errorf("%s: %s", s.Decision.Action, words(s.Changes))
	}
}

// TestOwnChanges edits an app's files and its app file.
func TestOwnChanges(t *testing.T) {
	y := newYard(t)
	y.policy.Triggers = []string{update.OnBase} // the owner's changes count under each
	y.archive.Publish("trixie", archivetest.Released(), pkg("nginx", "1"))
	dir := filepath.Join(y.dir, "apps", "web")
	if err := os.MkdirAll(dir, 0o755); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(filepath.Join(dir, "nginx.conf"), []byte("one"), 0o644); err != nil {
		t.Fatal(err)
	}
	a := y.app("web", "files: [{from: nginx.conf, to: /etc/nginx.conf}]\n", pkg("nginx", "1"))
	s := y.outdated(fleet.Options{}, a)[0] // the lock lists no files yet
	if s.Decision.Action != update.Rebuild || s.Decision.Reasons[0] != "nginx.conf changed" {
		t.Errorf("%+v", s.Decision)
	}
	a.Packages = []string{"nginx"}
	if s := y.outdated(fleet.Options{}, a)[0]; s.Decision.Action != update.Rebuild || !strings.Contains(strings.Join(s.Decision.Reasons, " "), "asks for other packages") {
		t.Errorf("%+v", s.Decision)
	}
}

// TestLocksThatAreNone is told of each, and judges the others all the same.
func TestLocksThatAreNone(t *testing.T) {
	y := newYard(t)
	y.archive.Publish("trixie", archivetest.Released(), pkg("nginx", "1"))
	good, never, edited := y.app("good", "", pkg("nginx", "1")), y.app("never", ""), y.app("edited", "", pkg("nginx", "1"))
	torn := y.app("torn", "", archivetest.Package{Name: "nginx", Version: "1"})
	y.archive.Publish("trixie", archivetest.Released(), archivetest.Package{Name: "nginx", Version: "1", Fields: "Depends: zlib1g\n"}, pkg("zlib1g", "1"))
	y.lock(good, pkg("nginx", "1"), pkg("zlib1g", "1"))
	if err := os.Remove(pin.Path(never)); err != nil {
		t.Fatal(err)
	}
	text, err := os.ReadFile(pin.Path(edited))
	if err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(pin.Path(edited), bytes.Replace(text, []byte("arch: amd64"), []byte("arch: "), 1), 0o644); err != nil {
		t.Fatal(err)
	}
	all := y.outdated(fleet.Options{}, good, never, edited, torn)
	if all[0].Decision.Action != update.Current {
		t.Errorf("good: %+v", all[0])
	}
	if all[1].Decision.Action != update.Rebuild || all[1].Decision.Reasons[0] != "it was never locked" {
		t.Errorf("never: %+v", all[1].Decision)
	}
	if fault.KindOf(all[2].Err) != fault.Invalid || !strings.Contains(all[2].Err.Error(), "edited/app.lock:") {
		t.Errorf("edited: %v", all[2].Err)
	}
	if all[3].Decision.Action != update.Rebuild || !strings.Contains(all[3].Decision.Reasons[0], "does not hold together: nginx 1 needs zlib1g") {
		t.Errorf("torn: %+v", all[3].Decision)
	}
}

// TestWrongClock sets this machine's clock back: what is of tomorrow is not
// believed, and nothing current.
func TestWrongClock(t *testing.T) {
	y := newYard(t)
	y.archive.Publish("trixie", archivetest.Released(), pkg("nginx", "1"))
	y.archive.Publish("trixie-security", archivetest.Released().Add(5*time.Hour), pkg("nginx", "2"))
	a := y.app("web", "", pkg("nginx", "1"))
	y.now = archivetest.Released().Add(time.Hour)
	s := y.outdated(fleet.Options{}, a)[0]
	if s.Decision.Action != update.DontKnow || len(s.Unknown) != 1 || !strings.Contains(s.Unknown[0].Why, "is this machine's clock right?") {
		t.Errorf("%+v %+v", s.Decision, s.Unknown)
	}
}

// TestLockAge counts from the last time that a lock was found to be current,
// and without that from the index that it stands on.
func TestLockAge(t *testing.T) {
	y := newYard(t)
	y.policy.MaxLockAge = 10 * 24 * time.Hour
	y.archive.Publish("trixie", archivetest.Released(), pkg("nginx", "1"))
	a := y.app("web", "", pkg("nginx", "1"))
	aged := func() int { return len(y.outdated(fleet.Options{}, a)[0].Decision.Findings) }
	y.now = archivetest.Released().Add(9 * 24 * time.Hour)
	if aged() != 0 {
		t.Error("nine days are too old")
	}
	y.now = archivetest.Released().Add(18 * 24 * time.Hour)
	if aged() != 0 {
		t.Error("nine days after it was current it is too old")
	}
	y.now = y.now.Add(11 * 24 * time.Hour)
	if aged() != 1 {
		t.Error("eleven days after it was current it is not too old")
	}
}

// TestChildOfRevoked: an app that stands on a revoked image says so, waits for a
// person while the image's name leads there, and is rebuilt once it leads
// elsewhere. Each image is asked for once.
func TestChildOfRevoked(t *testing.T) {
	y := newYard(t)
	nginx := pkg("nginx", "1")
	y.archive.Publish("trixie", archivetest.Released(), nginx)
	const ref = "registry.example/base:stable"
	y.images[ref] = digest('1')
	y.policy.Triggers = []string{update.OnSecurity}
	front, back := y.app("front", "base: {image: "+ref+"}\n", nginx), y.app("back", "base: {image: "+ref+"}\n", nginx)
	asked, said := 0, []string{}
	var failed error
	look := func() []fleet.Standing {
		f := y.fleet()
		f.Revoked = func(_ context.Context, name, of string) ([]string, error) {
			if asked++; name != ref || of != digest('1') {
				t.Errorf("asked for %s of %s", name, of)
			}
			return said, failed
		}
		all, err := f.Outdated(t.Context(), []app.App{front, back}, fleet.Options{})
		if err != nil {
			t.Fatal(err)
		}
		return all
	}
	if all := look(); all[0].Decision.Action != update.Current || asked != 1 {
		t.Errorf("nothing was revoked: %+v, asked %d times", all[0].Decision, asked)
	}
	said = []string{"it was revoked: leaks"}
	for _, s := range look() {
		if s.Decision.Action != update.Blocked || !strings.Contains(strings.Join(s.Decision.Reasons, " "), "leaks") {
			t.Errorf("%s: %+v", s.App.Name, s.Decision)
		}
	}
	y.images[ref] = digest('2')
	if s := look()[0]; s.Decision.Action != update.Rebuild {
		t.Errorf("the channel moved: %+v", s.Decision)
	}
	failed = fault.New(fault.Network, "the registry is out of reach")
	if s := look()[0]; s.Decision.Action != update.DontKnow {
		t.Errorf("nobody knows whether it was revoked: %+v", s.Decision)
	}
}
