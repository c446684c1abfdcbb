// Package made makes small images, disks and trees for tests of the scanner.
// Only tests import it.
package made

import (
	"archive/tar"
	"bytes"
	"compress/gzip"
	"context"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"maps"
	"os"
	"os/exec"
	"path"
	"path/filepath"
	"slices"
	"testing"

	"github.com/klauspost/compress/zstd"

	"github.com/bakelite/bakelite/internal/disk"
	"github.com/bakelite/bakelite/internal/disk/format"
	"github.com/bakelite/bakelite/internal/disk/gpt"
	"github.com/bakelite/bakelite/internal/disk/imagefile"
)

// Tree is the content of files by their path.
type Tree map[string]string

// Debian is a tree of Debian trixie with the given dpkg status stanzas.
func Debian(packages ...string) Tree {
	status := ""
	for _, p := range packages {
		status += p + "\n"
	}
	return Tree{
		"usr/lib/os-release":  "ID=debian\nVERSION_ID=\"13\"\nPRETTY_NAME=\"Debian GNU/Linux 13 (trixie)\"\n",
		"etc/debian_version":  "13.1\n",
		"var/lib/dpkg/status": status,
	}
}

// Package is one stanza of dpkg's status; source may be "name (version)".
func Package(name, version, source string) string {
	text := fmt.Sprintf("Package: %s\nStatus: install ok installed\nMaintainer: Debian\nArchitecture: amd64\nVersion: %s\n", name, version)
	if source != "" {
		text += "Source: " + source + "\n"
	}
	return text + "Description: " + name + "\n"
}

// mode makes programs of what lies in a folder of programs.
func mode(name string) os.FileMode {
	if path.Base(path.Dir(name)) == "bin" {
		return 0o755
	}
	return 0o644
}

// Tar packs a tree; entries are added first, as they are.
func Tar(t testing.TB, tree Tree, entries ...tar.Header) []byte {
	t.Helper()
	var b bytes.Buffer
	w := tar.NewWriter(&b)
	for _, h := range entries {
		must(t, w.WriteHeader(&h))
	}
	for _, name := range slices.Sorted(maps.Keys(tree)) {
		text := tree[name]
		must(t, w.WriteHeader(&tar.Header{Name: name, Mode: int64(mode(name)), Size: int64(len(text)), Typeflag: tar.TypeReg}))
		_, err := w.Write([]byte(text))
		must(t, err)
	}
	must(t, w.Close())
	return b.Bytes()
}

// TarOf packs a folder with all that its files have: modes, owners, devices and
// extended attributes.
func TarOf(t testing.TB, dir string) []byte {
	t.Helper()
	file := filepath.Join(t.TempDir(), "tar")
	Run(t, "tar", "--format=pax", "--xattrs", "--xattrs-include=*", "--numeric-owner", "--sort=name", "-C", dir, "-cf", file, ".")
	text, err := os.ReadFile(file)
	must(t, err)
	return text
}

// Layer is a layer's bytes as they are stored, and unpacked.
type Layer struct{ Packed, Plain []byte }

// Gzip compresses a layer.
func Gzip(t testing.TB, plain []byte) Layer {
	t.Helper()
	var b bytes.Buffer
	w := gzip.NewWriter(&b)
	_, err := w.Write(plain)
	must(t, err)
	must(t, w.Close())
	return Layer{b.Bytes(), plain}
}

// Zstd compresses a layer.
func Zstd(t testing.TB, plain []byte) Layer {
	t.Helper()
	w, err := zstd.NewWriter(nil)
	must(t, err)
	return Layer{w.EncodeAll(plain, nil), plain}
}

// Image writes an OCI layout folder and returns the manifest's digest.
func Image(t testing.TB, dir string, layers ...Layer) string {
	t.Helper()
	var ids []string
	var descriptors []map[string]any
	for _, l := range layers {
		ids = append(ids, Digest(l.Plain))
		media := "application/vnd.oci.image.layer.v1.tar+gzip"
		if bytes.HasPrefix(l.Packed, []byte{0x28, 0xb5}) {
			media = "application/vnd.oci.image.layer.v1.tar+zstd"
		}
		descriptors = append(descriptors, describe(t, dir, media, l.Packed))
	}
	config := encode(t, map[string]any{"architecture": "amd64", "os": "linux", "rootfs": map[string]any{"type": "layers", "diff_ids": ids}, "config": map[string]any{}})
	manifest := encode(t, map[string]any{
		"schemaVersion": 2, "mediaType": "application/vnd.oci.image.manifest.v1+json",
		"config": describe(t, dir, "application/vnd.oci.image.config.v1+json", config), "layers": descriptors,
	})
	d := describe(t, dir, "application/vnd.oci.image.manifest.v1+json", manifest)
	must(t, os.WriteFile(filepath.Join(dir, "oci-layout"), []byte(`{"imageLayoutVersion":"1.0.0"}`), 0o644))
	must(t, os.WriteFile(filepath.Join(dir, "index.json"), encode(t, map[string]any{"schemaVersion": 2, "manifests": []any{d}}), 0o644))
	return Digest(manifest)
}

func describe(t testing.TB, dir, media string, text []byte) map[string]any {
	t.Helper()
	must(t, os.MkdirAll(filepath.Join(dir, "blobs", "sha256"), 0o755))
	must(t, os.WriteFile(Blob(dir, Digest(text)), text, 0o644))
	return map[string]any{"mediaType": media, "digest": Digest(text), "size": len(text)}
}

// Blob is the file of a digest in a layout.
func Blob(dir, digest string) string {
	return filepath.Join(dir, "blobs", "sha256", digest[len("sha256:"):])
}

// Digest is the SHA-256 digest of text.
func Digest(text []byte) string {
	sum := sha256.Sum256(text)
	return "sha256:" + hex.EncodeToString(sum[:])
}

func encode(t testing.TB, v any) []byte {
	t.Helper()
	text, err := json.Marshal(v)
	must(t, err)
	return text
}

// Folder writes a tree below dir.
func Folder(t testing.TB, dir string, tree Tree) {
	t.Helper()
	must(t, os.MkdirAll(dir, 0o755))
	for name, text := range tree {
		file := filepath.Join(dir, name)
		must(t, os.MkdirAll(filepath.Dir(file), 0o755))
		must(t, os.WriteFile(file, []byte(text), mode(name)))
	}
}

// Disk writes a disk of Bakelite's layout with the tree that stands in dir:
// /usr and / as squashfs, /var as ext4; form is "raw" or "qcow2". It skips the
// test where the tools are missing.
func Disk(t testing.TB, dir, file, form string) {
	t.Helper()
	types, err := gpt.TypesOf("amd64")
	must(t, err)
	scratch := t.TempDir()
	root, usr, data := filepath.Join(scratch, "root"), filepath.Join(scratch, "usr"), filepath.Join(scratch, "var")
	Run(t, "mksquashfs", dir, root, "-noappend", "-quiet", "-no-progress", "-comp", "zstd", "-b", "256K", "-xattrs", "-wildcards", "-e", "usr/*", "var/*")
	Run(t, "mksquashfs", filepath.Join(dir, "usr"), usr, "-noappend", "-quiet", "-no-progress", "-comp", "zstd", "-b", "256K", "-xattrs")
	Run(t, "mke2fs", "-q", "-t", "ext4", "-m", "0", "-b", "4096", "-I", "256", "-O", "metadata_csum", "-d", filepath.Join(dir, "var"), data, "24M")
	d := gpt.Disk{ID: disk.GUID{9}}
	for i, p := range []gpt.Partition{
		{Label: "root", Type: types.Root, Content: openContent(t, root)},
		{Label: "usr", Type: types.Usr, Content: openContent(t, usr)},
		{Label: "var", Type: types.Var, Content: openContent(t, data), Rest: true},
	} {
		p.ID = disk.GUID{1, byte(i)}
		d.Partitions = append(d.Partitions, p)
	}
	d.Size = d.MinSize() + 64<<20
	m, err := gpt.Build(d)
	must(t, err)
	f, err := format.Lookup(form)
	must(t, err)
	out, err := os.Create(file)
	must(t, err)
	defer out.Close()
	_, err = imagefile.Write(context.Background(), out, f, m, imagefile.Meta{ID: d.ID})
	must(t, err)
}

func openContent(t testing.TB, file string) disk.Content {
	t.Helper()
	text, err := os.ReadFile(file)
	must(t, err)
	return bytes.NewReader(text)
}

// Run runs a tool, and skips the test where it is missing.
func Run(t testing.TB, name string, args ...string) {
	t.Helper()
	path, err := exec.LookPath(name)
	if err != nil {
		if path, err = exec.LookPath(filepath.Join("/usr/sbin", name)); err != nil {
			t.Skip(name + " is not installed")
		}
	}
	if out, err := exec.Command(path, args...).CombinedOutput(); err != nil {
		t.Fatalf("%s: %v\n%s", name, err, out)
	}
}

func must(t testing.TB, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
}
