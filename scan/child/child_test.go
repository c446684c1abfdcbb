package child_test

import (
	"archive/tar"
	"archive/zip"
	"bytes"
	"context"
	"fmt"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/bakelite/bakelite/internal/fault"
	"github.com/bakelite/bakelite/internal/vouch/vouchtest"
	"github.com/bakelite/bakelite/scan/child"
	"github.com/bakelite/bakelite/scan/content/made"
	"github.com/bakelite/bakelite/scan/protocol"
)

// built holds the real scanner and a database, made once for all tests.
var built struct {
	sync.Once
	dir string
	err error
}

func TestMain(m *testing.M) {
	code := m.Run()
	if built.dir != "" {
		_ = os.RemoveAll(built.dir)
	}
	os.Exit(code)
}

func now() time.Time { return time.Date(2026, 11, 24, 12, 0, 0, 0, time.UTC) }

// real returns the real scanner and a request for roots.
func real(t *testing.T, roots ...protocol.Root) (child.Scanner, child.Request) {
	t.Helper()
	if testing.Short() {
		t.Skip("building the scanner takes minutes")
	}
	built.Do(func() {
		if built.dir, built.err = os.MkdirTemp("", "child-"); built.err != nil {
			return
		}
		// Whoever the child becomes must be able to start and to read.
		_ = os.Chmod(built.dir, 0o755)
		for _, args := range [][]string{
			{"build", "-o", filepath.Join(built.dir, "bakelite-scan"), "../../cmd/bakelite-scan"},
			{"run", "../../test/testdb", "--updated", now().Format(time.RFC3339), filepath.Join(built.dir, "db")},
		} {
			cmd := exec.Command("go", args...)
			cmd.Env = append(os.Environ(), "GOEXPERIMENT=jsonv2", "CGO_ENABLED=0")
			if out, err := cmd.CombinedOutput(); err != nil {
				built.err = fmt.Errorf("go %s: %w\n%s", args[0], err, out)
				return
			}
		}
	})
	if built.err != nil {
		t.Fatal(built.err)
	}
	s := child.Scanner{Program: filepath.Join(built.dir, "bakelite-scan"), Limits: child.Limits{Time: 2 * time.Minute}}
	return s, child.Request{Roots: roots, Database: protocol.Database{Folder: filepath.Join(built.dir, "db"), Ref: "test"}, Now: now()}
}

// folder is a folder that nobody may read; t.TempDir's parents may not be.
func folder(t *testing.T) string {
	t.Helper()
	dir := t.TempDir()
	if err := os.Chmod(dir, 0o755); err != nil {
		t.Fatal(err)
	}
	return dir
}

func image(t *testing.T, layers ...made.Layer) protocol.Root {
	t.Helper()
	dir := filepath.Join(folder(t), "image")
	digest := made.Image(t, dir, layers...)
	return protocol.Root{Name: "image", Kind: protocol.Image, Path: dir, Digest: digest}
}

func debian() made.Tree { return made.Debian(made.Package("openssl", "3.5.1-1", "")) }

func TestScan(t *testing.T) {
	dir := folder(t)
	made.Folder(t, filepath.Join(dir, "tree"), debian())
	s, req := real(t, image(t, made.Gzip(t, made.Tar(t, debian()))), protocol.Root{Name: "tree", Kind: protocol.Folder, Path: filepath.Join(dir, "tree")})
	s.Cache, s.Vouch = filepath.Join(dir, "cache"), vouchtest.Key(t)
	for _, cached := range []int{0, 1} {
		results, err := s.Scan(t.Context(), req)
		if err != nil {
			t.Fatal(err)
		}
		for _, r := range results {
			if len(r.Report.Findings) == 0 || len(r.Report.Packages) != 1 {
				t.Errorf("%s: %d findings, %d packages", r.Report.ArtifactKind, len(r.Report.Findings), len(r.Report.Packages))
			}
		}
		if results[0].Cached != cached {
			t.Errorf("%d trees from the cache, want %d", results[0].Cached, cached)
		}
	}
}

// TestHostileContent has artifacts that want to break, flood or leave the
// scanner. Each must be an error that says so; none may be a clean report.
func TestHostileContent(t *testing.T) {
	base := func(entries ...tar.Header) []byte { return made.Tar(t, debian(), entries...) }
	reg := func(name string, size int64) tar.Header {
		return tar.Header{Name: name, Typeflag: tar.TypeReg, Mode: 0o644, Size: size}
	}
	tests := []struct {
		name   string
		root   func(t *testing.T) protocol.Root
		limits child.Limits
		kind   fault.Kind
		says   string
	}{
		{name: "path traversal", kind: fault.Integrity, says: "climbs out", root: func(t *testing.T) protocol.Root {
			return image(t, made.Gzip(t, base(reg("../../etc/passwd", 0))))
		}},
		{name: "hidden path traversal", kind: fault.Integrity, says: "climbs out", root: func(t *testing.T) protocol.Root {
			return image(t, made.Gzip(t, base(reg("usr/../../../etc/passwd", 0))))
		}},
		{name: "folders 10000 deep", kind: fault.Integrity, says: "deep", root: func(t *testing.T) protocol.Root {
			return image(t, made.Gzip(t, base(tar.Header{Name: strings.Repeat("d/", 2000), Typeflag: tar.TypeDir})))
		}},
		{name: "path of 20000 bytes", kind: fault.Integrity, says: "more than 4096 bytes", root: func(t *testing.T) protocol.Root {
			return image(t, made.Gzip(t, base(tar.Header{Name: strings.Repeat("d/", 10000), Typeflag: tar.TypeDir})))
		}},
		{name: "hard link out of the layer", kind: fault.Integrity, says: "does not hold", root: func(t *testing.T) protocol.Root {
			return image(t, made.Gzip(t, base(tar.Header{Name: "hard", Typeflag: tar.TypeLink, Linkname: "/etc/passwd"})))
		}},
		{name: "many entries", kind: fault.Integrity, says: "more than 1000 entries", limits: child.Limits{Content: protocol.Limits{Entries: 1000}}, root: func(t *testing.T) protocol.Root {
			var all []tar.Header
			for i := range 2000 {
				all = append(all, tar.Header{Name: fmt.Sprintf("d/%d", i), Typeflag: tar.TypeSymlink, Linkname: "/etc/passwd"})
			}
			return image(t, made.Gzip(t, base(all...)))
		}},
		{name: "huge sparse file", kind: fault.Integrity, says: "bytes", root: func(t *testing.T) protocol.Root {
			return image(t, made.Gzip(t, sparse(t, 100<<30)))
		}},
		{name: "gzip bomb", kind: fault.Integrity, says: "larger than the limit", limits: child.Limits{Content: protocol.Limits{TreeBytes: 64 << 20}}, root: func(t *testing.T) protocol.Root {
			return image(t, made.Gzip(t, append(base(), make([]byte, 128<<20)...)))
		}},
		{name: "gigantic dpkg status", kind: fault.Integrity, says: "list of packages", limits: child.Limits{Content: protocol.Limits{PackageListBytes: 1 << 20}}, root: func(t *testing.T) protocol.Root {
			tree := debian()
			tree["var/lib/dpkg/status"] = strings.Repeat(made.Package("a", "1", "")+"\n", 20000)
			return image(t, made.Gzip(t, made.Tar(t, tree)))
		}},
		{name: "gigantic SBOM", kind: fault.Integrity, says: "larger than the limit", limits: child.Limits{Content: protocol.Limits{SBOMBytes: 1 << 20}}, root: func(t *testing.T) protocol.Root {
			return sbom(t, `{"bomFormat":"CycloneDX","specVersion":"1.6","components":[`+strings.Repeat(`{"type":"library","name":"a"},`, 100000)+`{"type":"library","name":"a"}]}`)
		}},
		{name: "not an SBOM", kind: fault.Invalid, says: "neither", root: func(t *testing.T) protocol.Root { return sbom(t, `{}`) }},
		{name: "truncated layer", kind: fault.Integrity, says: "unexpected EOF", root: func(t *testing.T) protocol.Root {
			l := made.Gzip(t, base())
			return image(t, made.Layer{Packed: l.Packed[:len(l.Packed)/2], Plain: l.Plain})
		}},
		{name: "layer that is not its diff ID", kind: fault.Integrity, says: "has the digest", root: func(t *testing.T) protocol.Root {
			return image(t, made.Layer{Packed: made.Gzip(t, base()).Packed, Plain: []byte("another")})
		}},
		{name: "layer that is not its digest, and climbs out", kind: fault.Integrity, says: "has the digest", root: func(t *testing.T) protocol.Root {
			l := made.Gzip(t, base())
			return overwrite(t, image(t, l), made.Digest(l.Packed), made.Gzip(t, base(reg("../../etc/passwd", 0))).Packed)
		}},
		{name: "layer that is not its digest", kind: fault.Integrity, says: "has the digest", root: func(t *testing.T) protocol.Root {
			return changed(t, made.Gzip(t, base()))
		}},
		{name: "manifest that is not its digest", kind: fault.Integrity, says: "has the digest", root: func(t *testing.T) protocol.Root {
			r := image(t, made.Gzip(t, base()))
			return overwrite(t, r, r.Digest, []byte("{}"))
		}},
		{name: "blob that is a link out of the layout", kind: fault.Integrity, says: "regular file", root: func(t *testing.T) protocol.Root {
			r := image(t, made.Gzip(t, base()))
			blob := made.Blob(r.Path, r.Digest)
			if err := os.Remove(blob); err != nil {
				t.Fatal(err)
			}
			if err := os.Symlink("/etc/passwd", blob); err != nil {
				t.Fatal(err)
			}
			return r
		}},
		{name: "broken squashfs", kind: fault.Integrity, says: "", root: func(t *testing.T) protocol.Root { return disk(t, true) }},
		{name: "foreign disk", kind: fault.Integrity, says: "partition table", root: func(t *testing.T) protocol.Root {
			file := filepath.Join(folder(t), "disk")
			if err := os.WriteFile(file, bytes.Repeat([]byte("x"), 1<<20), 0o644); err != nil {
				t.Fatal(err)
			}
			return protocol.Root{Name: "disk", Kind: protocol.Disk, Path: file}
		}},
		{name: "too little memory", kind: fault.Internal, says: "more memory", limits: child.Limits{Memory: 80 << 20}, root: func(t *testing.T) protocol.Root {
			tree := debian()
			tree["var/lib/dpkg/status"] = strings.Repeat(made.Package("a", "1", "")+"\n", 900000)
			return image(t, made.Gzip(t, made.Tar(t, tree)))
		}},
		{name: "too little time", kind: fault.Internal, says: "did not finish", limits: child.Limits{Time: 20 * time.Millisecond}, root: func(t *testing.T) protocol.Root {
			return image(t, made.Gzip(t, base()))
		}},
		{name: "too large an answer", kind: fault.Internal, says: "answer is larger", limits: child.Limits{Output: 1000}, root: func(t *testing.T) protocol.Root {
			return image(t, made.Gzip(t, base()))
		}},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			s, req := real(t, test.root(t))
			if test.limits.Time == 0 {
				test.limits.Time = s.Limits.Time
			}
			s.Limits = test.limits
			results, err := s.Scan(t.Context(), req)
			if err == nil || len(results) > 0 {
				t.Fatalf("%d results, %v", len(results), err)
			}
			if fault.KindOf(err) != test.kind || !strings.Contains(err.Error(), test.says) {
				t.Errorf("kind %d: %v", fault.KindOf(err), err)
			}
		})
	}
}

// TestHarmlessOddities has what layers may hold though it is of no use: it
// must not keep the packages from being seen.
func TestHarmlessOddities(t *testing.T) {
	odd := []tar.Header{
		{Name: "dev/sda", Typeflag: tar.TypeBlock, Devmajor: 8}, {Name: "dev/null", Typeflag: tar.TypeChar, Devmajor: 1, Devminor: 3},
		{Name: "run/pipe", Typeflag: tar.TypeFifo}, {Name: "etc/shadow", Typeflag: tar.TypeSymlink, Linkname: "/etc/shadow"},
		{Name: "out", Typeflag: tar.TypeSymlink, Linkname: "../../../.."}, {Name: "hard", Typeflag: tar.TypeLink, Linkname: "/etc/shadow"},
	}
	tree := debian()
	tree["usr/share/java/bomb.jar"] = bomb(t, 256<<20)
	s, req := real(t, image(t, made.Gzip(t, made.Tar(t, tree, odd...))))
	s.Limits.Scratch = 64 << 20
	results, err := s.Scan(t.Context(), req)
	if err != nil || len(results[0].Report.Packages) != 1 || len(results[0].Report.Findings) == 0 {
		t.Errorf("%+v, %v", results, err)
	}
}

// TestFolderDoesNotLeadOut has links from the folder to a secret beside it.
func TestFolderDoesNotLeadOut(t *testing.T) {
	dir := folder(t)
	made.Folder(t, filepath.Join(dir, "tree"), debian())
	made.Folder(t, dir, made.Tree{"outside.txt": "token = ghp_" + "0123456789abcdefghijABCDEFGHIJ012345\n"})
	for name, to := range map[string]string{"climb.txt": "../outside.txt", "absolute.txt": filepath.Join(dir, "outside.txt"), "folder": ".."} {
		if err := os.Symlink(to, filepath.Join(dir, "tree", name)); err != nil {
			t.Fatal(err)
		}
	}
	s, req := real(t, protocol.Root{Name: "tree", Kind: protocol.Folder, Path: filepath.Join(dir, "tree")})
	results, err := s.Scan(t.Context(), req)
	if err != nil || len(results[0].Report.Secrets) != 0 || len(results[0].Report.Packages) != 1 {
		t.Errorf("%+v, %v", results, err)
	}
}

func TestCancelledScan(t *testing.T) {
	s, req := real(t, image(t, made.Gzip(t, made.Tar(t, debian()))))
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	if _, err := s.Scan(ctx, req); fault.KindOf(err) != fault.Cancelled {
		t.Errorf("error %v", err)
	}
}

// changed is an image whose only layer's blob was changed after it was made.
func changed(t *testing.T, l made.Layer) protocol.Root {
	t.Helper()
	other := debian()
	other["var/lib/dpkg/status"] = ""
	return overwrite(t, image(t, l), made.Digest(l.Packed), made.Gzip(t, made.Tar(t, other)).Packed)
}

func overwrite(t *testing.T, r protocol.Root, digest string, text []byte) protocol.Root {
	t.Helper()
	if err := os.WriteFile(made.Blob(r.Path, digest), text, 0o644); err != nil {
		t.Fatal(err)
	}
	return r
}

func sbom(t *testing.T, text string) protocol.Root {
	t.Helper()
	file := filepath.Join(folder(t), "sbom.json")
	if err := os.WriteFile(file, []byte(text), 0o644); err != nil {
		t.Fatal(err)
	}
	return protocol.Root{Name: "sbom", Kind: protocol.SBOM, Path: file, Subject: "sha256:1", ArtifactKind: "container"}
}

// disk is a disk; a broken one has the middle of /usr overwritten.
func disk(t *testing.T, broken bool) protocol.Root {
	t.Helper()
	dir := folder(t)
	tree := debian()
	noise := make([]byte, 1<<20)
	for i := range noise {
		noise[i] = byte(i * i >> 3)
	}
	for i := range 40 {
		tree[fmt.Sprintf("usr/lib/python3/p%d-1.dist-info/METADATA", i)] = fmt.Sprintf("Metadata-Version: 2.1\nName: p%d\nVersion: 1\n\n%x", i, noise[i*1000:i*1000+20000])
	}
	made.Folder(t, filepath.Join(dir, "tree"), tree)
	file := filepath.Join(dir, "disk")
	made.Disk(t, filepath.Join(dir, "tree"), file, "raw")
	if broken {
		f, err := os.OpenFile(file, os.O_RDWR, 0)
		if err != nil {
			t.Fatal(err)
		}
		defer f.Close()
		// /usr is the second partition, at 2 MiB.
		if _, err := f.WriteAt(bytes.Repeat([]byte{0xa5}, 64<<10), 2<<20+200); err != nil {
			t.Fatal(err)
		}
	}
	return protocol.Root{Name: "disk", Kind: protocol.Disk, Path: file}
}

// sparse is a tar with a GNU sparse file of size bytes that has no data.
func sparse(t *testing.T, size int64) []byte {
	t.Helper()
	var b bytes.Buffer
	w := tar.NewWriter(&b)
	header := tar.Header{Name: "huge", Typeflag: tar.TypeReg, Format: tar.FormatPAX, Size: 5, PAXRecords: map[string]string{
		"BAKELITE.note": "the sparse records are put in by name below",
	}}
	if err := w.WriteHeader(&header); err != nil {
		t.Fatal(err)
	}
	if _, err := io.WriteString(w, "x\n0\n\n"); err != nil {
		t.Fatal(err)
	}
	if err := w.Close(); err != nil {
		t.Fatal(err)
	}
	// A plain header that claims the size, with nothing behind it, is refused
	// at the header; base 256 holds sizes of more than 8 GiB.
	text := b.Bytes()
	at := bytes.LastIndex(text, []byte("huge"))
	field := text[at+124 : at+136]
	clear(field)
	field[0] = 0x80
	for i := range 8 {
		field[11-i] = byte(size >> (8 * i))
	}
	return checksum(text, at)
}

// checksum makes a tar header's checksum right again.
func checksum(text []byte, at int) []byte {
	header := text[at : at+512]
	copy(header[148:156], "        ")
	sum := 0
	for _, c := range header {
		sum += int(c)
	}
	copy(header[148:156], fmt.Sprintf("%06o\x00 ", sum))
	return text
}

// bomb is a jar with a jar in it that unpacks to size zeros.
func bomb(t *testing.T, size int64) string {
	t.Helper()
	var b bytes.Buffer
	w := zip.NewWriter(&b)
	inner, err := w.Create("inner.jar")
	if err != nil {
		t.Fatal(err)
	}
	if _, err := io.CopyN(inner, zeros{}, size); err != nil {
		t.Fatal(err)
	}
	if err := w.Close(); err != nil {
		t.Fatal(err)
	}
	return b.String()
}

type zeros struct{}

func (zeros) Read(p []byte) (int, error) {
	clear(p)
	return len(p), nil
}
