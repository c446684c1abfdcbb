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
	"github.com/bakelite/bakelite/scan/content/made"
	"github.com/bakelite/bakelite/scan/protocol"
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
// then with a broken entry, one of another maker, and from the SBOMs.
func TestAgain(t *testing.T) {
	dir := t.TempDir()
	db := database(t, dir)
	image, file := filepath.Join(dir, "image"), filepath.Join(dir, "entry")
	digest := made.Image(t, image, made.Gzip(t, made.Tar(t, oldDebian(t))))
	req := protocol.Request{Roots: []protocol.Root{{Name: "app", Kind: protocol.Image, Path: image, Digest: digest}}, Database: db, Now: now()}
	req.Known = [][]protocol.Known{{{Name: "layer", Path: file}}}
	first, entry := scanOne(t, req, 0)
	if entry.Name != "layer" || entry.Maker == "" || bytes.Contains(entry.Body, []byte("sha256:")) {
		t.Fatalf("entry %q by %q, or it holds words of the image", entry.Name, entry.Maker)
	}
	other := entry
	other.Maker = strings.Repeat("0", 64)
	for name, test := range map[string]struct {
		text   []byte
		cached int
	}{
		"whole": {entry.Text(), 1}, "broken": {append(entry.Text(), ' '), 0}, "cut": {entry.Text()[:200], 0}, "another maker's": {other.Text(), 0},
	} {
		if err := os.WriteFile(file, test.text, 0o644); err != nil {
			t.Fatal(err)
		}
		again, _ := scanOne(t, req, test.cached)
		if !bytes.Equal(first.CycloneDX, again.CycloneDX) || !bytes.Equal(first.SPDX, again.SPDX) {
			t.Errorf("%s: the documents of the same image differ", name)
		}
	}
	want := weSee(first.Report)
	req.Known = nil
	for name, text := range map[string][]byte{"cdx.json": first.CycloneDX, "spdx.json": first.SPDX} {
		file := filepath.Join(dir, name)
		if err := os.WriteFile(file, text, 0o644); err != nil {
			t.Fatal(err)
		}
		req.Roots = []protocol.Root{{Name: "app", Kind: protocol.SBOM, Path: file, Digest: made.Digest(text), Subject: digest, ArtifactKind: "container"}}
		again, _ := scanOne(t, req, 0)
		if got := weSee(again.Report); findings(got) != findings(want) {
			t.Errorf("%s:\n%s\nwant\n%s", name, findings(got), findings(want))
		}
	}
}

// TestEntryComesBeforeTheNextTree breaks the second layer when the first one's
// entry comes: a layer that takes the scanner over is too late for the entries
// before it.
func TestEntryComesBeforeTheNextTree(t *testing.T) {
	dir := t.TempDir()
	image := filepath.Join(dir, "image")
	second := made.Gzip(t, made.Tar(t, made.Tree{"a": "b"}))
	digest := made.Image(t, image, made.Gzip(t, made.Tar(t, made.Debian())), second)
	req := protocol.Request{Roots: []protocol.Root{{Name: "app", Kind: protocol.Image, Path: image, Digest: digest}}, Database: database(t, dir), Now: now()}
	req.Known = [][]protocol.Known{{{Name: "first"}, {Name: "second"}}}
	var kept []string
	_, err := Scan(t.Context(), req, func(e protocol.Entry) error {
		kept = append(kept, e.Name)
		return os.WriteFile(made.Blob(image, made.Digest(second.Packed)), []byte("broken"), 0o644)
	})
	if fault.KindOf(err) != fault.Integrity || len(kept) != 1 || kept[0] != "first" {
		t.Errorf("kept %q, %v", kept, err)
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

func scanOne(t *testing.T, req protocol.Request, cached int) (protocol.Result, protocol.Entry) {
	t.Helper()
	var entry protocol.Entry
	results, err := Scan(t.Context(), req, func(e protocol.Entry) error { entry = e; return nil })
	if err != nil {
		t.Fatal(err)
	}
	if len(results) != 1 || results[0].Cached != cached || len(results[0].Report.Findings) == 0 {
		t.Fatalf("%d results, %d cached, %d findings", len(results), results[0].Cached, len(results[0].Report.Findings))
	}
	return results[0], entry
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
		db   protocol.Database
		at   time.Time
		kind fault.Kind
		text string
	}{
		{"missing", protocol.Database{Folder: filepath.Join(dir, "no")}, now(), fault.Missing, "no such file"},
		{"no metadata", protocol.Database{Folder: nameless}, now(), fault.Missing, "metadata.json"},
		{"empty", protocol.Database{Folder: empty}, now(), fault.Integrity, "empty"},
		{"broken", protocol.Database{Folder: broken}, now(), fault.Integrity, "database"},
		{"stale", good, now().Add(169 * time.Hour), fault.Integrity, "old"},
		{"too old for the policy", protocol.Database{Folder: good.Folder, MaxAge: time.Hour}, now().Add(2 * time.Hour), fault.Integrity, "old"},
		{"from the future", good, now().Add(-48 * time.Hour), fault.Integrity, "future"},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			_, err := Scan(t.Context(), protocol.Request{Database: test.db, Now: test.at}, nil)
			if fault.KindOf(err) != test.kind || err == nil || !strings.Contains(err.Error(), test.text) {
				t.Errorf("kind %d: %v", fault.KindOf(err), err)
			}
		})
	}
}
