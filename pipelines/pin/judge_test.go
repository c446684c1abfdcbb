package pin

import (
	"slices"
	"strings"
	"testing"

	"github.com/bakelite/bakelite/internal/app"
	"github.com/bakelite/bakelite/internal/digests"
	"github.com/bakelite/bakelite/internal/fault"
	"github.com/bakelite/bakelite/internal/lock"
	"github.com/bakelite/bakelite/internal/policy"
	"github.com/bakelite/bakelite/internal/strict"
	"github.com/bakelite/bakelite/pipelines/flowtest"
)

// TestAllowed names every step that the policy forbids, with its place.
func TestAllowed(t *testing.T) {
	s := newShop(t)
	s.app.Steps = []app.Step{{Run: "a", Network: true, Place: strict.Place{Line: 3}}, {Run: "b"}, {Run: "c", Network: true, Place: strict.Place{Line: 9}}}
	if err := s.l.Allowed(s.app); err != nil {
		t.Errorf("where the policy does not say: %v", err)
	}
	s.l.Policy.Build.Network = policy.Forbidden
	err := s.l.Allowed(s.app)
	if fault.KindOf(err) != fault.Policy || !strings.Contains(err.Error(), "steps[0].network") || !strings.Contains(err.Error(), ":9:") || strings.Contains(err.Error(), "steps[1]") {
		t.Errorf("got %v", err)
	}
}

// TestTrustedByTheLock judges again what a lock that is there stands on: its
// archives by name, and its base by the digest that the lock has.
func TestTrustedByTheLock(t *testing.T) {
	digest := digests.Of([]byte("locked"))
	layout := t.TempDir()
	for name, tt := range map[string]struct {
		image string
		tags  bool
		ref   string
	}{
		"no base":                 {"", false, ""},
		"by digest":               {"debian@" + digests.Of(nil), false, "debian@" + digests.Of(nil)},
		"a tag, as it was":        {"debian:13", true, "debian:13@" + digest},
		"a tag that is no digest": {"debian:13", false, "debian:13@" + digests.Of([]byte("now"))},
		"a layout":                {"oci:" + layout, false, "oci:" + layout + "@" + digest},
	} {
		t.Run(name, func(t *testing.T) {
			s := newShop(t)
			s.app.Base = app.Base{Image: tt.image}
			s.l.Policy.Bases.Images.AllowTags = tt.tags
			made := &lock.Lock{Archives: []lock.Archive{{Name: "debian"}}}
			if tt.image != "" {
				made.Base = &lock.Image{Ref: tt.image, Digest: digest}
			}
			flowtest.Must(t, s.l.Trusted(t.Context(), s.app, made))
			var want []string
			if tt.ref != "" {
				want = []string{"judge " + tt.ref}
			}
			if !slices.Equal(s.Asked, want) {
				t.Errorf("asked for %q, want %q", s.Asked, want)
			}
			if tt.ref != "" {
				s.Fails = want[0]
				if err := s.l.Trusted(t.Context(), s.app, made); err == nil || !strings.Contains(err.Error(), s.app.Path+": base.image") {
					t.Errorf("refused: %v", err)
				}
			}
			s.Again()
			s.l.Policy.Bases.Archives = []string{"other"}
			if err := s.l.Trusted(t.Context(), s.app, made); fault.KindOf(err) != fault.Policy || len(s.Asked) > 0 {
				t.Errorf("an archive that is not let in: %v, asked for %q", err, s.Asked)
			}
		})
	}
}

// TestTagIsWhatItWas: while an app is built a tag means what the lock says, and
// there is no other.
func TestTagIsWhatItWas(t *testing.T) {
	s := newShop(t)
	digest := digests.Of([]byte("locked"))
	judge := s.l.JudgeLocked(&lock.Lock{Images: []lock.Image{{Ref: "a:1", Digest: digest}}})
	if got, err := judge(t.Context(), "a:1"); err != nil || got != "a:1@"+digests.Of([]byte("now")) {
		t.Errorf("where tags are not allowed the judge decides: %s, %v", got, err)
	}
	s.l.Policy.Bases.Images.AllowTags = true
	judge = s.l.JudgeLocked(&lock.Lock{Images: []lock.Image{{Ref: "a:1", Digest: digest}}})
	if got, err := judge(t.Context(), "a:1"); err != nil || got != "a:1@"+digest {
		t.Errorf("got %s, %v", got, err)
	}
	if got, err := judge(t.Context(), "b@"+digests.Of(nil)); err != nil || got != "b@"+digests.Of(nil) {
		t.Errorf("by digest: %s, %v", got, err)
	}
	if got, err := judge(t.Context(), "b:1"); fault.KindOf(err) != fault.Invalid || fault.HintOf(err) == "" {
		t.Errorf("one that the lock lacks: %s, %v", got, err)
	}
}

// TestDrift says what of an app is not as its lock has it.
func TestDrift(t *testing.T) {
	s := newShop(t)
	s.file("site/a", "1")
	s.file("site/b", "1")
	s.app.Files = []app.File{{From: "site", To: "/srv"}}
	made := s.locked()
	if d, err := s.l.Drift(s.app, made); err != nil || d.Asked+d.Base != "" || len(d.Files) > 0 {
		t.Errorf("at first: %+v, %v", d, err)
	}
	s.file("site/b", "2")
	s.file("site/c", "1")
	if d, err := s.l.Drift(s.app, made); err != nil || d.Asked != "" || !slices.Equal(d.Files, []string{"site/b", "site/c"}) {
		t.Errorf("after changes: %+v, %v", d, err)
	}
	s.app.Packages = append(s.app.Packages, "nginx")
	if d, err := s.l.Drift(s.app, made); err != nil || !strings.Contains(d.Asked, "other packages") || len(d.Files) != 2 {
		t.Errorf("and other packages: %+v, %v", d, err)
	}
	s.app.Files[0].From = "none"
	if _, err := s.l.Drift(s.app, made); err == nil {
		t.Error("files that are not there are no drift")
	}
	if len(s.Asked) > 0 {
		t.Errorf("asked for %q", s.Asked)
	}
}

// TestDriftOfALocalBase: a base that another app makes is another image now.
func TestDriftOfALocalBase(t *testing.T) {
	s := newShop(t)
	layout := t.TempDir()
	first := flowtest.Image(t, layout, 1024)
	s.app.Base = app.Base{Image: "oci:" + layout}
	made := s.locked()
	if d, err := s.l.Drift(s.app, made); err != nil || d.Base != "" || made.Base.Digest != first.Digest {
		t.Errorf("at first: %+v, %v", d, err)
	}
	other := t.TempDir()
	second := flowtest.Image(t, other, 4096)
	made.Base.Digest, s.app.Base.Image, made.Base.Ref = first.Digest, "oci:"+other, "oci:"+other
	if d, err := s.l.Drift(s.app, made); err != nil || d.Base != second.Digest {
		t.Errorf("after it was made again: %+v, %v", d, err)
	}
}
