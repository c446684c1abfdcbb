// Package archivetest is a small signed archive for tests, served over HTTP
// from this process: suites of packages that exist in the index alone, whose
// content a test changes, delays or takes away. It is imported by tests only.
package archivetest

import (
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

	"github.com/bakelite/bakelite/distro/debian"
	"github.com/bakelite/bakelite/internal/lock"
	"github.com/bakelite/bakelite/internal/vouch"
	"github.com/bakelite/bakelite/internal/vouch/vouchtest"
)

// Released is the date of each suite at first.
func Released() time.Time { return time.Date(2026, 11, 21, 9, 15, 44, 0, time.UTC) }

// Package is one package of an index.
type Package struct {
	Name, Version string
	// Source is as the field has it: "name (version)"; "" is the package's own.
	Source string
	// Fields are further lines, such as "Depends: libc6\n".
	Fields string
}

// Archive serves trixie, trixie-updates and trixie-security for amd64.
type Archive struct {
	URL string

	t     testing.TB
	key   *openpgp.Entity
	vouch vouch.Key // of its clients: they share what they wrote
	mu    sync.Mutex
	files map[string][]byte
	fail  func(path string) int
	asked map[string]int
}

// New serves an archive whose suites hold nothing.
func New(t testing.TB) *Archive {
	t.Helper()
	key, err := openpgp.NewEntity("Test archive", "", "archive@example.org", &packet.Config{
		Algorithm: packet.PubKeyAlgoEdDSA, Time: func() time.Time { return Released().Add(-time.Hour) },
	})
	if err != nil {
		t.Fatal(err)
	}
	a := &Archive{t: t, key: key, vouch: vouchtest.Key(t), files: map[string][]byte{}, asked: map[string]int{}}
	server := httptest.NewServer(a)
	t.Cleanup(server.Close)
	a.URL = server.URL
	for _, suite := range []string{"trixie", "trixie-updates", "trixie-security"} {
		a.Publish(suite, Released())
	}
	return a
}

// ServeHTTP serves the archive's files, unless Fail says otherwise.
func (a *Archive) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	a.mu.Lock()
	defer a.mu.Unlock()
	path := strings.TrimPrefix(r.URL.Path, "/")
	a.asked[path]++
	if a.fail != nil {
		if code := a.fail(path); code != 0 {
			http.Error(w, "the test says so", code)
			return
		}
	}
	data, ok := a.files[path]
	if !ok {
		http.NotFound(w, r)
		return
	}
	_, _ = w.Write(data) // the client sees what is missing
}

// Fail makes the archive answer with a status code where the function gives
// one; nil ends that.
func (a *Archive) Fail(code func(path string) int) {
	a.mu.Lock()
	defer a.mu.Unlock()
	a.fail = code
}

// Change edits a served file.
func (a *Archive) Change(path string, edit func([]byte) []byte) {
	a.mu.Lock()
	defer a.mu.Unlock()
	a.files[path] = edit(bytes.Clone(a.files[path]))
}

// Publish makes a suite hold these packages and no others, from a date on.
func (a *Archive) Publish(suite string, date time.Time, packages ...Package) {
	a.t.Helper()
	var index bytes.Buffer
	for _, p := range packages {
		index.WriteString(p.stanza())
	}
	packed := gzipped(a.t, index.Bytes())
	base := "main/binary-amd64/Packages"
	text := fmt.Sprintf("Suite: test\nCodename: %s\nVersion: 13.8\nDate: %s\nAcquire-By-Hash: yes\nSHA256:\n %s %d %s\n %s %d %s.gz\n", suite,
		date.UTC().Format("Mon, 02 Jan 2006 15:04:05 UTC"), sum(index.Bytes()), index.Len(), base, sum(packed), len(packed), base)
	a.mu.Lock()
	defer a.mu.Unlock()
	a.files["dists/"+suite+"/main/binary-amd64/by-hash/SHA256/"+sum(packed)] = packed
	a.files["dists/"+suite+"/InRelease"] = a.sign(text)
}

func (a *Archive) sign(text string) []byte {
	a.t.Helper()
	var b bytes.Buffer
	w, err := clearsign.Encode(&b, a.key.PrivateKey, &packet.Config{Time: Released})
	if err == nil {
		_, err = io.WriteString(w, text)
	}
	if err == nil {
		err = w.Close()
	}
	if err != nil {
		a.t.Fatal(err)
	}
	return append(b.Bytes(), '\n')
}

// Client returns a client of the archive with a clock of the test's.
func (a *Archive) Client(cache string, now func() time.Time) *debian.Client {
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
	c, err := debian.New(debian.Options{Cache: cache, Keyring: path, Now: now, Vouch: a.vouch, Mirrors: map[string][]string{"debian": {a.URL}, "debian-security": {a.URL}}})
	if err != nil {
		a.t.Fatal(err)
	}
	return c
}

// Pin is the package as a lock has it.
func (p Package) Pin(archive string) lock.Pin {
	source, version, _ := strings.Cut(p.Source, " (")
	return lock.Pin{
		Name: p.Name, Version: p.Version, Arch: "amd64", Archive: archive, Path: p.path(), SHA256: sum([]byte(p.path())), Size: int64(len(p.path())),
		Source: source, SourceVersion: strings.TrimSuffix(version, ")"),
	}
}

func (p Package) path() string {
	return "pool/main/" + p.Name + "_" + strings.ReplaceAll(p.Version, ":", "%3a") + ".deb"
}

func (p Package) stanza() string {
	source := ""
	if p.Source != "" {
		source = "Source: " + p.Source + "\n"
	}
	return fmt.Sprintf("Package: %s\n%sVersion: %s\nArchitecture: amd64\n%sFilename: %s\nSize: %d\nSHA256: %s\nDescription: test\n\n",
		p.Name, source, p.Version, p.Fields, p.path(), len(p.path()), sum([]byte(p.path())))
}

func sum(data []byte) string {
	s := sha256.Sum256(data)
	return hex.EncodeToString(s[:])
}

func gzipped(t testing.TB, data []byte) []byte {
	t.Helper()
	var b bytes.Buffer
	w := gzip.NewWriter(&b)
	_, err := w.Write(data)
	if err == nil {
		err = w.Close()
	}
	if err != nil {
		t.Fatal(err)
	}
	return b.Bytes()
}
