package pipelines

import (
	"archive/tar"
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"io"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/opencontainers/go-digest"

	"github.com/bakelite/bakelite/builders"
	"github.com/bakelite/bakelite/builders/engine"
	"github.com/bakelite/bakelite/internal/attest"
	"github.com/bakelite/bakelite/internal/oci"
	"github.com/bakelite/bakelite/internal/policy"
	"github.com/bakelite/bakelite/internal/registry"
	"github.com/bakelite/bakelite/scan"
	"github.com/bakelite/bakelite/scan/gate"
)

// past is a small publisher: a key, a repository and an image.
type past struct {
	t          *testing.T
	key        attest.Key
	dir        string // holds release.pub
	repository string
	content    registry.Content
}

func newPast(t *testing.T) past {
	t.Helper()
	p := past{t: t, dir: t.TempDir(), repository: registry.LayoutPrefix + filepath.Join(t.TempDir(), "web")}
	private, public, err := attest.GenerateKey(nil)
	if err == nil {
		p.key, err = attest.ParseKey(private, nil)
	}
	if err == nil {
		err = os.WriteFile(filepath.Join(p.dir, "release.pub"), public, 0o600)
	}
	if err != nil {
		t.Fatal(err)
	}
	var layer bytes.Buffer
	if err := tar.NewWriter(&layer).Close(); err != nil {
		t.Fatal(err)
	}
	layout := t.TempDir()
	made, err := oci.WriteImage(layout, "linux/amd64", func() (io.ReadCloser, error) { return io.NopCloser(bytes.NewReader(layer.Bytes())), nil })
	if err == nil {
		p.content, err = registry.Image(layout, made)
	}
	if err != nil {
		t.Fatal(err)
	}
	return p
}

// report is one that was made some time ago.
func (p past) report(age time.Duration) scan.Report {
	at := time.Now().UTC().Truncate(time.Second).Add(-age)
	subject := p.content.Manifest.Digest.String()
	return scan.Report{
		APIVersion: scan.APIVersion, Kind: "Report", Subject: subject, ArtifactKind: builders.Container, Scanned: at,
		OS: scan.OS{Family: "debian", Name: "13.2"}, Database: scan.Database{Ref: "db", Digest: subject, Updated: at.Add(-time.Hour)},
		Packages: []scan.Package{}, Secrets: []scan.Secret{},
		Findings: []scan.Finding{{ID: "CVE-2026-1", Package: "openssl", Type: "debian", Version: "1", Severity: scan.High}},
	}
}

// publish publishes the image with statements, an SBOM of another type first.
func (p past) publish(key attest.Key, reports ...scan.Report) {
	p.t.Helper()
	judged := p.report(0)
	judged.Findings = nil
	_, passed, ok := gate.Judge(gate.Input{App: "web", ArtifactKind: builders.Container, Digest: judged.Subject, Report: &judged, Now: time.Now(), Tests: gate.Tests{Passed: 1}})
	if !ok {
		p.t.Fatal("the gate did not let it through")
	}
	order := attest.Order{
		Passed: passed, Subject: attest.Subject{Name: "web", Digest: judged.Subject}, Statements: []attest.Statement{attest.CycloneDX([]byte(`{"bomFormat":"CycloneDX"}`))},
		Want: attest.All{Verify: policy.Verify{WithoutProvenance: true, WithoutVerdict: true}, Now: time.Now()},
	}
	for _, r := range reports {
		order.Statements = append(order.Statements, attest.Scan(r))
	}
	signed, err := attest.Sign(p.t.Context(), order, attest.ByKey(key))
	if err != nil {
		p.t.Fatal(err)
	}
	store, _, err := registry.Open(p.repository, registry.Options{})
	if err == nil {
		_, err = registry.Publish(p.t.Context(), store, registry.Publication{Content: p.content, Signed: signed, Tags: []string{registry.Tag}})
	}
	if err != nil {
		p.t.Fatal(err)
	}
}

func (p past) kitchen() Kitchen {
	p.t.Helper()
	progress, err := engine.NewProgress(io.Discard, "quiet")
	if err != nil {
		p.t.Fatal(err)
	}
	p.t.Cleanup(progress.Close)
	return Kitchen{Progress: progress, Policy: policy.Policy{
		Dir: p.dir, Verify: policy.Verify{SignedBy: []policy.Signer{{Key: "release.pub"}}},
		Gate: policy.Gate{Vulnerabilities: policy.Vulnerabilities{GraceDays: map[string]int{"high": 30}}},
	}}
}

func (p past) subject() subject {
	return subject{name: "container", kind: builders.Container, repository: p.repository, content: p.content}
}

// TestEarlierReport reads what was published before, of which only the
// newest report by an allowed signer counts.
func TestEarlierReport(t *testing.T) {
	changed := func(p past, change func(*scan.Report)) scan.Report {
		r := p.report(time.Hour)
		change(&r)
		return r
	}
	many := func(p past, n int) (all []scan.Report) {
		for i := range n {
			all = append(all, p.report(time.Duration(i+1)*time.Hour))
		}
		return all
	}
	for name, tt := range map[string]struct {
		before func(past, *Kitchen, *subject)
		age    time.Duration // of the report that counts; 0 for none
		err    string
	}{
		"nothing there":   {func(past, *Kitchen, *subject) {}, 0, ""},
		"one report":      {func(p past, _ *Kitchen, _ *subject) { p.publish(p.key, p.report(time.Hour)) }, time.Hour, ""},
		"newer and older": {func(p past, _ *Kitchen, _ *subject) { p.publish(p.key, p.report(time.Hour), p.report(2*time.Hour)) }, time.Hour, ""},
		"older and newer": {func(p past, _ *Kitchen, _ *subject) { p.publish(p.key, p.report(2*time.Hour), p.report(time.Hour)) }, time.Hour, ""},
		"published again": {func(p past, _ *Kitchen, _ *subject) {
			p.publish(p.key, p.report(2*time.Hour))
			p.publish(p.key, p.report(time.Hour))
		}, time.Hour, ""},
		"as many as are read": {func(p past, _ *Kitchen, _ *subject) { p.publish(p.key, many(p, maxReports)...) }, time.Hour, ""},
		"one more":            {func(p past, _ *Kitchen, _ *subject) { p.publish(p.key, many(p, maxReports+1)...) }, 0, "more than 32 reports"},
		"another key":         {func(p past, _ *Kitchen, _ *subject) { p.publish(newPast(p.t).key, p.report(time.Hour)) }, 0, "not signed by an allowed key"},
		"another key's newer one beside it": {func(p past, _ *Kitchen, _ *subject) {
			p.publish(p.key, p.report(2*time.Hour))
			p.publish(newPast(p.t).key, p.report(time.Hour))
		}, 2 * time.Hour, ""},
		"no report": {func(p past, _ *Kitchen, _ *subject) { p.publish(p.key) }, 0, "no scan report is attached"},
		"the policy names nobody": {func(p past, k *Kitchen, _ *subject) {
			p.publish(p.key, p.report(time.Hour))
			k.Policy.Verify.SignedBy = nil
		}, 0, "verify.signedBy"},
		"nobody, and nothing there": {func(_ past, k *Kitchen, _ *subject) { k.Policy.Verify.SignedBy = nil }, 0, ""},
		"a key that is not there": {func(p past, k *Kitchen, _ *subject) {
			p.publish(p.key, p.report(time.Hour))
			k.Policy.Dir = p.t.TempDir()
		}, 0, "release.pub"},
		"for a disk": {func(p past, _ *Kitchen, s *subject) {
			p.publish(p.key, p.report(time.Hour))
			s.kind = builders.Disk
		}, 0, `about a "container"`},
		"about another digest": {func(p past, _ *Kitchen, _ *subject) {
			p.publish(p.key, changed(p, func(r *scan.Report) { r.Subject = "sha256:" + strings.Repeat("0", 64) }))
		}, 0, "is about"},
		"of another form": {func(p past, _ *Kitchen, _ *subject) {
			p.publish(p.key, changed(p, func(r *scan.Report) { r.Kind = "Verdict" }))
		}, 0, "of the form"},
		"of a database yet to come": {func(p past, _ *Kitchen, _ *subject) {
			p.publish(p.key, changed(p, func(r *scan.Report) { r.Database.Updated = r.Scanned.Add(time.Hour) }))
		}, 0, "by a database of"},
		"an older report, and a newer one with a broken signature": {func(p past, _ *Kitchen, _ *subject) {
			p.publish(p.key, p.report(2*time.Hour))
			p.attach(bytes.Replace(p.bundle(attest.ScanType), []byte(`"sig":"M`), []byte(`"sig":"N`), 1))
		}, 0, "signature does not hold"},
		"an SBOM passed off as a report": {func(p past, _ *Kitchen, _ *subject) {
			p.publish(p.key, p.report(time.Hour))
			p.attach(p.bundle(attest.CycloneDXType))
		}, time.Hour, ""},
		"a changed byte": {func(p past, _ *Kitchen, _ *subject) {
			p.publish(p.key, p.report(time.Hour))
			p.spoil()
		}, 0, "no evidence"},
	} {
		t.Run(name, func(t *testing.T) {
			p := newPast(t)
			k, s := p.kitchen(), p.subject()
			tt.before(p, &k, &s)
			r, err := k.earlierReport(t.Context(), s)
			if (err != nil) != (tt.err != "") || err != nil && (!strings.Contains(err.Error(), tt.err) || !strings.Contains(err.Error(), p.repository)) {
				t.Fatalf("error %v, want %q", err, tt.err)
			}
			if r.Scanned.IsZero() != (tt.age == 0) || tt.age != 0 && time.Since(r.Scanned).Round(time.Hour) != tt.age {
				t.Errorf("the report is of %s, want an age of %s", r.Scanned, tt.age)
			}
		})
	}
}

// blob is the file with the bundle that states something.
func (p past) blob(kind string) string {
	p.t.Helper()
	found, err := filepath.Glob(filepath.Join(strings.TrimPrefix(p.repository, registry.LayoutPrefix), "blobs/sha256/*"))
	if err != nil {
		p.t.Fatal(err)
	}
	for _, path := range found {
		text, err := os.ReadFile(path)
		if err != nil {
			p.t.Fatal(err)
		}
		if v, err := attest.Unverified(text); err == nil && v.PredicateType == kind {
			return path
		}
	}
	p.t.Fatalf("nothing states %s", kind)
	return ""
}

func (p past) bundle(kind string) []byte {
	p.t.Helper()
	text, err := os.ReadFile(p.blob(kind))
	if err != nil {
		p.t.Fatal(err)
	}
	return text
}

// spoil changes a byte of the blob that holds the report's bundle.
func (p past) spoil() {
	p.t.Helper()
	path, text := p.blob(attest.ScanType), p.bundle(attest.ScanType)
	text[len(text)/2] ^= 1
	if err := errors.Join(os.Remove(path), os.WriteFile(path, text, 0o600)); err != nil {
		p.t.Fatal(err)
	}
}

// attach says of the image what a bundle says, as if it were a report.
func (p past) attach(bundle []byte) {
	p.t.Helper()
	m := p.content.Manifest
	manifest, blobs, err := attest.Manifest(attest.Bundle{PredicateType: attest.ScanType, JSON: bundle}, attest.Descriptor{MediaType: m.MediaType, Digest: m.Digest.String(), Size: m.Size})
	if err != nil {
		p.t.Fatal(err)
	}
	store, _, err := registry.Open(p.repository, registry.Options{})
	if err != nil {
		p.t.Fatal(err)
	}
	described := func(b attest.Blob) registry.Descriptor {
		return registry.Descriptor{MediaType: b.MediaType, Digest: digest.Digest(b.Digest), Size: b.Size}
	}
	for _, b := range blobs {
		open := func(context.Context) (io.ReadCloser, error) { return io.NopCloser(bytes.NewReader(b.Content)), nil }
		if err := store.PutBlob(p.t.Context(), registry.Blob{Descriptor: described(b), Open: open}); err != nil {
			p.t.Fatal(err)
		}
	}
	_, err = store.PutManifest(p.t.Context(), registry.Manifest{Descriptor: described(manifest), Content: manifest.Content})
	if err == nil {
		err = store.Attach(p.t.Context(), m.Digest, []registry.Descriptor{described(manifest)})
	}
	if err != nil {
		p.t.Fatal(err)
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
	p := newPast(t)
	p.publish(p.key, p.report(time.Hour))
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
		"a large bundle":              {func(*registry.Descriptor) {}, func(m map[string]any) { layers(m)["size"] = maxEvidence + 1 }, 1, 0, "more than 67108864 bytes"},
		"a bundle of negative size":   {func(*registry.Descriptor) {}, func(m map[string]any) { layers(m)["size"] = -1 }, 1, 0, "more than 67108864 bytes"},
		"a layer of another type":     {func(*registry.Descriptor) {}, func(m map[string]any) { layers(m)["mediaType"] = "text/plain" }, 1, 0, "no scan report is attached"},
		"two layers": {func(*registry.Descriptor) {}, func(m map[string]any) {
			m["layers"] = append(m["layers"].([]any), m["layers"].([]any)...)
		}, 1, 0, "no scan report is attached"},
	} {
		t.Run(name, func(t *testing.T) {
			store, _, err := registry.Open(p.repository, registry.Options{})
			if err != nil {
				t.Fatal(err)
			}
			w := &watched{Reader: store, list: tt.list, layer: tt.layer}
			k := p.kitchen()
			r, err := k.newestReport(t.Context(), w, p.content.Manifest)
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
	p := newPast(t)
	p.publish(p.key, p.report(time.Hour), p.report(2*time.Hour))
	store, _, err := registry.Open(p.repository, registry.Options{})
	if err != nil {
		t.Fatal(err)
	}
	w := &watched{Reader: store, list: func(*registry.Descriptor) {}}
	w.layer = func(m map[string]any) {
		if w.manifests == 2 {
			m["layers"].([]any)[0].(map[string]any)["size"] = maxEvidence
		}
	}
	k := p.kitchen()
	if _, err := k.newestReport(t.Context(), w, p.content.Manifest); err == nil || !strings.Contains(err.Error(), "more than 67108864 bytes") || w.blobs != 1 {
		t.Errorf("%d blobs were fetched, error %v", w.blobs, err)
	}
}

// TestStatedReportDates: a report is not newer than its signature, nor than
// the clock.
func TestStatedReportDates(t *testing.T) {
	p := newPast(t)
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
		r := p.report(-tt.scanned)
		text, err := json.Marshal(r)
		if err != nil {
			t.Fatal(err)
		}
		v := attest.Verified{PredicateType: attest.ScanType, Predicate: text}
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

// unreachable fails every request and counts them.
type unreachable struct{ requests int }

func (u *unreachable) RoundTrip(*http.Request) (*http.Response, error) {
	u.requests++
	return nil, errors.New("no network in this test")
}

// TestDateFixes dates by what is there, warns of what is not believed, and
// asks nobody where no date is asked for.
func TestDateFixes(t *testing.T) {
	for name, tt := range map[string]struct {
		days     int
		fixed    string
		remote   bool
		dated    bool
		requests bool
	}{
		"a fix since then":         {30, "2", false, true, false},
		"no fix":                   {30, "", false, false, false},
		"no days of grace":         {0, "2", false, false, false},
		"out of reach":             {30, "2", true, false, true},
		"out of reach, no days":    {0, "2", true, false, false},
		"out of reach, and no fix": {30, "", true, false, false},
	} {
		t.Run(name, func(t *testing.T) {
			p := newPast(t)
			p.publish(p.key, p.report(time.Hour))
			k, s, u := p.kitchen(), p.subject(), &unreachable{}
			k.Policy.Gate.Vulnerabilities.GraceDays["high"] = tt.days
			k.Registry = registry.Options{Transport: u, FirstWait: time.Millisecond, MaxWait: time.Millisecond}
			if tt.remote {
				s.repository = "localhost:1/team/web"
			}
			seen := []scanned{{report: p.report(0)}}
			seen[0].report.Findings[0].FixedVersion = tt.fixed
			seen[0].report.Findings[0].FixedSince = time.Now() // by a scanner
			if err := k.dateFixes(t.Context(), []subject{s}, seen); err != nil {
				t.Fatal(err)
			}
			f := seen[0].report.Findings[0]
			if f.FixedSince.IsZero() == tt.dated || tt.dated && !f.FixedSince.Equal(seen[0].report.Database.Updated) {
				t.Errorf("fixed since %s", f.FixedSince)
			}
			if (u.requests > 0) != tt.requests || (seen[0].disbelieved != "") != tt.requests || strings.Contains(seen[0].doubt(), "no evidence") != tt.requests {
				t.Errorf("%d requests; disbelieved for %q", u.requests, seen[0].disbelieved)
			}
		})
	}
}

// TestDateFixesStops where the command does.
func TestDateFixesStops(t *testing.T) {
	p := newPast(t)
	k, s := p.kitchen(), p.subject()
	k.Registry = registry.Options{Transport: &unreachable{}}
	s.repository = "localhost:1/team/web"
	seen := []scanned{{report: p.report(0)}}
	seen[0].report.Findings[0].FixedVersion = "2"
	ctx, stop := context.WithCancel(t.Context())
	stop()
	if err := k.dateFixes(ctx, []subject{s}, seen); !errors.Is(err, context.Canceled) {
		t.Errorf("error %v", err)
	}
}
