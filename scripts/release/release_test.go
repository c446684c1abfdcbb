package main

import (
	"archive/zip"
	"bytes"
	"debug/buildinfo"
	"encoding/json"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"
)

// shared is what the tests look at.
var shared = struct {
	sync.Once
	dir string
}{}

// packed is the folder of one release.
func packed(t *testing.T) string {
	t.Helper()
	shared.Do(func() {
		dir, err := os.MkdirTemp("", "release-test-")
		if err != nil {
			t.Fatal(err)
		}
		shared.dir = dir
		t.Run("pack", func(t *testing.T) { pack(t, dir) })
	})
	return shared.dir
}

func TestMain(m *testing.M) {
	code := m.Run()
	_ = os.RemoveAll(shared.dir)
	os.Exit(code)
}

// pack packs this test's own program in place of both.
func pack(t *testing.T, out string) {
	t.Helper()
	self, err := os.Executable()
	if err != nil {
		t.Fatal(err)
	}
	program, err := os.ReadFile(self)
	if err != nil {
		t.Fatal(err)
	}
	from := t.TempDir()
	for _, name := range []string{"bakelite", "bakelite-scan", "packer-plugin-bakelite"} {
		if err := os.WriteFile(filepath.Join(from, name), program, 0o755); err != nil {
			t.Fatal(err)
		}
	}
	t.Chdir("../..")
	r := release{version: "1.2.3-rc1", arch: "amd64", epoch: time.Unix(1700000000, 0).UTC()}
	const described = `{"version":"1.2.3-dev","sdk_version":"0.6.4","api_version":"x5.0","builders":["disk"]}`
	if err := r.pack(described, from, out); err != nil {
		t.Fatal(err)
	}
}

func run(t *testing.T, dir, name string, args ...string) string {
	t.Helper()
	c := exec.Command(name, args...)
	c.Dir = dir
	out, err := c.CombinedOutput()
	if err != nil {
		t.Fatalf("%s %q: %v\n%s", name, args, err, out)
	}
	return string(out)
}

// TestSameBytes packs twice, at another place: the same bytes, which are what
// SHA256SUMS says.
func TestSameBytes(t *testing.T) {
	one, two := packed(t), t.TempDir()
	t.Run("again", func(t *testing.T) { pack(t, two) })
	entries, err := os.ReadDir(one)
	if err != nil || len(entries) != 6 {
		t.Fatalf("%d files, %v", len(entries), err)
	}
	for _, e := range entries {
		a, err := os.ReadFile(filepath.Join(one, e.Name()))
		if err != nil {
			t.Fatal(err)
		}
		if b, err := os.ReadFile(filepath.Join(two, e.Name())); err != nil || !bytes.Equal(a, b) {
			t.Errorf("%s differs the second time (%v)", e.Name(), err)
		}
	}
	if out := run(t, one, "sha256sum", "--check", "SHA256SUMS"); strings.Count(out, ": OK") != 5 {
		t.Errorf("sha256sum says %s", out)
	}
}

// TestDebianReadsIt has dpkg read the package, and tar the archive.
func TestDebianReadsIt(t *testing.T) {
	out := packed(t)
	deb := "bakelite_1.2.3~rc1_amd64.deb"
	fields := run(t, out, "dpkg-deb", "--field", deb)
	for _, want := range []string{"Version: 1.2.3~rc1\n", "Architecture: amd64\n", "Depends: runc, qemu-system-x86, ovmf, ca-certificates\n", "Recommends: rootlesskit, uidmap\n"} {
		if !strings.Contains(fields, want) {
			t.Errorf("it lacks %q:\n%s", want, fields)
		}
	}
	root := t.TempDir()
	run(t, out, "dpkg", "--root", root, "--force-not-root", "--force-depends", "--force-script-chrootless", "--log=/dev/null", "--install", deb)
	info, err := os.Stat(filepath.Join(root, "usr/bin/bakelite"))
	if err != nil || info.Mode().Perm() != 0o755 || info.ModTime().Unix() != 1700000000 {
		t.Errorf("installed is %v, %v", info, err)
	}
	if said := run(t, out, "dpkg", "--root", root, "--verify", "bakelite"); said != "" {
		t.Errorf("dpkg finds changed: %s", said)
	}
	listed := run(t, out, "tar", "-tzf", "bakelite_1.2.3-rc1_linux_amd64.tar.gz")
	if listed != "bakelite_1.2.3-rc1_linux_amd64/\nbakelite_1.2.3-rc1_linux_amd64/bakelite\nbakelite_1.2.3-rc1_linux_amd64/bakelite-scan\nbakelite_1.2.3-rc1_linux_amd64/LICENSE\n" {
		t.Errorf("the archive has\n%s", listed)
	}
}

// TestPackerFindsThePlugin holds the archive to what packer init asks of a
// release: names, one program in it, and a list of digests of its own.
func TestPackerFindsThePlugin(t *testing.T) {
	out := packed(t)
	const name = "packer-plugin-bakelite_v1.2.3-dev_x5.0_linux_amd64"
	archive, err := zip.OpenReader(filepath.Join(out, name+".zip"))
	if err != nil {
		t.Fatal(err)
	}
	defer archive.Close()
	if f := archive.File[0]; len(archive.File) != 1 || f.Name != name || f.Mode().Perm() != 0o755 || f.Modified.Unix() != 1700000000 || f.UncompressedSize64 == 0 {
		t.Errorf("it holds %d files, the first %s with %v of %v", len(archive.File), f.Name, f.Mode(), f.Modified)
	}
	if said := run(t, out, "sha256sum", "--check", "packer-plugin-bakelite_v1.2.3-dev_SHA256SUMS"); said != name+".zip: OK\n" {
		t.Errorf("sha256sum says %s", said)
	}
	for _, described := range []string{"", "{}", `{"version":"1.2.3-rc1","api_version":"x5.0"}`, `{"version":"1.2.3","api_version":"5"}`, `{"version":"1.2.3/../x","api_version":"x5.0"}`} {
		if p, err := readPlugin(described); err == nil {
			t.Errorf("%s is read as %+v", described, p)
		}
	}
}

// TestSBOMNamesModules compares the SBOM with what the compiler noted.
func TestSBOMNamesModules(t *testing.T) {
	out := packed(t)
	text, err := os.ReadFile(filepath.Join(out, "bakelite_1.2.3-rc1_linux_amd64.cdx.json"))
	if err != nil {
		t.Fatal(err)
	}
	var made struct{ Components []component }
	if err := json.Unmarshal(text, &made); err != nil {
		t.Fatal(err)
	}
	self, err := os.Executable()
	if err != nil {
		t.Fatal(err)
	}
	info, err := buildinfo.ReadFile(self)
	if err != nil || len(made.Components) != 3+len(info.Deps) {
		t.Errorf("%d components of %d modules, %v", len(made.Components), len(info.Deps), err)
	}
	if !strings.Contains(string(text), `"purl": "pkg:golang/stdlib@`+strings.TrimPrefix(info.GoVersion, "go")) {
		t.Error("Go's own library is not in it")
	}
}
