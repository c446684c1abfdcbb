package channels_test

import (
	"context"
	"errors"
	"strings"
	"testing"

	"github.com/opencontainers/go-digest"

	"github.com/bakelite/bakelite/internal/fault"
	"github.com/bakelite/bakelite/internal/registry"
	"github.com/bakelite/bakelite/pipelines/channels"
	"github.com/bakelite/bakelite/publish/attest"
)

// twoChannels has both channels lead to 1.0, and 1.1 beside it.
func twoChannels(t *testing.T) (s *shop, one, two string) {
	t.Helper()
	s = open(t, layout(t))
	one, two = s.publish("1.0"), s.publish("1.1")
	s.promote("1.0", "candidate")
	s.promote("1.0", "stable")
	return s, one, two
}

func (s *shop) revoke(replacement string) channels.Plan {
	s.Helper()
	p, err := s.flow.Revoke(s.Context(), s.repository+":1.0", replacement, channels.Options{Reason: "leaks"}, nil)
	if err != nil {
		s.Fatal(err)
	}
	return p
}

// TestOrderOfRevoking: where nobody can sign, or what was signed would be
// refused, nothing is stated and no channel moves; a channel that cannot be
// moved does not keep the others where they are.
func TestOrderOfRevoking(t *testing.T) {
	gone := errors.New("the key is gone")
	for name, tt := range map[string]struct {
		spoil             func(s *shop)
		kind              fault.Kind
		says              string
		stated            bool
		candidate, stable bool // whether they lead to the replacement
	}{
		"nobody signs": {func(s *shop) {
			s.flow.Signer = func(context.Context) (attest.Signer, error) { return attest.Signer{}, gone }
		}, fault.Internal, "the key is gone", false, false, false},
		"a stranger signs": {func(s *shop) {
			stranger, _ := newKey(s.T)
			s.flow.Signer = func(context.Context) (attest.Signer, error) { return attest.ByKey(stranger), nil }
		}, fault.Policy, "what was just signed would be refused", false, false, false},
		"one was moved meanwhile": {func(s *shop) { s.promote("1.0", "candidate") },
			fault.Policy, "channel candidate: somebody else made record 2", true, false, true},
		"both were moved meanwhile": {func(s *shop) {
			s.promote("1.0", "candidate")
			s.promote("1.0", "stable")
		}, fault.Policy, "channel stable: somebody else made record 2", true, false, false},
	} {
		t.Run(name, func(t *testing.T) {
			s, one, two := twoChannels(t)
			p := s.revoke("1.1")
			flow := s.flow
			tt.spoil(s)
			refused(t, s.flow.Carry(t.Context(), p), tt.kind, tt.says)
			s.flow = flow
			for channel, moved := range map[string]bool{"candidate": tt.candidate, "stable": tt.stable} {
				if want := map[bool]string{false: one, true: two}[moved]; s.tag(channel) != want {
					t.Errorf("%s leads to %s, want %s", channel, s.tag(channel), want)
				}
			}
			if err := s.verify(one); (err != nil) != tt.stated {
				t.Errorf("it is revoked: %v", err)
			}
		})
	}
}

// TestRevokerKilled cuts a revocation off after each request that changes
// something: what is revoked is refused before the first channel moves, each
// channel leads somewhere the whole time, and done again it comes to its end.
func TestRevokerKilled(t *testing.T) {
	for steps := range 15 {
		s, one, two := twoChannels(t)
		ctx, kill := context.WithCancel(t.Context())
		died := channels.CarryOn(ctx, s.flow, s.revoke("1.1"), func(s registry.Store) registry.Store { return &dying{s, steps, kill} })
		kill()
		stated := s.verify(one) != nil
		for _, name := range s.flow.Channels {
			if head := s.tag(name); head != one && head != two || head == two && !stated {
				t.Errorf("killed after %d steps %s leads to %q; it is revoked: %t", steps, name, head, stated)
			}
		}
		s.carry(s.flow.Revoke(t.Context(), s.repository+":1.0", "1.1", channels.Options{Reason: "leaks"}, nil))
		for _, name := range s.flow.Channels {
			if s.tag(name) != two || s.follow(name, two) != nil {
				t.Errorf("after %d steps (%v) and again %s leads to %s: %v", steps, died, name, s.tag(name), s.follow(name, two))
			}
		}
		refused(t, s.verify(one), fault.Policy, "leaks")
	}
}

// TestNothingIsPlanned: what cannot be done is refused before anything is
// signed, and says why.
func TestNothingIsPlanned(t *testing.T) {
	s, one, two := twoChannels(t)
	stable := channels.Options{Channel: "stable"}
	stranger, _ := newKey(t)
	ours := s.key
	s.key = stranger
	three := s.publish("1.2")
	s.key = ours
	file := t.TempDir() + "/web.raw"
	write(t, file, []byte("disk"))
	never := "sha256:" + strings.Repeat("0", 64)
	for name, tt := range map[string]struct {
		plan func() (channels.Plan, error)
		kind fault.Kind
		says string
	}{
		"promote what strangers signed": {func() (channels.Plan, error) {
			return s.flow.Promote(t.Context(), s.store.Name()+"@"+three, stable, nil)
		},
			fault.Policy, "what a channel leads to has to pass verify"},
		"promote what is not there": {func() (channels.Plan, error) { return s.flow.Promote(t.Context(), s.repository+":2.0", stable, nil) },
			fault.Missing, "2.0"},
		"promote a file": {func() (channels.Plan, error) { return s.flow.Promote(t.Context(), file, stable, nil) },
			fault.Invalid, "is a file"},
		"promote to latest": {func() (channels.Plan, error) {
			return s.flow.Promote(t.Context(), s.repository+":1.1", channels.Options{Channel: "latest"}, nil)
		}, fault.Invalid, "latest is the tag that publish moves"},
		"roll back to what never was": {func() (channels.Plan, error) { return s.flow.Rollback(t.Context(), s.repository, never, stable, nil) },
			fault.Missing, "never led to"},
		"roll back from the first": {func() (channels.Plan, error) { return s.flow.Rollback(t.Context(), s.repository, "", stable, nil) },
			fault.Missing, "led to nothing else before"},
		"roll back a tag": {func() (channels.Plan, error) {
			return s.flow.Rollback(t.Context(), s.repository+":1.0", "", stable, nil)
		},
			fault.Invalid, "name the repository alone"},
		"roll back a channel that is not set": {func() (channels.Plan, error) {
			return s.flow.Rollback(t.Context(), s.repository, "", channels.Options{Channel: "nightly"}, nil)
		}, fault.Invalid, "there is no channel nightly"},
		"roll back in no repository": {func() (channels.Plan, error) {
			return s.flow.Rollback(t.Context(), "No Repository", "", stable, nil)
		}, fault.Invalid, "No Repository"},
		"revoke without a reason": {func() (channels.Plan, error) {
			return s.flow.Revoke(t.Context(), s.repository+":1.0", "1.1", channels.Options{Reason: " "}, nil)
		}, fault.Invalid, "a revocation says why"},
		"revoke in its own place": {func() (channels.Plan, error) {
			return s.flow.Revoke(t.Context(), s.repository+":1.0", one, channels.Options{Reason: "leaks"}, nil)
		}, fault.Invalid, "cannot be run in its own place"},
		"revoke for what strangers signed": {func() (channels.Plan, error) {
			return s.flow.Revoke(t.Context(), s.repository+":1.0", three, channels.Options{Reason: "leaks"}, nil)
		}, fault.Policy, "the replacement: what a channel leads to has to pass verify"},
		"revoke a file": {func() (channels.Plan, error) {
			return s.flow.Revoke(t.Context(), file, two, channels.Options{Reason: "leaks"}, nil)
		},
			fault.Invalid, "is a file"},
	} {
		t.Run(name, func(t *testing.T) {
			p, err := tt.plan()
			refused(t, err, tt.kind, tt.says)
			if len(p.Moves) > 0 {
				t.Errorf("planned is %+v", p)
			}
		})
	}
	if s.tag("stable") != one || s.tag("candidate") != one {
		t.Error("a channel moved")
	}
}

// unattachable is a repository that attaches nothing.
type unattachable struct{ registry.Store }

func (unattachable) Attach(context.Context, digest.Digest, []registry.Descriptor) error {
	return fault.New(fault.Network, "nothing can be attached")
}

// TestRevocationIsStatedFirst: where a revocation cannot be stated about its
// image no channel moves, for readers of the image alone would not know.
func TestRevocationIsStatedFirst(t *testing.T) {
	s, one, _ := twoChannels(t)
	err := channels.CarryOn(t.Context(), s.flow, s.revoke("1.1"), func(s registry.Store) registry.Store { return unattachable{s} })
	refused(t, err, fault.Network, "nothing can be attached")
	if s.tag("candidate") != one || s.tag("stable") != one || s.tag("channel.stable.2") != "" {
		t.Error("a channel moved")
	}
}
