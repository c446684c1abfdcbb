package debian_test

import (
	"archive/tar"
	"bytes"
	"compress/gzip"
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/ProtonMail/go-crypto/openpgp"
	"github.com/ProtonMail/go-crypto/openpgp/armor"
	"github.com/ProtonMail/go-crypto/openpgp/clearsign"
	"github.com/ProtonMail/go-crypto/openpgp/packet"
	"github.com/klauspost/compress/zstd"

	"github.com/bakelite/bakelite/distro/debian"
	"github.com/bakelite/bakelite/internal/vouch"
)

// released is the date of the local archive, and today the tests' clock.
var (
	released = time.Date(2026, 11, 21, 9, 15, 44, 0, time.UTC)
	today    = released.Add(24 * time.Hour)
)

// localArchive is a small real archive, signed and served over HTTP.
type localArchive struct {
	t     *testing.T
	key   *openpgp.Entity
	mu    sync.Mutex
	files map[string][]byte
	asked []string
	url   string
}

func newKey(t *testing.T) *openpgp.Entity {
	t.Helper()
	key, err := openpgp.NewEntity("Test archive", "", "archive@example.org", &packet.Config{
		Algorithm: packet.PubKeyAlgoEdDSA, Time: func() time.Time { return released.Add(-time.Hour) },
	})
	if err != nil {
		t.Fatal(err)
	}
	return key
}

// newLocalArchive serves trixie, trixie-updates and trixie-security for
// amd64, with the packages in trixie.
func newLocalArchive(t *testing.T, packages ...testPackage) *localArchive {
	t.Helper()
	a := &localArchive{t: t, key: newKey(t), files: map[string][]byte{}}
	server := httptest.NewServer(a)
	t.Cleanup(server.Close)
	a.url = server.URL
	a.suite("trixie", release{}, packages...)
	a.suite("trixie-updates", release{})
	a.suite("trixie-security", release{}, testPackage{name: "zlib1g", version: "1:1.3-2+deb13u1"})
	return a
}

func (a *localArchive) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	a.mu.Lock()
	defer a.mu.Unlock()
	a.asked = append(a.asked, r.URL.Path)
	data, ok := a.files[strings.TrimPrefix(r.URL.Path, "/")]
	if !ok {
		http.NotFound(w, r)
		return
	}
	w.Write(data)
}

// change edits the served file that a function names.
func (a *localArchive) change(path string, edit func([]byte) []byte) {
	a.t.Helper()
	a.mu.Lock()
	defer a.mu.Unlock()
	if a.files[path] == nil {
		a.t.Fatalf("the archive has no %s", path)
	}
	a.files[path] = edit(bytes.Clone(a.files[path]))
}

// find returns the only served file whose path holds part.
func (a *localArchive) find(part string) string {
	a.t.Helper()
	a.mu.Lock()
	defer a.mu.Unlock()
	for path := range a.files {
		if strings.Contains(path, part) {
			return path
		}
	}
	a.t.Fatalf("the archive has no %s", part)
	return ""
}

func (a *localArchive) keyring() string {
	a.t.Helper()
	path := filepath.Join(a.t.TempDir(), "keyring.asc")
	var b bytes.Buffer
	w, err := armor.Encode(&b, openpgp.PublicKeyType, nil)
	if err == nil {
		err = a.key.Serialize(w)
	}
	if err == nil {
		err = w.Close()
	}
	if err == nil {
		err = os.WriteFile(path, b.Bytes(), 0o600)
	}
	if err != nil {
		a.t.Fatal(err)
	}
	return path
}

// client returns a client with a cache of its own; the bases come before the
// archive's own address.
func (a *localArchive) client(options debian.Options, bases ...string) *debian.Client {
	a.t.Helper()
	if options.Cache == "" {
		options.Cache = a.t.TempDir()
	}
	if options.Keyring == "" {
		options.Keyring = a.keyring()
	}
	if options.Now == nil {
		options.Now = func() time.Time { return today }
	}
	key, err := vouch.Open(options.Cache) // one for all who share the cache
	if err != nil {
		a.t.Fatal(err)
	}
	options.Vouch = key
	bases = append(bases, a.url)
	options.Mirrors = map[string][]string{"debian": bases, "debian-security": bases}
	c, err := debian.New(options)
	if err != nil {
		a.t.Fatal(err)
	}
	return c
}

// release holds what a test changes in an InRelease.
type release struct {
	codename         string
	version          string
	date, validUntil time.Time
	signer           *openpgp.Entity
	// packages replaces the content of Packages, packed that of Packages.gz.
	packages, packed []byte
	// xz, where set, is published as Packages.xz.
	xz []byte
	// noGzip leaves Packages.gz out of the index.
	noGzip bool
}

// suite publishes a suite with these packages.
func (a *localArchive) suite(name string, r release, packages ...testPackage) {
	a.t.Helper()
	a.mu.Lock()
	defer a.mu.Unlock()
	index := r.packages
	for _, p := range packages {
		data := p.build(a.t)
		path := "pool/main/" + p.name + "/" + p.name + "_" + strings.ReplaceAll(p.version, ":", "%3a") + ".deb"
		a.files[path] = data
		index = append(index, p.stanza(path, data)...)
	}
	packed := r.packed
	if packed == nil {
		packed = gzipped(index)
	}
	base := "dists/" + name + "/main/binary-amd64/"
	a.files[base+"by-hash/SHA256/"+sum(packed)] = packed
	text := fmt.Sprintf("Origin: Test\nSuite: test\nCodename: %s\nVersion: %s\nDate: %s\n", or(r.codename, name), or(r.version, "13.8"), stamp(r.date, released))
	if !r.validUntil.IsZero() {
		text += "Valid-Until: " + stamp(r.validUntil, r.validUntil) + "\n"
	}
	text += fmt.Sprintf("Acquire-By-Hash: yes\nArchitectures: amd64\nComponents: main\nSHA256:\n %s %d main/binary-amd64/Packages\n", sum(index), len(index))
	if !r.noGzip {
		text += fmt.Sprintf(" %s %d main/binary-amd64/Packages.gz\n", sum(packed), len(packed))
	}
	if r.xz != nil {
		text += fmt.Sprintf(" %s %d main/binary-amd64/Packages.xz\n", sum(r.xz), len(r.xz))
		a.files[base+"by-hash/SHA256/"+sum(r.xz)] = r.xz
	}
	signer := r.signer
	if signer == nil {
		signer = a.key
	}
	a.files["dists/"+name+"/InRelease"] = sign(a.t, signer, text)
}

func sign(t *testing.T, key *openpgp.Entity, text string) []byte {
	t.Helper()
	var b bytes.Buffer
	w, err := clearsign.Encode(&b, key.PrivateKey, &packet.Config{Time: func() time.Time { return released }})
	if err == nil {
		_, err = io.WriteString(w, text)
	}
	if err == nil {
		err = w.Close()
	}
	if err != nil {
		t.Fatal(err)
	}
	return append(b.Bytes(), '\n')
}

func stamp(t, otherwise time.Time) string {
	if t.IsZero() {
		t = otherwise
	}
	return t.UTC().Format("Mon, 02 Jan 2006 15:04:05 UTC")
}

func or(a, b string) string {
	if a != "" {
		return a
	}
	return b
}

func sum(data []byte) string {
	s := sha256.Sum256(data)
	return hex.EncodeToString(s[:])
}

func gzipped(data []byte) []byte {
	var b bytes.Buffer
	w := gzip.NewWriter(&b)
	w.Write(data)
	w.Close()
	return b.Bytes()
}

// testPackage is a .deb to build.
type testPackage struct {
	name, version string
	fields        string
	entries       []tar.Header
	// packing of the data member: "", ".gz" or ".zst".
	packing string
}

func (p testPackage) stanza(path string, data []byte) string {
	return fmt.Sprintf("Package: %s\nVersion: %s\nArchitecture: amd64\n%sFilename: %s\nSize: %d\nSHA256: %s\nDescription: test\n\n",
		p.name, p.version, p.fields, path, len(data), sum(data))
}

// build returns a .deb whose regular files hold their own names.
func (p testPackage) build(t *testing.T) []byte {
	t.Helper()
	var b bytes.Buffer
	w := tar.NewWriter(&b)
	for _, h := range p.entries {
		body := ""
		if h.Typeflag == tar.TypeReg {
			body = "I am " + h.Name + "\n"
		}
		h.Size, h.ModTime = int64(len(body)), released
		if h.Mode == 0 {
			h.Mode = 0o755
		}
		if err := w.WriteHeader(&h); err != nil {
			t.Fatal(err)
		}
		io.WriteString(w, body)
	}
	w.Close()
	data := b.Bytes()
	switch p.packing {
	case ".gz":
		data = gzipped(data)
	case ".zst":
		z, err := zstd.NewWriter(nil)
		if err != nil {
			t.Fatal(err)
		}
		data = z.EncodeAll(data, nil)
	}
	return ar("debian-binary", "2.0\n", "control.tar", "", "data.tar"+p.packing, string(data))
}

func ar(members ...string) []byte {
	b := bytes.NewBufferString("!<arch>\n")
	for i := 0; i < len(members); i += 2 {
		fmt.Fprintf(b, "%-16s%-12d%-6d%-6d%-8o%-10d`\n%s", members[i], 0, 0, 0, 0o100644, len(members[i+1]), members[i+1])
		if len(members[i+1])%2 == 1 {
			b.WriteByte('\n')
		}
	}
	return b.Bytes()
}

func dir(name string) tar.Header  { return tar.Header{Typeflag: tar.TypeDir, Name: name} }
func file(name string) tar.Header { return tar.Header{Typeflag: tar.TypeReg, Name: name} }
func link(name, to string) tar.Header {
	return tar.Header{Typeflag: tar.TypeSymlink, Name: name, Linkname: to}
}
func hard(name, to string) tar.Header {
	return tar.Header{Typeflag: tar.TypeLink, Name: name, Linkname: to}
}
