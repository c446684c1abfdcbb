//go:build goexperiment.jsonv2

package trivy

import (
	"archive/tar"
	"archive/zip"
	"bytes"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"maps"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/bakelite/bakelite/scan/content/made"
	"github.com/bakelite/bakelite/scan/protocol"
	"github.com/bakelite/bakelite/scan/secrets"
	"github.com/bakelite/bakelite/scan/trivy/analysis"
)

// key has the form of a private key, and is none.
var key = "-----BEGIN PRIVATE KEY-----\n" + strings.Repeat("Test", 120) + "\n-----END PRIVATE KEY-----\n"

func packed(t *testing.T, name string) string {
	t.Helper()
	return string(made.Gzip(t, made.Tar(t, made.Tree{name: key})).Packed)
}

// largeZip is larger than one in an archive may be, which is kept in memory.
func largeZip(t *testing.T) string {
	t.Helper()
	var b bytes.Buffer
	w := zip.NewWriter(&b)
	filler, err := w.CreateHeader(&zip.FileHeader{Name: "filler", Method: zip.Store})
	if err == nil {
		_, err = filler.Write(make([]byte, 65<<20))
	}
	if err != nil {
		t.Fatal(err)
	}
	f, err := w.Create("key.pem")
	if err == nil {
		_, err = f.Write([]byte(key))
	}
	if err = errors.Join(err, w.Close()); err != nil {
		t.Fatal(err)
	}
	return b.String()
}

// hidingPlaces are 24 files with one key, 16 of which Trivy's own rules pass
// by, and some more.
func hidingPlaces(t *testing.T) made.Tree {
	t.Helper()
	tree := made.Tree{}
	for _, name := range []string{
		"srv/key.pem", "srv/tests/key.pem", "srv/my-test.pem", "srv/examples/key.pem", "srv/README.md", "srv/vendor/key.pem", "srv/locale/key.pem",
		"srv/node_modules/a/key.pem", "srv/a.dist-info/key.pem", "srv/go.sum", "srv/key.jpg", "srv/key.bin", "srv/key.zip", "srv/key.tar",
		"usr/share/app/key.pem", "usr/lib/app/key.pem", "usr/include/key.h", "usr/local/go/key.pem", "usr/local/lib/python3.13/key.pem",
		"opt/yarn-v1.22/key.pem", "usr/src/wordpress/key.pem", "var/log/anaconda/key.pem", "proc/key.pem", "dev/key.pem",
	} {
		tree[name] = key
	}
	tree["srv/nul.pem"] = "\x00" + key
	tree["srv/program"] = "\x7fELF\x02\x01\x01\x00" + strings.Repeat("\x00\x01", 400) + key
	tree["srv/late.log"] = strings.Repeat("nothing\n", 2<<20) + key
	tree["srv/huge.img"] = strings.Repeat("\x00", analysis.InMemory+1000) + key
	tree["srv/large.bin"] = strings.Repeat("\x00", analysis.InMemory+1000) + key + strings.Repeat("\x00", 2<<20)
	return tree
}

// TestKeyInAnyPlace: a private key is found wherever it lies, whatever it is
// called and whatever stands before it, in an image, on a disk and in a folder.
func TestKeyInAnyPlace(t *testing.T) {
	dir := t.TempDir()
	tree := hidingPlaces(t)
	var want []string
	for name := range tree {
		want = append(want, "/"+name)
	}
	tree["srv/key.pem.gz"], tree["srv/backup.tgz"] = string(made.Gzip(t, []byte(key)).Packed), packed(t, "home/me/key.pem")
	tree["srv/large.zip"] = largeZip(t)
	want = append(want, "/srv/key.pem.gz", "/srv/backup.tgz!home/me/key.pem", "/srv/large.zip!key.pem")
	maps.Copy(tree, made.Debian(made.Package("libc6", "2.41-12+deb13u5", "glibc")))
	folder, image, disk := filepath.Join(dir, "tree"), filepath.Join(dir, "image"), filepath.Join(dir, "disk.raw")
	made.Folder(t, folder, tree)
	made.Disk(t, folder, disk, "raw")
	digest := made.Image(t, image, made.Zstd(t, made.Tar(t, tree)))
	results, err := Scan(t.Context(), protocol.Request{Database: database(t, dir), Now: now(), Roots: []protocol.Root{
		{Name: "image", Kind: protocol.Image, Path: image, Digest: digest},
		{Name: "disk", Kind: protocol.Disk, Path: disk},
		{Name: "tree", Kind: protocol.Folder, Path: folder},
	}}, nil)
	if err != nil {
		t.Fatal(err)
	}
	slices.Sort(want)
	for i, r := range results {
		var got []string
		for _, s := range r.Report.Secrets {
			if s.Rule != secrets.PrivateKey || s.Severity != "high" || s.Line == 0 {
				t.Errorf("%+v", s)
			}
			got = append(got, s.Path)
		}
		wanted := want
		if i == 2 { // it may be the root of a system that runs
			wanted = slices.DeleteFunc(slices.Clone(want), func(p string) bool { return p == "/proc/key.pem" || p == "/dev/key.pem" })
		}
		if !slices.Equal(got, wanted) {
			t.Errorf("%s %d:\n got %s\nwant %s", r.Report.ArtifactKind, i, strings.Join(got, "\n     "), strings.Join(wanted, "\n     "))
		}
	}
}

// TestGitFolder: a repository in an artifact is a finding, once, whatever is
// in it, and so is a key in it.
func TestGitFolder(t *testing.T) {
	dir := t.TempDir()
	tree := made.Debian()
	maps.Copy(tree, made.Tree{
		"srv/site/.git/HEAD": "ref: refs/heads/main\n", "srv/site/.git/objects/ab/cdef": "x", "srv/site/.git/key": key,
		"opt/module/.git": "gitdir: ../../.git/modules/module\n", "srv/.gitignore": "key\n", "srv/.github/a": "x",
	})
	folder, image, disk := filepath.Join(dir, "tree"), filepath.Join(dir, "image"), filepath.Join(dir, "disk.raw")
	made.Folder(t, folder, tree)
	made.Disk(t, folder, disk, "raw")
	digest := made.Image(t, image, made.Gzip(t, made.Tar(t, tree)), made.Gzip(t, made.Tar(t, nil, tar.Header{Name: "srv/site/.wh..git", Typeflag: tar.TypeReg})))
	results, err := Scan(t.Context(), protocol.Request{Database: database(t, dir), Now: now(), Roots: []protocol.Root{
		{Name: "image", Kind: protocol.Image, Path: image, Digest: digest}, {Name: "disk", Kind: protocol.Disk, Path: disk},
	}}, nil)
	if err != nil {
		t.Fatal(err)
	}
	for _, r := range results {
		var got []string
		for _, s := range r.Report.Secrets {
			got = append(got, s.Rule+" "+s.Path)
		}
		want := []string{"git-folder /opt/module/.git", "git-folder /srv/site/.git", "private-key /srv/site/.git/key"}
		if !slices.Equal(got, want) {
			t.Errorf("%s: %q, want %q", r.Report.ArtifactKind, got, want)
		}
	}
}

// TestUntouched: only packed files that are byte by byte what a package
// brought are not unpacked, and their own bytes are looked at all the same.
func TestUntouched(t *testing.T) {
	dir := t.TempDir()
	module, trailing := packed(t, "key"), packed(t, "other")+key
	tree := made.Debian()
	maps.Copy(tree, made.Tree{"usr/lib/modules/a.ko.gz": module, "usr/lib/modules/b.ko.gz": packed(t, "changed"), "usr/lib/modules/c.ko.gz": trailing})
	folder := filepath.Join(dir, "tree")
	made.Folder(t, folder, tree)
	var untouched []string
	for _, data := range []string{module, trailing} {
		sum := sha256.Sum256([]byte(data))
		untouched = append(untouched, hex.EncodeToString(sum[:]))
	}
	results, err := Scan(t.Context(), protocol.Request{Database: database(t, dir), Now: now(), Untouched: untouched, Roots: []protocol.Root{{Name: "tree", Kind: protocol.Folder, Path: folder}}}, nil)
	if err != nil {
		t.Fatal(err)
	}
	var got []string
	for _, s := range results[0].Report.Secrets {
		got = append(got, s.Path)
	}
	if want := []string{"/usr/lib/modules/b.ko.gz!changed", "/usr/lib/modules/c.ko.gz"}; !slices.Equal(got, want) {
		t.Errorf("%q, want %q", got, want)
	}
}
