package pipelines

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/bakelite/bakelite/internal/app"
	"github.com/bakelite/bakelite/internal/artifact"
	"github.com/bakelite/bakelite/internal/fault"
	"github.com/bakelite/bakelite/internal/lock"
	"github.com/bakelite/bakelite/internal/oci"
	"github.com/bakelite/bakelite/internal/policy"
	"github.com/bakelite/bakelite/internal/registry"
	"github.com/bakelite/bakelite/publish/attest"
	"github.com/bakelite/bakelite/runners/probe"
	"github.com/bakelite/bakelite/scan"
	"github.com/bakelite/bakelite/scan/child"
	"github.com/bakelite/bakelite/scan/database"
	"github.com/bakelite/bakelite/scan/protocol"
)

// booth is what a publication needs, with small real things at its ports: a
// layout, a lock, a key and a shelf. It notes what is asked of it, in order.
type booth struct {
	t      *testing.T
	k      Kitchen
	app    app.App
	built  Built
	asked  []string
	fails  string // what fails
	secret bool   // the scanner sees one
	shelf  string
}

func newBooth(t *testing.T) *booth {
	p, dir := newPast(t), t.TempDir()
	b := &booth{t: t, k: p.kitchen(), app: app.App{Name: "web", Path: filepath.Join(dir, "app.yaml")}, shelf: filepath.Join(t.TempDir(), "shelf")}
	l := smallLock(b.app)
	l.Packages.App = []lock.Pin{{Name: "openssl", Version: "1", Arch: "amd64", Archive: "debian", Path: "pool/openssl.deb", SHA256: strings.Repeat("b", 64), Size: 1}}
	if err := lock.Write(LockPath(b.app), l); err != nil {
		t.Fatal(err)
	}
	b.k.Output, b.k.State, b.k.Platform, b.k.Vouch = t.TempDir(), t.TempDir(), l.Platform, vouchKey(t)
	b.k.Policy = policy.Policy{Dir: p.dir, Verify: policy.Verify{SignedBy: []policy.Signer{{Key: "release.pub"}}}}
	b.k.Publisher = Publisher{
		Scanner: b, Destination: registry.LayoutPrefix + b.shelf, SignerName: "release", Origin: Origin{Builder: "https://bakelite.dev/builder/local"},
		Database: func(context.Context) (database.Database, error) {
			return database.Database{Ref: "db", Digest: digestOf([]byte("db"))}, b.ask("database")
		},
		Signer: func(context.Context) (attest.Signer, error) { return attest.ByKey(p.key), b.ask("signer") },
	}
	made := b.image()
	now := time.Now().UTC().Truncate(time.Second)
	b.built = Built{Receipt: Receipt{
		App: "web", Key: "key", LockDigest: l.Digest(), Bakelite: "1", Started: now, Made: now, Artifacts: []artifact.Artifact{made},
		Tests: map[string]Tested{artifact.Container: {Results: []probe.Result{{Name: "the page is served", Passed: true}}}},
	}}
	return b
}

// smallLock fits an app without files of its own.
func smallLock(a app.App) *lock.Lock {
	return &lock.Lock{
		APIVersion: lock.APIVersion, Kind: "Lock", App: a.Name, Bakelite: "1", Platform: "linux/amd64", Inputs: inputs(a),
		Distribution: &lock.Distribution{Name: "debian", Release: "13"},
		Archives:     []lock.Archive{{Name: "debian", Suite: "trixie", InRelease: strings.Repeat("a", 64), Date: time.Now().UTC().Truncate(time.Second)}},
	}
}

// image puts an image where a build puts the app's.
func (b *booth) image() artifact.Artifact {
	b.t.Helper()
	layout := b.k.layoutPath("web")
	if err := os.MkdirAll(layout, 0o755); err != nil {
		b.t.Fatal(err)
	}
	digest, err := oci.WriteImage(layout, "linux/amd64", io.NopCloser(bytes.NewReader(make([]byte, 1024)))) // an empty tar
	if err != nil {
		b.t.Fatal(err)
	}
	return artifact.Artifact{Kind: artifact.Container, Format: "layout", Path: layout, Digest: digest, Platform: "linux/amd64"}
}

func (b *booth) ask(what string) error {
	b.asked = append(b.asked, what)
	if what == b.fails {
		return fmt.Errorf("%s: out of order", what)
	}
	return nil
}

func (b *booth) Scan(_ context.Context, r child.Request) ([]protocol.Result, error) {
	report := scan.Report{
		APIVersion: scan.APIVersion, Kind: "Report", Scanned: r.Now, OS: scan.OS{Family: "debian", Name: "13.2"},
		Database: scan.Database{Ref: r.Database.Ref, Digest: r.Database.Digest, Updated: r.Now.Add(-time.Hour)},
		Packages: []scan.Package{{Type: "debian", Name: "openssl", Version: "1", Arch: "amd64"}}, Secrets: []scan.Secret{}, Findings: []scan.Finding{},
	}
	if b.secret {
		report.Secrets = []scan.Secret{{Path: "/etc/key.pem"}}
	}
	return []protocol.Result{{Report: report, CycloneDX: []byte(`{"bomFormat":"CycloneDX"}`), SPDX: []byte(`{"spdxVersion":"SPDX-2.3"}`)}}, b.ask("scanner")
}

func (b *booth) List(context.Context, []protocol.Root) ([]map[string]string, error) {
	return nil, errors.New("nobody lists while publishing")
}

func (b *booth) Digest(context.Context) (string, error) { return digestOf([]byte("scanner")), nil }

// kept lists what the run left in the output folder, without the layout.
func (b *booth) kept() (names []string) {
	b.t.Helper()
	entries, err := os.ReadDir(b.k.Output)
	if err != nil {
		b.t.Fatal(err)
	}
	for _, e := range entries {
		if !strings.HasPrefix(e.Name(), ".") && e.Name() != "web.oci" {
			names = append(names, e.Name())
		}
	}
	return names
}

// TestOrderOfPublishing has each step fail: what comes after it is never asked
// for, nothing is sent before all is signed, and what was judged is kept.
func TestOrderOfPublishing(t *testing.T) {
	judged := []string{"web.container.cdx.json", "web.container.report.json", "web.container.verdict.json"}
	scanned, signed := []string{"database", "scanner"}, []string{"database", "scanner", "signer"}
	for name, tt := range map[string]struct {
		spoil func(*booth)
		asked []string
		kept  []string
		kind  fault.Kind
		says  string
	}{
		"no database":   {func(b *booth) { b.fails = "database" }, scanned[:1], nil, fault.Internal, "database: out of order"},
		"no scan":       {func(b *booth) { b.fails = "scanner" }, scanned, nil, fault.Internal, "scanner: out of order"},
		"the gate's no": {func(b *booth) { b.secret = true }, scanned, judged, fault.Policy, "web.container.verdict.json"},
		"tests skipped where the policy asks": {func(b *booth) {
			b.built.TestsSkipped = true
		}, scanned, judged, fault.Policy, "tests"},
		"no key":       {func(b *booth) { b.fails = "signer" }, signed, judged, fault.Internal, "signer: out of order"},
		"another lock": {func(b *booth) { b.built.LockDigest = digestOf(nil) }, scanned, nil, fault.Integrity, "is not the lock that was built"},
		"no room on the shelf": {func(b *booth) {
			if err := os.WriteFile(b.shelf, nil, 0o600); err != nil {
				b.t.Fatal(err)
			}
		}, signed, judged, fault.Internal, "not a directory"},
	} {
		t.Run(name, func(t *testing.T) {
			b := newBooth(t)
			tt.spoil(b)
			err := b.k.Publish(t.Context(), b.app, &b.built, PublishOptions{})
			if err == nil || !strings.Contains(err.Error(), tt.says) || fault.KindOf(err) != tt.kind {
				t.Errorf("ended with %v (%v), want %q (%v)", err, fault.KindOf(err), tt.says, tt.kind)
			}
			if !slices.Equal(b.asked, tt.asked) || !slices.Equal(b.kept(), tt.kept) {
				t.Errorf("asked for %q, want %q; kept %q, want %q", b.asked, tt.asked, b.kept(), tt.kept)
			}
			if info, err := os.Stat(b.shelf); err == nil && info.IsDir() {
				t.Error("something was sent")
			}
			if len(b.built.Published) > 0 {
				t.Errorf("published %v", b.built.Published)
			}
		})
	}
}

// TestPublishingAgain: the second time nothing is scanned, and who signs is
// asked for only to tell one key from another, until what was published is no
// longer there.
func TestPublishingAgain(t *testing.T) {
	b := newBooth(t)
	whole := []string{"database", "scanner", "signer"}
	for i, want := range [][]string{whole, {"database", "signer"}, whole} {
		b.asked = nil
		if i == 2 {
			if err := os.RemoveAll(b.shelf); err != nil {
				t.Fatal(err)
			}
		}
		if err := b.k.Publish(t.Context(), b.app, &b.built, PublishOptions{}); err != nil {
			t.Fatal(err)
		}
		if !slices.Equal(b.asked, want) || len(b.built.Published) != 1 || b.built.Published[0].Again != (i == 1) {
			t.Errorf("run %d asked for %q, want %q, and published %+v", i, b.asked, want, b.built.Published)
		}
		if !slices.Contains(b.kept(), "web.publication.json") {
			t.Errorf("run %d kept %q", i, b.kept())
		}
	}
}
