package channels_test

import (
	"encoding/json"
	"os"
	"strconv"
	"strings"
	"testing"

	"github.com/opencontainers/go-digest"

	"github.com/bakelite/bakelite/internal/app"
	"github.com/bakelite/bakelite/internal/channel"
	"github.com/bakelite/bakelite/internal/fault"
	"github.com/bakelite/bakelite/internal/lock"
	"github.com/bakelite/bakelite/internal/registry"
	"github.com/bakelite/bakelite/pipelines/channels"
	"github.com/bakelite/bakelite/pipelines/pin"
	"github.com/bakelite/bakelite/publish/attest"
	"github.com/bakelite/bakelite/publish/intoto"
)

// record is one of the channel stable that leads to a digest, after another.
func (s *shop) record(to string, sequence int64, previous string) channel.Record {
	return channel.Record{
		APIVersion: channel.APIVersion, Kind: channel.RecordKind, Channel: "stable", App: "web", ArtifactKind: "container",
		Sequence: sequence, Previous: previous, Digest: to, At: s.now, NotAfter: s.now.Add(channel.DefaultValid),
	}
}

// slip signs a record with the right key, says that it is about a digest, and
// puts it under tags, in another form where one is given. It returns its digest.
func (s *shop) slip(r channel.Record, about string, form func(map[string]any), tags ...string) string {
	s.Helper()
	b, err := attest.SignNotice(s.Context(), intoto.Subject{Name: "web", Digest: about}, intoto.ChannelRecord(r), attest.ByKey(s.key), attest.Want{Now: s.now})
	if err != nil {
		s.Fatal(err)
	}
	m, blobs, err := channels.RecordManifest(b.JSON)
	if err == nil {
		_, _, err = registry.PutBlobs(s.Context(), s.store, blobs)
	}
	if err == nil && form != nil {
		var text map[string]any
		err = json.Unmarshal(m.Content, &text)
		form(text)
		m.Content, _ = json.Marshal(text)
		m.Digest, m.Size = digest.FromBytes(m.Content), int64(len(m.Content))
	}
	if err == nil {
		_, err = s.store.PutManifest(s.Context(), m)
	}
	for _, tag := range tags {
		if err == nil {
			err = s.store.SetTag(s.Context(), registry.TagRequest{Name: tag, Manifest: m})
		}
	}
	if err != nil {
		s.Fatal(err)
	}
	return m.Digest.String()
}

// TestSlippedRecord puts under a channel's tag what the right key signed and
// what is no record of it: neither a reader nor who moves the channel goes by it.
func TestSlippedRecord(t *testing.T) {
	layer := func(m map[string]any) map[string]any { return m["layers"].([]any)[0].(map[string]any) } //nolint:forcetypeassert // it is a manifest
	for name, tt := range map[string]struct {
		change func(r *channel.Record)
		about  string
		form   func(map[string]any)
		kind   fault.Kind
		says   string
	}{
		"about another image":   {about: "sha256:" + strings.Repeat("1", 64), kind: fault.Integrity, says: "was signed about"},
		"of another channel":    {change: func(r *channel.Record) { r.Channel = "candidate" }, kind: fault.Integrity, says: `another record, of channel "candidate"`},
		"of a later version":    {change: func(r *channel.Record) { r.APIVersion = "bakelite.dev/v2" }, kind: fault.Integrity, says: "of another form"},
		"with two layers":       {form: func(m map[string]any) { m["layers"] = []any{layer(m), layer(m)} }, kind: fault.Integrity, says: "is no record"},
		"of another type":       {form: func(m map[string]any) { m["artifactType"] = "text/plain" }, kind: fault.Integrity, says: "is no record"},
		"in another layer":      {form: func(m map[string]any) { layer(m)["mediaType"] = "text/plain" }, kind: fault.Integrity, says: "is no record"},
		"that is too large":     {form: func(m map[string]any) { layer(m)["size"] = channels.MaxRecord + 1 }, kind: fault.Integrity, says: "stable"},
		"with more around it":   {form: func(m map[string]any) { m["annotations"] = map[string]string{"a": "b"} }, kind: fault.Integrity, says: "is another record"},
		"whose bundle is gone":  {form: func(m map[string]any) { layer(m)["digest"] = "sha256:" + strings.Repeat("0", 64) }, kind: fault.Missing, says: "stable"},
		"that is of much later": {change: func(r *channel.Record) { r.Sequence = 7 }, kind: fault.Integrity, says: "its number does not fit"},
	} {
		t.Run(name, func(t *testing.T) {
			s := open(t, layout(t))
			one := s.publish("1.0")
			r, about := s.record(one, 1, ""), one
			if tt.change != nil {
				tt.change(&r)
			}
			if tt.about != "" {
				about = tt.about
			}
			s.slip(r, about, tt.form, "channel.stable")
			refused(t, s.follow("stable", one), tt.kind, tt.says)
			_, err := s.flow.Promote(t.Context(), s.repository+":1.0", channels.Options{Channel: "stable"}, nil)
			refused(t, err, tt.kind, tt.says)
			_, err = s.flow.Record(t.Context(), s.repository, "stable")
			refused(t, err, tt.kind, tt.says)
		})
	}
}

// TestBrokenChain: who moves a channel goes by its newest record only where
// that names the one before it, and as far back as it reads.
func TestBrokenChain(t *testing.T) {
	for name, tt := range map[string]struct {
		chain func(s *shop, one string)
		says  string
	}{
		"a number is left out": {func(s *shop, one string) {
			s.slip(s.record(one, 3, s.slip(s.record(one, 1, ""), one, nil)), one, nil, "channel.stable")
		}, "record 3 of channel stable names record 1"},
		"of another app before": {func(s *shop, one string) {
			first := s.record(one, 1, "")
			first.App = "shop"
			s.slip(s.record(one, 2, s.slip(first, one, nil)), one, nil, "channel.stable")
		}, `of the container "shop"`},
		"further back": {func(s *shop, one string) {
			second := s.slip(s.record(one, 2, s.slip(s.record(one, 9, s.slip(s.record(one, 8, "sha256:"+strings.Repeat("0", 64)), one, nil)), one, nil)), one, nil)
			s.slip(s.record(one, 3, second), one, nil, "channel.stable")
		}, "record 2 follows record 9"},
		"the next is of another number": {func(s *shop, one string) {
			first := s.slip(s.record(one, 1, ""), one, nil, "channel.stable")
			s.slip(s.record(one, 3, first), one, nil, "channel.stable.2")
		}, "tag channel.stable.2 of stable leads to record 3"},
		"the next is of another chain": {func(s *shop, one string) {
			s.slip(s.record(one, 1, ""), one, nil, "channel.stable")
			s.slip(s.record(one, 2, "sha256:"+strings.Repeat("0", 64)), one, nil, "channel.stable.2")
		}, "does not follow the one before it"},
		"too far behind": {func(s *shop, one string) {
			last := s.slip(s.record(one, 1, ""), one, nil, "channel.stable")
			for n := range channels.MaxAhead {
				number := int64(n + 2)
				last = s.slip(s.record(one, number, last), one, nil, "channel.stable."+strconv.FormatInt(number, 10))
			}
		}, "more than 64 records behind"},
	} {
		t.Run(name, func(t *testing.T) {
			s := open(t, layout(t))
			one := s.publish("1.0")
			tt.chain(s, one)
			_, err := s.flow.Standings(t.Context(), s.repository)
			refused(t, err, fault.Integrity, tt.says)
			_, err = s.flow.Rollback(t.Context(), s.repository, "", channels.Options{Channel: "stable"}, nil)
			refused(t, err, fault.Integrity, tt.says)
		})
	}
}

// TestRevokedAsks: before an image is stood on those whose word counts are
// asked whether it was revoked, and nobody where the policy names none; a
// registry that cannot be asked is no answer.
func TestRevokedAsks(t *testing.T) {
	s := open(t, layout(t))
	one := s.publish("1.0")
	s.publish("1.1")
	ask := func(ref string) ([]string, error) { return s.flow.Revoked(t.Context(), ref, one) }
	if why, err := ask(s.store.Name() + ":1.0"); err != nil || len(why) > 0 {
		t.Errorf("nothing was said, and it is %q, %v", why, err)
	}
	s.carry(s.flow.Revoke(t.Context(), s.repository+":1.0", "1.1", channels.Options{Reason: "leaks"}, nil))
	if why, err := ask(s.store.Name() + ":1.0"); err != nil || len(why) != 1 || !strings.Contains(why[0], "leaks") {
		t.Errorf("it was revoked, and it is %q, %v", why, err)
	}
	_, err := ask("localhost:1/team/web:1.0")
	refused(t, err, fault.Network, "localhost:1")
	_, err = ask("not a name")
	refused(t, err, fault.Invalid, "not a name")

	signers := s.flow.Policy.Verify.SignedBy
	s.flow.Policy.Verify.SignedBy = nil
	if why, err := ask("localhost:1/team/web:1.0"); err != nil || len(why) > 0 {
		t.Errorf("nobody's word counts, and it is %q, %v", why, err)
	}
	s.flow.Policy.Bases.Images.SignedBy = signers
	if why, err := ask(s.store.Name() + ":1.0"); err != nil || len(why) != 1 {
		t.Errorf("who signs bases said so, and it is %q, %v", why, err)
	}
}

// TestWhoStandsOnIt: an app stands on an image by its base or by what its
// Dockerfile names; one without a lock that can be read stands on nothing.
func TestWhoStandsOnIt(t *testing.T) {
	s := open(t, layout(t))
	one, two := s.publish("1.0"), s.publish("1.1")
	s.promote("1.0", "stable")
	base, other := child(t, "base", "registry.example/web", one), child(t, "other", "registry.example/web", two)
	builder, edited := child(t, "builder", "registry.example/base", two), child(t, "edited", "registry.example/web", one)
	l, err := lock.Read(pin.Path(builder))
	if err == nil {
		l.Images = []lock.Image{{Ref: s.store.Name() + ":stable", Digest: two}}
		err = lock.Write(pin.Path(builder), l)
	}
	if err != nil {
		t.Fatal(err)
	}
	write(t, pin.Path(edited), []byte("apiVersion: none\n"))
	gone := child(t, "gone", "registry.example/web", one)
	if err := os.Remove(pin.Path(gone)); err != nil {
		t.Fatal(err)
	}
	p, err := s.flow.Promote(t.Context(), s.repository+":1.1", channels.Options{Channel: "stable"}, []app.App{base, other, builder, edited, gone})
	if err != nil || len(p.Apps) != 2 || p.Apps[0].App != "base" || p.Apps[0].Follows || p.Apps[1].App != "builder" || !p.Apps[1].Follows {
		t.Errorf("it reaches %+v, %v", p.Apps, err)
	}
	s.carry(p, err)
	p, err = s.flow.Promote(t.Context(), s.repository+":1.1", channels.Options{Channel: "stable"}, []app.App{base, builder})
	if err != nil || len(p.Apps) > 0 || len(p.Moves[0].Changes) > 0 {
		t.Errorf("a record that holds for longer reaches %+v and changes %+v, %v", p.Apps, p.Moves[0].Changes, err)
	}
}
