package fleet_test

import (
	"context"
	"encoding/json"
	"errors"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	godigest "github.com/opencontainers/go-digest"

	"github.com/bakelite/bakelite/distro/debian/archivetest"
	"github.com/bakelite/bakelite/internal/app"
	"github.com/bakelite/bakelite/internal/fault"
	"github.com/bakelite/bakelite/internal/lock"
	"github.com/bakelite/bakelite/internal/policy"
	"github.com/bakelite/bakelite/internal/registry"
	"github.com/bakelite/bakelite/internal/registry/registrytest"
	"github.com/bakelite/bakelite/internal/update"
	"github.com/bakelite/bakelite/internal/vouch"
	"github.com/bakelite/bakelite/pipelines/fleet"
	"github.com/bakelite/bakelite/pipelines/notary"
	"github.com/bakelite/bakelite/pipelines/release"
	"github.com/bakelite/bakelite/pipelines/results"
	"github.com/bakelite/bakelite/publish"
	"github.com/bakelite/bakelite/publish/attest"
	"github.com/bakelite/bakelite/publish/intoto"
	"github.com/bakelite/bakelite/publish/keys"
	"github.com/bakelite/bakelite/scan"
)

// TestClock follows a fix from the archive into a published image: what was
// planned and not taken does not count, nor what was not published, and the
// first time that a fix reached an image does.
func TestClock(t *testing.T) {
	y := newYard(t)
	nginx, zlib := pkg("nginx", "1"), pkg("zlib1g", "1")
	y.archive.Publish("trixie", archivetest.Released(), nginx, zlib)
	apps := []app.App{y.app("web", "", nginx, zlib)}
	y.findings["nginx 1"] = []scan.Finding{{ID: "CVE-2026-1", Severity: scan.High, FixedVersion: "2"}}
	y.outdated(fleet.Options{}, apps...) // what a first look finds may be old
	y.now = y.now.Add(4 * time.Hour)
	came := archivetest.Released().Add(2 * time.Hour)
	y.archive.Publish("trixie-security", came, pkg("nginx", "2"), pkg("zlib1g", "2"))
	seen := y.now
	p, err := y.fleet().Plan(t.Context(), apps, fleet.Order{Publish: &release.Options{}})
	if err != nil {
		t.Fatal(err)
	}
	clock := func() update.Clock {
		t.Helper()
		c, err := y.fleet().Clock("web")
		if err != nil {
			t.Fatal(err)
		}
		return c
	}
	if err := os.MkdirAll(filepath.Join(y.dir, "dist"), 0o755); err != nil {
		t.Fatal(err)
	}
	taken := []lock.Change{{Package: "nginx", From: "1", To: "2"}} // and apt leaves zlib1g
	o := &oven{y: y, resolves: map[string][]lock.Change{"web": taken}}
	y.rebuild(p, apps, fleet.Run{Do: o.do})
	if c := clock(); len(c.Fixes) != 0 {
		t.Errorf("nothing was published, and it has %+v", c)
	}

	y.now = y.now.Add(10 * time.Hour)
	judged, at := y.now.Add(-30*time.Second), y.now.Add(-10*time.Second)
	o.published = []results.Publication{{Kind: update.Container, Ref: "registry.example/team/web@" + digest('3'), Judged: judged, At: at}}
	y.rebuild(p, apps, fleet.Run{Do: o.do})
	fixes := clock().Fixes
	if len(fixes) != 1 {
		t.Fatalf("got %+v", fixes)
	}
	f := fixes[0]
	if f.Package != "nginx" || f.From != "1" || f.To != "2" || f.Kind != update.Container || f.Artifact != o.published[0].Ref || f.Worst() != scan.High {
		t.Errorf("got %+v", f)
	}
	if !f.Archive.Equal(came) || !f.Seen.Equal(seen) || !f.Built.Equal(y.now.Add(-2*time.Minute)) || !f.Passed.Equal(judged) || !f.Published.Equal(at) {
		t.Errorf("its times are %+v", f)
	}

	o.published[0].At = at.Add(time.Hour)
	y.rebuild(p, apps, fleet.Run{Do: o.do})
	if again := clock().Fixes; len(again) != 1 || !again[0].Published.Equal(at) {
		t.Errorf("published again it is %+v", again)
	}
}

// TestForgedClock: a record that somebody else put beside the results is
// refused by who reads it and set aside by who writes the next one.
func TestForgedClock(t *testing.T) {
	for name, forge := range map[string]func(genuine string) string{
		"an empty one": func(string) string { return "" },
		"one made up":  func(string) string { return `{"apiVersion":"bakelite.dev/v1","kind":"Clock","app":"web","fixes":[]}` },
		"one edited":   func(genuine string) string { return strings.Replace(genuine, `"from": "1"`, `"from": "0"`, 1) },
		"ours":         func(genuine string) string { return genuine },
	} {
		t.Run(name, func(t *testing.T) {
			y := newYard(t)
			path := filepath.Join(y.dir, "dist", "web.clock.json")
			y.publishFix(t)
			genuine, err := os.ReadFile(path)
			if err != nil || !strings.Contains(string(genuine), `"from": "1"`) {
				t.Fatalf("%s (%v)", genuine, err)
			}
			forged := forge(string(genuine))
			if err := os.WriteFile(path, []byte(forged), 0o600); err != nil {
				t.Fatal(err)
			}
			c, err := y.fleet().Clock("web")
			if forged == string(genuine) {
				if err != nil || len(c.Fixes) != 1 {
					t.Errorf("got %+v (%v)", c, err)
				}
				return
			}
			if fault.KindOf(err) != fault.Policy || !errors.Is(err, vouch.ErrForeign) {
				t.Errorf("it is read: %+v (%v)", c, err)
			}
			y.publishFix(t)
			if c, err := y.fleet().Clock("web"); err != nil || len(c.Fixes) != 1 || c.Fixes[0].From != "1" {
				t.Errorf("after the next one: %+v (%v)", c, err)
			}
			if aside, err := os.ReadFile(path + ".foreign"); err != nil || string(aside) != forged {
				t.Errorf("set aside is %q (%v)", aside, err)
			}
		})
	}
}

// publishFix publishes nginx 2 after nginx 1.
func (y *yard) publishFix(t *testing.T) {
	t.Helper()
	nginx := pkg("nginx", "1")
	y.archive.Publish("trixie", archivetest.Released(), nginx)
	apps := []app.App{y.app("web", "", nginx)}
	y.archive.Publish("trixie-security", archivetest.Released().Add(2*time.Hour), pkg("nginx", "2"))
	p, err := y.fleet().Plan(t.Context(), apps, fleet.Order{Publish: &release.Options{}})
	if err == nil {
		err = os.MkdirAll(filepath.Join(y.dir, "dist"), 0o755)
	}
	if err != nil {
		t.Fatal(err)
	}
	o := &oven{y: y, resolves: map[string][]lock.Change{"web": {{Package: "nginx", From: "1", To: "2"}}}}
	o.published = []results.Publication{{Kind: update.Container, Ref: "registry.example/team/web@" + digest('3'), At: y.now}}
	y.rebuild(p, apps, fleet.Run{Do: o.do})
}

// TestClockIsStated: an image that fixes reached has them stated about it, by who
// publishes; one that they did not reach has nothing.
func TestClockIsStated(t *testing.T) {
	y := newYard(t)
	nginx := pkg("nginx", "1")
	y.archive.Publish("trixie", archivetest.Released(), nginx)
	apps := []app.App{y.app("web", "", nginx)}
	y.archive.Publish("trixie-security", archivetest.Released().Add(2*time.Hour), pkg("nginx", "2"))
	p, err := y.fleet().Plan(t.Context(), apps, fleet.Order{Publish: &release.Options{}})
	private, public, err2 := keys.Generate(nil)
	key, err3 := keys.Parse(private, nil)
	dir := t.TempDir()
	if err := errors.Join(err, err2, err3, os.MkdirAll(filepath.Join(y.dir, "dist"), 0o755), os.WriteFile(filepath.Join(dir, "release.pub"), public, 0o600)); err != nil {
		t.Fatal(err)
	}
	images, made := registrytest.Image(t, "web")
	ref := registry.LayoutPrefix + images + "@" + made
	o := &oven{y: y, resolves: map[string][]lock.Change{"web": {{Package: "nginx", From: "1", To: "2"}}}}
	o.published = []results.Publication{{Kind: update.Container, Ref: ref, At: y.now}, {Kind: update.Disk, Ref: ref + "0", At: y.now}}
	f := y.fleet()
	rules := policy.Policy{Dir: dir, Verify: policy.Verify{SignedBy: []policy.Signer{{Key: "release.pub"}}}}
	f.Notary = notary.Notary{Policy: rules, Signer: func(context.Context) (attest.Signer, error) { return attest.ByKey(key), nil }}
	outcomes, err := f.Rebuild(t.Context(), p, apps, fleet.Run{Do: o.do})
	if err != nil || len(outcomes) != 1 || outcomes[0].State != fleet.Rebuilt {
		t.Fatalf("%+v, %v", outcomes, err)
	}
	bundles, _, err := publish.ReadBundles(t.Context(), registry.Layout(images), godigest.Digest(made))
	if err != nil || len(bundles) != 1 {
		t.Fatalf("%d bundles, %v", len(bundles), err)
	}
	v, err := attest.Verify(t.Context(), bundles[0], attest.Want{Digest: made, PredicateType: intoto.ClockType, Signers: rules.Verify.SignedBy, Dir: dir, Now: y.now})
	var c update.Clock
	if err == nil {
		err = json.Unmarshal(v.Predicate, &c)
	}
	if err != nil || c.App != "web" || len(c.Fixes) != 1 || c.Fixes[0].Package != "nginx" || c.Fixes[0].To != "2" || !c.Fixes[0].Archive.Equal(archivetest.Released().Add(2*time.Hour)) {
		t.Errorf("stated is %+v, %v", c, err)
	}
}

// TestClockThatIsNone: a record that this state folder wrote and that is of
// another app or version, or larger than is read, is the user's to move away;
// nothing is begun over it.
func TestClockThatIsNone(t *testing.T) {
	const record = `{"apiVersion":"bakelite.dev/v1","kind":"Clock","app":"web","fixes":[]}`
	for name, tt := range map[string]struct{ old, new string }{
		"a later version":    {"dev/v1", "dev/v2"},
		"a receipt":          {"Clock", "Receipt"},
		"of another app":     {`"web"`, `"shop"`},
		"more than is known": {`"fixes"`, `"waived":true,"fixes"`},
		"cut off":            {`"fixes":[]}`, ""},
		"more than is read":  {"}", "}" + strings.Repeat(" ", 64<<20)},
	} {
		t.Run(name, func(t *testing.T) {
			y := newYard(t)
			f := y.fleet()
			if err := os.Mkdir(f.Folder.Path, 0o755); err != nil {
				t.Fatal(err)
			}
			path := filepath.Join(f.Folder.Path, "web.clock.json")
			text := strings.Replace(record, tt.old, tt.new, 1)
			if err := f.Folder.Vouch.WriteFile(vouch.Clock, path, []byte(text), 0o600); err != nil {
				t.Fatal(err)
			}
			if c, err := f.Clock("web"); fault.KindOf(err) != fault.Invalid || !strings.Contains(fault.HintOf(err), "move it away") {
				t.Errorf("it is read: %+v (%v)", c, err)
			}
			o := &oven{y: y, resolves: map[string][]lock.Change{"web": {{Package: "nginx", From: "1", To: "2"}}}}
			o.published = []results.Publication{{Kind: update.Container, Ref: "registry.example/team/web@" + digest('3'), At: y.now}}
			apps := y.behind(nil, "web")
			if got := y.rebuild(y.plan(apps...), apps, fleet.Run{Do: o.do})["web"]; got.State != fleet.Rebuilt || fault.KindOf(got.Err) != fault.Invalid || !strings.Contains(got.Why, "it is rebuilt, but") || got.Lock != digest('2') || len(got.Published) != 1 {
				t.Errorf("a fix was added to it, or the app is said to be as before: %+v", got)
			}
			if s := y.outdated(fleet.Options{}, apps...)[0]; s.Failed != nil {
				t.Errorf("it is said to have failed: %+v", s.Failed)
			}
			if left, err := os.ReadFile(path); err != nil || string(left) != text {
				t.Errorf("it became %.80q (%v)", left, err)
			}
		})
	}
}
