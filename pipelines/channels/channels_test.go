package channels_test

import (
	"context"
	"errors"
	"fmt"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/bakelite/bakelite/internal/app"
	"github.com/bakelite/bakelite/internal/channel"
	"github.com/bakelite/bakelite/internal/fault"
	"github.com/bakelite/bakelite/internal/policy"
	"github.com/bakelite/bakelite/internal/registry"
	"github.com/bakelite/bakelite/internal/registry/registrytest"
	"github.com/bakelite/bakelite/internal/vouch/vouchtest"
	"github.com/bakelite/bakelite/pipelines/channels"
	"github.com/bakelite/bakelite/publish/attest"
)

func layout(t *testing.T) string {
	return registry.LayoutPrefix + filepath.Join(t.TempDir(), "web")
}

// stores are a layout, and a registry.
func stores(t *testing.T) map[string]string {
	return map[string]string{
		"a layout":   layout(t),
		"a registry": registrytest.Serve(t, registrytest.Memory(), nil) + "/team/web",
	}
}

func refused(t *testing.T, err error, kind fault.Kind, words string) {
	t.Helper()
	if fault.KindOf(err) != kind || !strings.Contains(fmt.Sprint(err), words) {
		t.Errorf("got %v, want a fault.%v with %q", err, kind, words)
	}
}

// TestChannelMoves promotes, rolls back and revokes, and asks as a reader after
// each.
func TestChannelMoves(t *testing.T) {
	for name, repository := range stores(t) {
		t.Run(name, func(t *testing.T) {
			s := open(t, repository)
			one, two := s.publish("1.0"), s.publish("1.1")
			three := s.publish("1.2")
			s.promote("1.0", "stable")
			front, other := child(t, "front", s.store.Name()+":stable", one), child(t, "other", s.store.Name()+":1.1", two)
			p := s.carry(s.flow.Promote(t.Context(), repository+":1.1", channels.Options{Channel: "stable", Reason: "a week in candidate"}, []app.App{front, other}))
			if len(p.Moves) != 1 || p.Moves[0].To.Sequence != 2 || p.Moves[0].From.Digest != one || len(p.Moves[0].Changes) != 1 || p.Moves[0].Changes[0].To != "1.1" {
				t.Errorf("planned was %+v", p)
			}
			if len(p.Apps) != 1 || p.Apps[0].App != "front" || !p.Apps[0].Follows {
				t.Errorf("it reaches %+v", p.Apps)
			}
			if s.tag("stable") != two || s.follow("stable", two) != nil {
				t.Errorf("stable leads to %s (%v), not %s", s.tag("stable"), s.follow("stable", two), two)
			}
			refused(t, s.follow("stable", one), fault.Policy, "leads to "+two)
			refused(t, s.follow("candidate", two), fault.Policy, "there is no channel candidate")

			s.carry(s.flow.Rollback(t.Context(), repository, "", channels.Options{Channel: "stable", Reason: "login fails"}, nil))
			if r, err := s.flow.Standings(t.Context(), repository); err != nil || r[0].Sequence != 3 || r[0].Digest != one {
				t.Errorf("after rolling back: %+v, %v", r, err)
			}
			if err := s.follow("stable", one); err != nil {
				t.Errorf("a reader that saw record 2 is not let back: %v", err)
			}

			_, err := s.flow.Revoke(t.Context(), s.store.Name()+"@"+one, "", channels.Options{Reason: "leaks"}, nil)
			refused(t, err, fault.Policy, "nothing is named to run in its place")
			if s.verify(one) != nil {
				t.Error("a refused revocation was stated")
			}
			p = s.carry(s.flow.Revoke(t.Context(), s.store.Name()+"@"+one, "1.2", channels.Options{Reason: "leaks"}, []app.App{front, other}))
			if len(p.Apps) != 1 || p.Apps[0].App != "front" {
				t.Errorf("revoking reaches %+v", p.Apps)
			}
			if s.tag("stable") != three {
				t.Errorf("the channel leads to %q", s.tag("stable"))
			}
			if err := s.follow("stable", three); err != nil {
				t.Error(err)
			}
			refused(t, s.verify(one), fault.Policy, "leaks; in its place there is "+three)
			refused(t, s.follow("stable", one), fault.Policy, "it was revoked at")
			_, err = s.flow.Promote(t.Context(), s.store.Name()+"@"+one, channels.Options{Channel: "candidate"}, nil)
			refused(t, err, fault.Policy, "it was revoked at")
			_, err = s.flow.Rollback(t.Context(), repository, one, channels.Options{Channel: "stable"}, nil)
			refused(t, err, fault.Policy, "it was revoked at")
			s.carry(s.flow.Rollback(t.Context(), repository, "", channels.Options{Channel: "stable"}, nil))
			if s.tag("stable") != two {
				t.Errorf("rolled back to %s, not to what was not revoked", s.tag("stable"))
			}
		})
	}
}

// TestLineage says of what a channel led to what came before and after, and that
// it was revoked.
func TestLineage(t *testing.T) {
	s := open(t, layout(t))
	one, two := s.publish("1.0"), s.publish("1.1")
	s.promote("1.0", "stable")
	s.promote("1.1", "stable")
	front := child(t, "front", "registry.example/web", one)
	s.carry(s.flow.Revoke(t.Context(), s.repository+":1.0", "", channels.Options{Reason: "leaks"}, nil))
	l, err := s.flow.Lineage(t.Context(), s.repository+":1.0", []app.App{front})
	if err != nil || l.App != "web" || l.Lock == "" || len(l.Refused) != 1 || len(l.Channels) != 1 || len(l.Apps) != 1 {
		t.Fatalf("got %+v, %v", l, err)
	}
	if c := l.Channels[0]; c.Leads || fmt.Sprint(c.Led) != "[1]" || c.After != two || c.Before != "" || c.Sequence != 3 {
		t.Errorf("the channel: %+v", c)
	}
	if l, err = s.flow.Lineage(t.Context(), s.repository+":1.1", nil); err != nil || !l.Channels[0].Leads || l.Channels[0].Before != one || len(l.Refused) != 0 {
		t.Errorf("of the newer one: %+v, %v", l, err)
	}
}

// TestReplayedRecord puts an older record back, or another one's, under the
// channel's tag.
func TestReplayedRecord(t *testing.T) {
	s := open(t, layout(t))
	one, two := s.publish("1.0"), s.publish("1.1")
	s.promote("1.0", "stable")
	first := s.tag("channel.stable")
	s.promote("1.1", "stable")
	if err := s.follow("stable", two); err != nil {
		t.Fatal(err)
	}
	put := func(tag, digest string) {
		t.Helper()
		m, err := s.store.Manifest(t.Context(), digest)
		if err != nil {
			t.Fatal(err)
		}
		if err := s.store.SetTag(t.Context(), registry.TagRequest{Name: tag, Manifest: m}); err != nil {
			t.Fatal(err)
		}
	}
	put("channel.stable", first)
	refused(t, s.follow("stable", one), fault.Policy, "older than record 2")
	p, err := s.flow.Promote(t.Context(), s.repository+":1.1", channels.Options{Channel: "stable"}, nil)
	if err != nil || p.Moves[0].To.Sequence != 3 {
		t.Errorf("a tag that was set back has the next record get the number %d (%v)", p.Moves[0].To.Sequence, err)
	}
	put("channel.stable", one)
	refused(t, s.follow("stable", one), fault.Integrity, "is no record")
	put("channel.candidate", first)
	refused(t, s.follow("candidate", one), fault.Integrity, "another record")
	put("channel.stable", s.tag("channel.stable.2"))
	put("channel.stable.3", first)
	_, err = s.flow.Promote(t.Context(), s.repository+":1.1", channels.Options{Channel: "stable"}, nil)
	refused(t, err, fault.Integrity, "does not follow the one before it")
	s.now = s.now.Add(channel.DefaultValid)
	refused(t, s.follow("stable", two), fault.Policy, "the record held until")
}

// TestForgedRecord has records and revocations signed by somebody whom the
// policy does not name, or who may only publish.
func TestForgedRecord(t *testing.T) {
	s := open(t, layout(t))
	two := s.publish("1.1")
	stranger, _ := newKey(t)
	ours := s.flow
	s.flow.Policy.Verify.SignedBy = nil
	s.flow.Signer = func(context.Context) (attest.Signer, error) { return attest.ByKey(stranger), nil }
	s.flow.Channels = nil // no record is there to be read
	s.carry(s.flow.Revoke(t.Context(), s.repository+":1.1", "", channels.Options{Reason: "because"}, nil))
	if err := s.verify(two); err != nil {
		t.Errorf("anybody can revoke: %v", err)
	}
	s.flow = ours
	s.flow.Signer = func(context.Context) (attest.Signer, error) { return attest.ByKey(stranger), nil }
	p, err := s.flow.Promote(t.Context(), s.repository+":1.1", channels.Options{Channel: "stable"}, nil)
	if err != nil {
		t.Fatal(err)
	}
	refused(t, s.flow.Carry(t.Context(), p), fault.Policy, "what was just signed would be refused")
	if s.tag("channel.stable") != "" || s.tag("channel.stable.1") != "" || s.tag("stable") != "" {
		t.Error("a refused record was published")
	}

	s.flow = ours
	s.promote("1.1", "stable")
	_, public := newKey(t)
	write(t, filepath.Join(ours.Policy.Dir, "manager.pub"), public)
	s.flow.Policy.Verify.ReleasedBy = []policy.Signer{{Key: "manager.pub"}}
	refused(t, s.follow("stable", two), fault.Policy, "not signed by an allowed key")
}

// TestTwoPromoteAtOnce: of two who planned the same number one is refused, and
// the channel leads to what the other one signed.
func TestTwoPromoteAtOnce(t *testing.T) {
	for name, repository := range stores(t) {
		t.Run(name, func(t *testing.T) {
			s := open(t, repository)
			one, _ := s.publish("1.0"), s.publish("1.1")
			first, err := s.flow.Promote(t.Context(), repository+":1.0", channels.Options{Channel: "stable"}, nil)
			second, err2 := s.flow.Promote(t.Context(), repository+":1.1", channels.Options{Channel: "stable"}, nil)
			if err = errors.Join(err, err2); err != nil {
				t.Fatal(err)
			}
			if err := s.flow.Carry(t.Context(), first); err != nil {
				t.Fatal(err)
			}
			refused(t, s.flow.Carry(t.Context(), second), fault.Policy, "somebody else made record 1")
			if s.tag("stable") != one || s.follow("stable", one) != nil {
				t.Errorf("the channel leads to %s", s.tag("stable"))
			}
		})
	}
}

// TestPromoterKilled cuts a move off after each request that changes something:
// the channel leads somewhere the whole time, and the next move goes on.
func TestPromoterKilled(t *testing.T) {
	s := open(t, layout(t))
	one, two := s.publish("1.0"), s.publish("1.1")
	s.promote("1.0", "stable")
	for steps := range 8 {
		p, err := s.flow.Promote(t.Context(), s.repository+":1.1", channels.Options{Channel: "stable"}, nil)
		if err != nil {
			t.Fatal(err)
		}
		ctx, kill := context.WithCancel(t.Context())
		defer kill()
		err = channels.CarryOn(ctx, s.flow, p, func(s registry.Store) registry.Store { return &dying{s, steps, kill} })
		if head := s.tag("stable"); head != one && head != two {
			t.Errorf("killed after %d steps the channel leads to %q", steps, head)
		}
		r, follow := s.flow.Follow(t.Context(), s.store, channels.Asked{Channel: "stable"})
		if follow != nil || r.Digest != one && r.Digest != two {
			t.Errorf("killed after %d steps (%v) a reader is told %v", steps, err, follow)
		}
	}
	s.promote("1.1", "stable")
	if all, err := s.flow.Standings(t.Context(), s.repository); err != nil || all[0].Digest != two || s.tag("stable") != two || s.follow("stable", two) != nil {
		t.Errorf("in the end: %+v, %v", all, err)
	}
}

// dying ends its process's context after so many writes.
type dying struct {
	registry.Store
	left int
	kill func()
}

func (d *dying) step() error {
	if d.left--; d.left < 0 {
		d.kill()
		return context.Canceled
	}
	return nil
}

func (d *dying) PutBlob(ctx context.Context, b registry.Blob) error {
	if err := d.step(); err != nil {
		return err
	}
	return d.Store.PutBlob(ctx, b)
}

func (d *dying) PutManifest(ctx context.Context, m registry.Manifest) (int64, error) {
	if err := d.step(); err != nil {
		return 0, err
	}
	return d.Store.PutManifest(ctx, m)
}

func (d *dying) SetTag(ctx context.Context, t registry.TagRequest) error {
	if err := d.step(); err != nil {
		return err
	}
	return d.Store.SetTag(ctx, t)
}

// TestRecordFromFile reads a record without a registry.
func TestRecordFromFile(t *testing.T) {
	s := open(t, layout(t))
	one, two := s.publish("1.0"), s.publish("1.1")
	s.promote("1.0", "stable")
	old, err := s.flow.Record(t.Context(), s.repository, "stable")
	if err != nil {
		t.Fatal(err)
	}
	ask := func(record []byte, digest string) error {
		_, err := s.flow.Follow(t.Context(), nil, channels.Asked{Channel: "stable", App: "web", ArtifactKind: "container", Digest: digest, Record: record})
		return err
	}
	if err := ask(old, one); err != nil {
		t.Error(err)
	}
	s.carry(s.flow.Revoke(t.Context(), s.repository+":1.0", "1.1", channels.Options{Reason: "leaks"}, nil))
	newer, err := s.flow.Record(t.Context(), s.repository, "stable")
	if err != nil {
		t.Fatal(err)
	}
	if err := ask(newer, two); err != nil {
		t.Error(err)
	}
	refused(t, ask(newer, one), fault.Policy, "it was revoked at")
	refused(t, ask(old, one), fault.Policy, "older than record 2")
	s.flow.Vouch = vouchtest.Key(t) // a reader who saw nothing
	if err := ask(old, one); err != nil {
		t.Errorf("nothing was seen: %v", err)
	}
	s.now = s.now.Add(31 * 24 * time.Hour)
	refused(t, ask(old, one), fault.Policy, "the record held until")
	refused(t, ask(old[:len(old)-3], one), fault.Integrity, "bundle")
}

func TestUnknownChannel(t *testing.T) {
	s := open(t, layout(t))
	s.publish("1.0")
	_, err := s.flow.Promote(t.Context(), s.repository+":1.0", channels.Options{Channel: "stabel"}, nil)
	refused(t, err, fault.Invalid, "there is no channel stabel")
	if fault.HintOf(err) != "did you mean: stable" {
		t.Errorf("the hint is %q", fault.HintOf(err))
	}
	_, err = s.flow.Rollback(t.Context(), s.repository, "", channels.Options{Channel: "stable"}, nil)
	refused(t, err, fault.Missing, "has no channel stable")
}
