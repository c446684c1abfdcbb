//go:build goexperiment.jsonv2

package trivy

import (
	"archive/zip"
	"bytes"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/bakelite/bakelite/internal/fault"
	"github.com/bakelite/bakelite/scan/child/wire"
	"github.com/bakelite/bakelite/scan/trivy/content/made"
	"github.com/bakelite/bakelite/scan/trivy/testdb"
)

func jar(t *testing.T) string {
	t.Helper()
	var b bytes.Buffer
	w := zip.NewWriter(&b)
	f, err := w.Create("META-INF/maven/org.example/thing/pom.properties")
	if err == nil {
		_, err = f.Write([]byte("groupId=org.example\nartifactId=thing\nversion=1.0\n"))
	}
	if err == nil {
		err = w.Close()
	}
	if err != nil {
		t.Fatal(err)
	}
	return b.String()
}

func TestVersionIsThatOfTheModule(t *testing.T) {
	text, err := os.ReadFile("../../go.mod")
	if err != nil || !strings.Contains(string(text), "github.com/aquasecurity/trivy v"+Version+"\n") {
		t.Errorf("go.mod does not name trivy %s: %v", Version, err)
	}
}

// TestAgain scans twice with a cache: the same documents, and no second walk;
// then with a broken entry, and from the SBOMs.
func TestAgain(t *testing.T) {
	dir := t.TempDir()
	db := database(t, dir)
	image, cache := filepath.Join(dir, "image"), filepath.Join(dir, "cache")
	if err := os.Mkdir(cache, 0o755); err != nil {
		t.Fatal(err)
	}
	digest := made.Image(t, image, made.Gzip(t, made.Tar(t, oldDebian(t))))
	req := wire.Request{Roots: []wire.Root{{Name: "app", Kind: wire.Image, Path: image, Digest: digest}}, Database: db, Cache: cache, Now: now()}
	first := scanOne(t, req, 0)
	second := scanOne(t, req, 1)
	entries, err := filepath.Glob(filepath.Join(cache, "*.json"))
	if err != nil || len(entries) != 1 {
		t.Fatalf("cache has %v, %v", entries, err)
	}
	if err := os.WriteFile(entries[0], []byte("{}"), 0o644); err != nil {
		t.Fatal(err)
	}
	third := scanOne(t, req, 0)
	for _, other := range []wire.Result{second, third} {
		if !bytes.Equal(first.CycloneDX, other.CycloneDX) || !bytes.Equal(first.SPDX, other.SPDX) {
			t.Error("the documents of the same image differ")
		}
	}
	want := weSee(first.Report)
	for name, text := range map[string][]byte{"cdx.json": first.CycloneDX, "spdx.json": first.SPDX} {
		file := filepath.Join(dir, name)
		if err := os.WriteFile(file, text, 0o644); err != nil {
			t.Fatal(err)
		}
		req.Roots = []wire.Root{{Name: "app", Kind: wire.SBOM, Path: file, Digest: made.Digest(text), Subject: digest, ArtifactKind: "container"}}
		got := weSee(scanOne(t, req, 0).Report)
		if findings(got) != findings(want) {
			t.Errorf("%s:\n%s\nwant\n%s", name, findings(got), findings(want))
		}
	}
}

func findings(lines []string) string {
	var only []string
	for _, l := range lines {
		if strings.HasPrefix(l, "finding") {
			only = append(only, l)
		}
	}
	return strings.Join(only, "\n")
}

func scanOne(t *testing.T, req wire.Request, cached int) wire.Result {
	t.Helper()
	results, err := Scan(t.Context(), req)
	if err != nil {
		t.Fatal(err)
	}
	if len(results) != 1 || results[0].Cached != cached || len(results[0].Report.Findings) == 0 {
		t.Fatalf("%d results, %d cached, %d findings", len(results), results[0].Cached, len(results[0].Report.Findings))
	}
	return results[0]
}

func TestDatabaseIsRefused(t *testing.T) {
	dir := t.TempDir()
	good := database(t, dir)
	empty := filepath.Join(dir, "empty")
	if err := testdb.Write(empty, now(), nil); err != nil {
		t.Fatal(err)
	}
	broken := filepath.Join(dir, "broken")
	made.Folder(t, broken, made.Tree{"trivy.db": strings.Repeat("x", 1<<16), "metadata.json": `{"Version":2,"UpdatedAt":"2026-11-24T00:00:00Z"}`})
	nameless := filepath.Join(dir, "nameless")
	made.Folder(t, nameless, made.Tree{"trivy.db": ""})
	tests := []struct {
		name string
		db   wire.Database
		at   time.Time
		kind fault.Kind
		text string
	}{
		{"missing", wire.Database{Folder: filepath.Join(dir, "no")}, now(), fault.Missing, "no such file"},
		{"no metadata", wire.Database{Folder: nameless}, now(), fault.Missing, "metadata.json"},
		{"empty", wire.Database{Folder: empty}, now(), fault.Integrity, "empty"},
		{"broken", wire.Database{Folder: broken}, now(), fault.Integrity, "database"},
		{"stale", good, now().Add(169 * time.Hour), fault.Integrity, "old"},
		{"too old for the policy", wire.Database{Folder: good.Folder, MaxAge: time.Hour}, now().Add(2 * time.Hour), fault.Integrity, "old"},
		{"from the future", good, now().Add(-48 * time.Hour), fault.Integrity, "future"},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			_, err := Scan(t.Context(), wire.Request{Database: test.db, Now: test.at})
			if fault.KindOf(err) != test.kind || err == nil || !strings.Contains(err.Error(), test.text) {
				t.Errorf("kind %d: %v", fault.KindOf(err), err)
			}
		})
	}
}
