package channel_test

import (
	"encoding/json"
	"strings"
	"testing"
	"time"

	"github.com/bakelite/bakelite/internal/channel"
	"github.com/bakelite/bakelite/internal/fault"
)

var (
	now     = time.Date(2026, 11, 28, 12, 0, 0, 0, time.UTC)
	d1      = "sha256:" + strings.Repeat("1", 64)
	d2      = "sha256:" + strings.Repeat("2", 64)
	d3      = "sha256:" + strings.Repeat("3", 64)
	records = "sha256:" + strings.Repeat("a", 64)
)

func to(digest string) channel.Move {
	return channel.Move{Channel: "stable", App: "web", ArtifactKind: "container", Digest: digest, Now: now}
}

// after makes the next record, of which the test asks that it can be read.
func after(t *testing.T, last *channel.Head, m channel.Move) channel.Head {
	t.Helper()
	r, err := channel.Next(last, m)
	if err != nil {
		t.Fatal(err)
	}
	return readable(t, r)
}

func readable(t *testing.T, r channel.Record) channel.Head {
	t.Helper()
	text, err := json.Marshal(r)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := channel.Parse(text); err != nil {
		t.Fatalf("%s: %v", text, err)
	}
	return channel.Head{Record: r, RecordDigest: records}
}

func revoked(t *testing.T, digest, replacement string) channel.Revocation {
	t.Helper()
	v, err := channel.NewRevocation(digest, "leaks", replacement, now)
	if err != nil {
		t.Fatal(err)
	}
	return v
}

func TestNext(t *testing.T) {
	first := after(t, nil, to(d1))
	second := after(t, &first, to(d2))
	if first.Sequence != 1 || first.Previous != "" || second.Sequence != 2 || second.Previous != records || second.NotAfter != now.Add(channel.DefaultValid) {
		t.Errorf("got %+v, then %+v", first, second)
	}
	again := after(t, &second, to(d2))
	if again.Sequence != 3 {
		t.Errorf("a refreshed record has the number %d", again.Sequence)
	}
	for name, tt := range map[string]struct {
		change func(*channel.Move)
		kind   fault.Kind
	}{
		"another app":      {func(m *channel.Move) { m.App = "shop" }, fault.Policy},
		"another kind":     {func(m *channel.Move) { m.ArtifactKind = "disk" }, fault.Policy},
		"a clock behind":   {func(m *channel.Move) { m.Now = now.Add(-time.Hour) }, fault.Policy},
		"held too long":    {func(m *channel.Move) { m.Valid = channel.MaxValid + time.Hour }, fault.Invalid},
		"held for no time": {func(m *channel.Move) { m.Valid = -time.Hour }, fault.Invalid},
		"two lines":        {func(m *channel.Move) { m.Reason = "a\nb" }, fault.Invalid},
		"latest":           {func(m *channel.Move) { m.Channel = "latest" }, fault.Invalid},
		"no name":          {func(m *channel.Move) { m.Channel = "Stable.1" }, fault.Invalid},
	} {
		m := to(d3)
		tt.change(&m)
		if _, err := channel.Next(&second, m); fault.KindOf(err) != tt.kind {
			t.Errorf("%s: %v", name, err)
		}
	}
}

// TestRevokedHeadNeedsAReplacement: a revocation never empties a channel.
func TestRevokedHeadNeedsAReplacement(t *testing.T) {
	first := after(t, nil, to(d1))
	second := after(t, &first, to(d2))
	if _, err := channel.Revoke(second, revoked(t, d2, ""), channel.Move{Now: now}); fault.KindOf(err) != fault.Policy {
		t.Errorf("revoked without a replacement: %v", err)
	}
	r, err := channel.Revoke(second, revoked(t, d2, d3), channel.Move{Now: now})
	if err != nil {
		t.Fatal(err)
	}
	third := readable(t, r)
	if third.Digest != d3 || third.Sequence != 3 || third.Revocation(d2) == nil {
		t.Errorf("got %+v", third)
	}
	if _, err := channel.Next(&third, to(d2)); fault.KindOf(err) != fault.Policy {
		t.Errorf("a revoked digest was promoted: %v", err)
	}
	fourth := after(t, &third, to(d1)) // what was revoked stays so
	if fourth.Revocation(d2) == nil {
		t.Error("a later record forgets what was revoked")
	}
	old, err := channel.Revoke(fourth, revoked(t, d3, ""), channel.Move{Now: now})
	if err != nil || old.Digest != d1 || len(old.Revoked) != 2 {
		t.Errorf("revoking what the channel does not lead to: %+v, %v", old, err)
	}
	if twice, err := channel.Revoke(readable(t, old), revoked(t, d3, ""), channel.Move{Now: now}); err != nil || len(twice.Revoked) != 2 {
		t.Errorf("revoked twice: %+v, %v", twice, err)
	}
}

// TestParseRefuses reads records that were signed, and say what no record may.
func TestParseRefuses(t *testing.T) {
	first := after(t, nil, to(d1))
	second := after(t, &first, to(d2)).Record
	for name, change := range map[string]func(*channel.Record){
		"another form":       func(r *channel.Record) { r.APIVersion = "bakelite.dev/v2" },
		"another kind":       func(r *channel.Record) { r.Kind = "Revocation" },
		"no app":             func(r *channel.Record) { r.App = "" },
		"no digest":          func(r *channel.Record) { r.Digest = "stable" },
		"number 0":           func(r *channel.Record) { r.Sequence = 0 },
		"the first after":    func(r *channel.Record) { r.Sequence = 1 },
		"a second after 0":   func(r *channel.Record) { r.Previous = "" },
		"for ever":           func(r *channel.Record) { r.NotAfter = r.At.Add(channel.MaxValid + time.Second) },
		"over before it was": func(r *channel.Record) { r.NotAfter = r.At },
		"to what is revoked": func(r *channel.Record) { r.Revoked = []channel.Revocation{revoked(t, d2, "")} },
		"revokes nothing":    func(r *channel.Record) { r.Revoked = []channel.Revocation{{Reason: "x"}} },
	} {
		r := second
		change(&r)
		text, err := json.Marshal(r)
		if err != nil {
			t.Fatal(err)
		}
		if _, err := channel.Parse(text); fault.KindOf(err) != fault.Integrity {
			t.Errorf("%s: %v", name, err)
		}
	}
	for _, text := range []string{"", "[]", "{}", `{"sequence":"1"}`, strings.Repeat(" ", channel.MaxRecord+1)} {
		if _, err := channel.Parse([]byte(text)); fault.KindOf(err) != fault.Integrity {
			t.Errorf("%.20q: %v", text, err)
		}
	}
}

func TestJudge(t *testing.T) {
	first := after(t, nil, to(d1))
	r, err := channel.Revoke(after(t, &first, to(d2)), revoked(t, d1, d2), channel.Move{Now: now})
	if err != nil {
		t.Fatal(err)
	}
	third := readable(t, r)
	other := "sha256:" + strings.Repeat("b", 64)
	for name, tt := range map[string]struct {
		change func(*channel.Asked)
		want   string
	}{
		"as asked":         {func(*channel.Asked) {}, ""},
		"anything":         {func(a *channel.Asked) { a.App, a.ArtifactKind, a.Digest = "", "", "" }, ""},
		"seen before":      {func(a *channel.Asked) { a.Seen = channel.Seen{Sequence: 3, RecordDigest: records} }, ""},
		"seen an older":    {func(a *channel.Asked) { a.Seen = channel.Seen{Sequence: 2, RecordDigest: other} }, ""},
		"replayed":         {func(a *channel.Asked) { a.Seen = channel.Seen{Sequence: 4, RecordDigest: other} }, "older than record 4"},
		"forked":           {func(a *channel.Asked) { a.Seen = channel.Seen{Sequence: 3, RecordDigest: other} }, "somebody signed two"},
		"past its time":    {func(a *channel.Asked) { a.Now = third.NotAfter }, "the record held until"},
		"from the future":  {func(a *channel.Asked) { a.Now = now.Add(-time.Hour) }, "yet to come"},
		"another digest":   {func(a *channel.Asked) { a.Digest = d3 }, "leads to " + d2},
		"what was revoked": {func(a *channel.Asked) { a.Digest = d1 }, "it was revoked at 2026-11-28T12:00:00Z: leaks; in its place there is " + d2},
		"another app":      {func(a *channel.Asked) { a.App = "shop" }, `the record is of the container "web"`},
		"another channel":  {func(a *channel.Asked) { a.Channel = "candidate" }, `of the channel "stable"`},
	} {
		a := channel.Asked{Channel: "stable", App: "web", ArtifactKind: "container", Digest: d2, Now: now}
		tt.change(&a)
		if got := strings.Join(third.Judge(a), "\n"); (tt.want == "") != (got == "") || !strings.Contains(got, tt.want) {
			t.Errorf("%s: got %q, want %q", name, got, tt.want)
		}
	}
}

func FuzzParse(f *testing.F) {
	first, _ := channel.Next(nil, to(d1))
	text, _ := json.Marshal(first)
	f.Add(text)
	f.Fuzz(func(t *testing.T, text []byte) {
		r, err := channel.Parse(text)
		if err != nil {
			return
		}
		if next, err := channel.Next(&channel.Head{Record: r, RecordDigest: records}, channel.Move{
			Channel: r.Channel, App: r.App, ArtifactKind: r.ArtifactKind, Digest: r.Digest, Now: r.At,
		}); err == nil && next.Sequence != r.Sequence+1 {
			t.Errorf("record %d follows record %d", next.Sequence, r.Sequence)
		}
	})
}
