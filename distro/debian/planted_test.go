package debian_test

import (
	"bytes"
	"crypto/sha256"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/bakelite/bakelite/distro/debian"
	"github.com/bakelite/bakelite/distro/debian/archivetest"
	"github.com/bakelite/bakelite/distro/debian/catalog"
)

// TestPlantedCatalog has somebody who can write to the cache say of an index
// that it has no update, before anybody read it and afterwards.
func TestPlantedCatalog(t *testing.T) {
	a := newLocalArchive(t, demo()...)
	a.Release("trixie-security", archivetest.Release{Date: released.Add(time.Hour)}, archivetest.Package{Name: "zlib1g", Version: "1:1.3-2+deb13u2"})
	dir := t.TempDir()
	o := debian.Options{Cache: dir, Keyring: a.Keyring()}
	old := catalog.Package{Name: "zlib1g", Version: "1:1.3-2+deb13u1", Arch: "amd64", SHA256: strings.Repeat("x", sha256.Size)}
	var lie bytes.Buffer
	if err := catalog.Write(&lie, []catalog.Package{old}); err != nil {
		t.Fatal(err)
	}
	plant := func(packages string) {
		t.Helper()
		path := filepath.Join(dir, "catalog", packages+"."+catalog.Form)
		if err := os.MkdirAll(filepath.Dir(path), 0o700); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(path, lie.Bytes(), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	_, packages, _ := strings.Cut(string(a.Files["dists/trixie-security/InRelease"]), "SHA256:\n ")
	if !strings.Contains(strings.SplitN(packages, "\n", 2)[0], "/Packages") {
		t.Fatalf("no digest of Packages in %s", packages)
	}
	packages = packages[:2*sha256.Size]
	for _, when := range []string{"before", "afterwards"} {
		plant(packages)
		if got := versionsOf(now(t, a.client(o)).Sources[2], "zlib1g"); got != "1:1.3-2+deb13u2" {
			t.Errorf("planted %s: the suite has %s", when, got)
		}
	}
	plant(packages)
	delete(a.Files, "dists/trixie-security/InRelease")
	if s := now(t, a.client(o)).Sources[2]; s.Err == nil || s.Packages != nil {
		t.Errorf("planted, and the suite cannot be read: it has %s (%v)", versionsOf(s, "zlib1g"), s.Err)
	}
}

// TestPlantedFirsts has them say that an update came only just now, so that it
// has to cool down for ever: what others wrote is not known.
func TestPlantedFirsts(t *testing.T) {
	a := newLocalArchive(t, demo()...)
	dir := t.TempDir()
	o := debian.Options{Cache: dir, Keyring: a.Keyring()}
	now(t, a.client(o))
	a.Release("trixie-security", archivetest.Release{Date: released.Add(time.Hour)}, archivetest.Package{Name: "zlib1g", Version: "1:1.3-2+deb13u2"})
	if first, ok := now(t, a.client(o)).Sources[2].First("zlib1g", "1:1.3-2+deb13u2"); !ok || !first.Published.Equal(released.Add(time.Hour)) {
		t.Fatalf("it came at %+v, %v", first, ok)
	}
	path := filepath.Join(dir, "seen", "debian-security_trixie-security_amd64.came.json")
	text, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	lie := strings.ReplaceAll(string(text), `"published":"2026`, `"published":"2036`)
	if lie == string(text) {
		t.Fatalf("nothing to change in %s", text)
	}
	if err := os.WriteFile(path, []byte(lie), 0o600); err != nil {
		t.Fatal(err)
	}
	if first, ok := now(t, a.client(o)).Sources[2].First("zlib1g", "1:1.3-2+deb13u2"); ok {
		t.Errorf("it came at %+v", first)
	}
}
