package pipelines

import (
	"errors"
	"os"
	"slices"
	"strings"
	"testing"

	"github.com/bakelite/bakelite/internal/artifact"
	"github.com/bakelite/bakelite/internal/lock"
)

// TestOrderOfRenewing: a new lock is shown before anything is built of it, and
// takes the old one's place when all that was asked for is done.
func TestOrderOfRenewing(t *testing.T) {
	refused := errors.New("refused")
	for name, tt := range map[string]struct {
		spoil  func(*shop, *RebuildOptions)
		asked  []string
		says   string // "" for no error
		writes bool
	}{
		"a lock that is not accepted": {spoil: func(s *shop, o *RebuildOptions) {
			s.unbake()
			o.Accept = func(*lock.Lock, []lock.Change) error { return refused }
		}, says: "refused"},
		"no engine":                 {spoil: func(s *shop, _ *RebuildOptions) { s.unbake() }, asked: []string{"engine"}, says: "no engine"},
		"the gate's no":             {spoil: func(s *shop, _ *RebuildOptions) { s.secret = artifact.Disk }, asked: publishes()[:3], says: "verdict.json"},
		"no key":                    {spoil: func(s *shop, _ *RebuildOptions) { s.fails = "signer" }, asked: publishes(), says: "signer: out of order"},
		"all of it":                 {spoil: func(*shop, *RebuildOptions) {}, asked: publishes(), writes: true},
		"all of it, but to publish": {spoil: func(_ *shop, o *RebuildOptions) { o.Publish = nil }, writes: true},
	} {
		t.Run(name, func(t *testing.T) {
			s := newShop(t)
			fresh := lockOf(s.app, "1")
			fresh.Bakelite = "2"
			s.baked(fresh)
			o := RebuildOptions{BuildOptions: BuildOptions{Frozen: true}, Publish: &PublishOptions{}}
			tt.spoil(s, &o)
			_, err := s.k.renew(t.Context(), s.app, s.lock, fresh, nil, o)
			if (err == nil) != (tt.says == "") || err != nil && !strings.Contains(err.Error(), tt.says) {
				t.Errorf("ended with %v, want %q", err, tt.says)
			}
			if !slices.Equal(s.asked, tt.asked) {
				t.Errorf("asked for %q, want %q", s.asked, tt.asked)
			}
			l, err := lock.Read(LockPath(s.app))
			must(t, err)
			if want := map[bool]string{false: s.lock.Digest(), true: fresh.Digest()}[tt.writes]; l.Digest() != want {
				t.Errorf("the lock is the new one: %t", l.Digest() == fresh.Digest())
			}
		})
	}
}

// unbake leaves the shop with work to do.
func (s *shop) unbake() {
	s.t.Helper()
	must(s.t, os.Remove(receiptPath(s.k.Output, "web")))
}
