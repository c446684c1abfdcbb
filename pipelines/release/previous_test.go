package release

import (
	"bytes"
	"context"
	"encoding/json"
	"io"
	"strings"
	"testing"
	"time"

	"github.com/opencontainers/go-digest"

	"github.com/bakelite/bakelite/internal/artifact"
	"github.com/bakelite/bakelite/internal/registry"
	"github.com/bakelite/bakelite/pipelines/flowtest"
	"github.com/bakelite/bakelite/publish/attest"
	"github.com/bakelite/bakelite/publish/intoto"
	"github.com/bakelite/bakelite/scan"
)

// TestEarlierReport reads what was published before, of which only the
// newest report by an allowed signer counts.
func TestEarlierReport(t *testing.T) {
	changed := func(p flowtest.Repository, change func(*scan.Report)) scan.Report {
		r := p.Report(time.Hour)
		change(&r)
		return r
	}
	many := func(p flowtest.Repository, n int) (all []scan.Report) {
		for i := range n {
			all = append(all, p.Report(time.Duration(i+1)*time.Hour))
		}
		return all
	}
	for name, tt := range map[string]struct {
		before func(flowtest.Repository, *Publisher, *subject)
		age    time.Duration // of the report that counts; 0 for none
		err    string
	}{
		"nothing there": {func(flowtest.Repository, *Publisher, *subject) {}, 0, ""},
		"one report":    {func(p flowtest.Repository, _ *Publisher, _ *subject) { p.Publish(p.Key, p.Report(time.Hour)) }, time.Hour, ""},
		"newer and older": {func(p flowtest.Repository, _ *Publisher, _ *subject) {
			p.Publish(p.Key, p.Report(time.Hour), p.Report(2*time.Hour))
		}, time.Hour, ""},
		"older and newer": {func(p flowtest.Repository, _ *Publisher, _ *subject) {
			p.Publish(p.Key, p.Report(2*time.Hour), p.Report(time.Hour))
		}, time.Hour, ""},
		"an older database, scanned later": {func(p flowtest.Repository, _ *Publisher, _ *subject) {
			p.Publish(p.Key, p.Report(2*time.Hour), changed(p, func(r *scan.Report) { r.Database.Updated = r.Database.Updated.AddDate(0, 0, -3) }))
		}, 2 * time.Hour, ""},
		"published again": {func(p flowtest.Repository, _ *Publisher, _ *subject) {
			p.Publish(p.Key, p.Report(2*time.Hour))
			p.Publish(p.Key, p.Report(time.Hour))
		}, time.Hour, ""},
		"a publication each night until there is no room": {func(p flowtest.Repository, _ *Publisher, _ *subject) {
			nights := many(p, (attest.MaxBundles-6)/2)
			p.Publish(p.Key, nights[len(nights)/2:]...)
			p.Publish(p.Key, nights[:len(nights)/2]...)
		}, time.Hour, ""},
		"one more than are read": {func(p flowtest.Repository, _ *Publisher, _ *subject) {
			p.Publish(p.Key, many(p, 200)...)
			p.Publish(p.Key, many(p, 57)...)
		}, 0, "more than 256 reports"},
		"another key": {func(p flowtest.Repository, _ *Publisher, _ *subject) {
			p.Publish(flowtest.NewRepository(p.T).Key, p.Report(time.Hour))
		}, 0, "not signed by an allowed key"},
		"another key's newer one beside it": {func(p flowtest.Repository, _ *Publisher, _ *subject) {
			p.Publish(p.Key, p.Report(2*time.Hour))
			p.Publish(flowtest.NewRepository(p.T).Key, p.Report(time.Hour))
		}, 2 * time.Hour, ""},
		"no report": {func(p flowtest.Repository, _ *Publisher, _ *subject) { p.Publish(p.Key) }, 0, "no scan report is attached"},
		"the policy names nobody": {func(p flowtest.Repository, k *Publisher, _ *subject) {
			p.Publish(p.Key, p.Report(time.Hour))
			k.Policy.Verify.SignedBy = nil
		}, 0, "verify.signedBy"},
		"nobody, and nothing there": {func(_ flowtest.Repository, k *Publisher, _ *subject) { k.Policy.Verify.SignedBy = nil }, 0, ""},
		"a key that is not there": {func(p flowtest.Repository, k *Publisher, _ *subject) {
			p.Publish(p.Key, p.Report(time.Hour))
			k.Policy.Dir = p.T.TempDir()
		}, 0, "release.pub"},
		"for a disk": {func(p flowtest.Repository, _ *Publisher, s *subject) {
			p.Publish(p.Key, p.Report(time.Hour))
			s.kind = artifact.Disk
		}, 0, `about a "container"`},
		"about another digest": {func(p flowtest.Repository, _ *Publisher, _ *subject) {
			p.Publish(p.Key, changed(p, func(r *scan.Report) { r.Subject = "sha256:" + strings.Repeat("0", 64) }))
		}, 0, "is about"},
		"of another form": {func(p flowtest.Repository, _ *Publisher, _ *subject) {
			p.Publish(p.Key, changed(p, func(r *scan.Report) { r.Kind = "Verdict" }))
		}, 0, "of the form"},
		"of a database yet to come": {func(p flowtest.Repository, _ *Publisher, _ *subject) {
			p.Publish(p.Key, changed(p, func(r *scan.Report) { r.Database.Updated = r.Scanned.Add(time.Hour) }))
		}, 0, "by a database of"},
		"an older report, and a newer one with a broken signature": {func(p flowtest.Repository, _ *Publisher, _ *subject) {
			p.Publish(p.Key, p.Report(2*time.Hour))
			p.Attach(bytes.Replace(p.Bundle(intoto.ScanType), []byte(`"sig":"M`), []byte(`"sig":"N`), 1))
		}, 0, "signature does not hold"},
		"an SBOM passed off as a report": {func(p flowtest.Repository, _ *Publisher, _ *subject) {
			p.Publish(p.Key, p.Report(time.Hour))
			p.Attach(p.Bundle(intoto.CycloneDXType))
		}, time.Hour, ""},
		"a changed byte": {func(p flowtest.Repository, _ *Publisher, _ *subject) {
			p.Publish(p.Key, p.Report(time.Hour))
			p.Spoil()
		}, 0, "no evidence"},
	} {
		t.Run(name, func(t *testing.T) {
			p := flowtest.NewRepository(t)
			k, s := publisher(p), subjectOf(p)
			tt.before(p, &k, &s)
			r, err := k.earlierReport(t.Context(), s)
			if (err != nil) != (tt.err != "") || err != nil && (!strings.Contains(err.Error(), tt.err) || !strings.Contains(err.Error(), p.Name)) {
				t.Fatalf("error %v, want %q", err, tt.err)
			}
			if r.Scanned.IsZero() != (tt.age == 0) || tt.age != 0 && time.Since(r.Scanned).Round(time.Hour) != tt.age {
				t.Errorf("the report is of %s, want an age of %s", r.Scanned, tt.age)
			}
		})
	}
}

// watched is a repository that counts what is fetched, and whose answers can
// be changed.
type watched struct {
	registry.Reader
	manifests, blobs int
	list             func(d *registry.Descriptor)
	layer            func(m map[string]any)
}

func (w *watched) Manifest(ctx context.Context, ref string) (registry.Manifest, error) {
	w.manifests++
	m, err := w.Reader.Manifest(ctx, ref)
	if err != nil || w.layer == nil {
		return m, err
	}
	var text map[string]any
	if err := json.Unmarshal(m.Content, &text); err != nil {
		return m, err
	}
	w.layer(text)
	m.Content, err = json.Marshal(text)
	return m, err
}

func (w *watched) Blob(ctx context.Context, d registry.Descriptor) (io.ReadCloser, error) {
	w.blobs++
	return w.Reader.Blob(ctx, d)
}

func (w *watched) Referrers(ctx context.Context, subject digest.Digest) ([]registry.Descriptor, error) {
	all, err := w.Reader.Referrers(ctx, subject)
	for i := range all {
		w.list(&all[i])
	}
	return all, err
}

// TestOnlyTheReportIsFetched: of the bundles only that which holds the
// report, whatever the list of referrers says, and never a large one.
func TestOnlyTheReportIsFetched(t *testing.T) {
	p := flowtest.NewRepository(t)
	p.Publish(p.Key, p.Report(time.Hour))
	layers := func(m map[string]any) map[string]any { return m["layers"].([]any)[0].(map[string]any) }
	for name, tt := range map[string]struct {
		list             func(*registry.Descriptor)
		layer            func(map[string]any)
		manifests, blobs int
		err              string
	}{
		"a list with annotations":     {func(*registry.Descriptor) {}, nil, 1, 1, ""},
		"a list without":              {func(d *registry.Descriptor) { d.Annotations = nil }, nil, 3, 1, ""},
		"a list without types":        {func(d *registry.Descriptor) { d.Annotations, d.ArtifactType = nil, "" }, nil, 3, 1, ""},
		"a list of the config's type": {func(d *registry.Descriptor) { d.ArtifactType = "application/vnd.oci.empty.v1+json" }, nil, 1, 1, ""},
		"referrers of another type":   {func(d *registry.Descriptor) { d.ArtifactType = "text/plain" }, nil, 0, 0, "no scan report is attached"},
		"a large bundle":              {func(*registry.Descriptor) {}, func(m map[string]any) { layers(m)["size"] = maxEvidence + 1 }, 1, 0, "more than 268435456 bytes"},
		"a bundle of negative size":   {func(*registry.Descriptor) {}, func(m map[string]any) { layers(m)["size"] = -1 }, 1, 0, "a bundle of -1 bytes"},
		"a layer of another type":     {func(*registry.Descriptor) {}, func(m map[string]any) { layers(m)["mediaType"] = "text/plain" }, 1, 0, "no scan report is attached"},
		"two layers": {func(*registry.Descriptor) {}, func(m map[string]any) {
			m["layers"] = append(m["layers"].([]any), m["layers"].([]any)...)
		}, 1, 0, "no scan report is attached"},
	} {
		t.Run(name, func(t *testing.T) {
			store, _, err := registry.Open(p.Name, registry.Options{})
			if err != nil {
				t.Fatal(err)
			}
			w := &watched{Reader: store, list: tt.list, layer: tt.layer}
			k := publisher(p)
			r, err := k.newestReport(t.Context(), w, p.Content.Manifest)
			if (err == nil) != (tt.err == "") || err != nil && !strings.Contains(err.Error(), tt.err) || r.Scanned.IsZero() == (err == nil) {
				t.Errorf("report of %s, error %v", r.Scanned, err)
			}
			if w.manifests != tt.manifests || w.blobs != tt.blobs {
				t.Errorf("%d manifests and %d blobs were fetched, want %d and %d", w.manifests, w.blobs, tt.manifests, tt.blobs)
			}
		})
	}
}

// TestReportsTogetherAreBounded: the second one has room for what the first
// left.
func TestReportsTogetherAreBounded(t *testing.T) {
	p := flowtest.NewRepository(t)
	p.Publish(p.Key, p.Report(time.Hour), p.Report(2*time.Hour))
	store, _, err := registry.Open(p.Name, registry.Options{})
	if err != nil {
		t.Fatal(err)
	}
	w := &watched{Reader: store, list: func(*registry.Descriptor) {}}
	w.layer = func(m map[string]any) {
		if w.manifests == 2 {
			m["layers"].([]any)[0].(map[string]any)["size"] = maxEvidence
		}
	}
	k := publisher(p)
	if _, err := k.newestReport(t.Context(), w, p.Content.Manifest); err == nil || !strings.Contains(err.Error(), "more than 268435456 bytes") || w.blobs != 1 {
		t.Errorf("%d blobs were fetched, error %v", w.blobs, err)
	}
}

// TestStatedReportDates: a report is not newer than its signature, nor than
// the clock.
func TestStatedReportDates(t *testing.T) {
	p := flowtest.NewRepository(t)
	now := time.Now()
	for name, tt := range map[string]struct {
		scanned, signed time.Duration // from now; 0 is no date of signing
		ok              bool
	}{
		"now":                      {0, 0, true},
		"a clock a little ahead":   {4 * time.Minute, 0, true},
		"yet to come":              {6 * time.Minute, 0, false},
		"signed then":              {-time.Hour, -time.Hour, true},
		"signed a day before":      {-time.Hour, -25 * time.Hour, false},
		"signed a day after":       {-25 * time.Hour, -time.Hour, true},
		"signed and yet to come":   {6 * time.Minute, 6 * time.Minute, false},
		"signed by a clock behind": {-time.Hour, -time.Hour - 4*time.Minute, true},
	} {
		r := p.Report(-tt.scanned)
		text, err := json.Marshal(r)
		if err != nil {
			t.Fatal(err)
		}
		v := attest.Verified{PredicateType: intoto.ScanType, Predicate: text}
		if tt.signed != 0 {
			v.SignedAt = now.Add(tt.signed)
		}
		if _, err := statedReport(v, r.Subject, now); (err == nil) != tt.ok {
			t.Errorf("%s: %v", name, err)
		}
	}
	undated := []byte(`{"apiVersion":"bakelite.dev/v1","kind":"Report"}`)
	if _, err := statedReport(attest.Verified{Predicate: undated}, "", now); err == nil {
		t.Error("a report without a date was read")
	}
	if _, err := statedReport(attest.Verified{Predicate: []byte(`{"scanned":1}`)}, "", now); err == nil {
		t.Error("what is no report was read")
	}
}
