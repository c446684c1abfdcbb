package bake

import (
	"context"
	"net/http"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/bakelite/bakelite/distro/debian/archivetest"
	"github.com/bakelite/bakelite/internal/digests"
	"github.com/bakelite/bakelite/internal/fault"
	"github.com/bakelite/bakelite/internal/lock"
	"github.com/bakelite/bakelite/pipelines/flowtest"
	"github.com/bakelite/bakelite/pipelines/pin"
	"github.com/bakelite/bakelite/pipelines/results"
)

// TestOrderOfLocking: where an archive gives no new lock the old one stays, by
// whichever flow it was asked, and nothing is built or shown.
func TestOrderOfLocking(t *testing.T) {
	for name, tt := range map[string]struct {
		spoil func(*shop, *archivetest.Archive)
		kind  fault.Kind
		says  string
	}{
		"an archive that the policy lets not in": {func(s *shop, a *archivetest.Archive) {
			s.b.Policy.Bases.Archives = []string{"other"}
			a.Fail(func(path string) int { t.Errorf("asked for %s", path); return http.StatusNotFound })
		}, fault.Policy, "debian"},
		"an archive without an index": {func(_ *shop, a *archivetest.Archive) {
			a.Fail(func(string) int { return http.StatusNotFound })
		}, fault.Network, "InRelease"},
		"an older index": {func(*shop, *archivetest.Archive) {}, fault.Integrity, "rollback attack"},
		"no apt": {func(s *shop, a *archivetest.Archive) {
			a.Publish("trixie", s.lock.Archives[0].Date.Add(time.Hour))
		}, fault.Integrity, `no package "apt"`},
	} {
		for flow, run := range map[string]func(*shop) error{
			"lock": func(s *shop) error {
				_, _, err := s.b.Lock(t.Context(), s.app, pin.Options{})
				return err
			},
			"build": func(s *shop) error {
				_, err := s.b.Build(t.Context(), s.app, Options{})
				return err
			},
			"rebuild": func(s *shop) error {
				_, err := s.b.Rebuild(t.Context(), s.app, RebuildOptions{Then: func(context.Context, *results.Built) error { return s.Ask("then") }, Accept: func(*lock.Lock, []lock.Change) error {
					return s.Ask("accept")
				}})
				return err
			},
		} {
			t.Run(name+"/"+flow, func(t *testing.T) {
				s, archive := newShop(t), archivetest.New(t)
				s.b.Archive = archive.Client(t.TempDir(), func() time.Time { return archivetest.Released().Add(time.Hour) })
				s.lock.Inputs = digests.Of([]byte("other"))
				s.lock.Archives[0].Date = archivetest.Released().Add(time.Minute)
				flowtest.Must(t, lock.Write(pin.Path(s.app), s.lock))
				s.baked(s.lock)
				before, beside := flowtest.Files(t, s.b.Folder.Path), flowtest.Files(t, s.app.Dir)
				tt.spoil(s, archive)
				if err := run(s); err == nil || fault.KindOf(err) != tt.kind || !strings.Contains(err.Error(), tt.says) {
					t.Errorf("ended with %v (%v), want %q (%v)", err, fault.KindOf(err), tt.says, tt.kind)
				}
				if len(s.Asked) > 0 {
					t.Errorf("asked for %q", s.Asked)
				}
				if left := flowtest.Files(t, s.app.Dir); !slices.Equal(left, beside) {
					t.Errorf("left %q beside the app, want %q", left, beside)
				}
				if left := flowtest.Files(t, s.b.Folder.Path); !slices.Equal(left, before) || !flowtest.Free(s.t, s.b.Folder) {
					t.Errorf("left %q, want %q; the app's place is free: %t", left, before, flowtest.Free(s.t, s.b.Folder))
				}
			})
		}
	}
}
