// Package archivetest is a small signed archive for tests, served over HTTP
// from this process, whose suites and packages a test changes, delays or takes
// away. It is imported by tests only.
package archivetest

import (
	"bytes"
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
	"github.com/ProtonMail/go-crypto/openpgp/packet"

	"github.com/bakelite/bakelite/distro/debian"
	"github.com/bakelite/bakelite/internal/vouch"
	"github.com/bakelite/bakelite/internal/vouch/vouchtest"
)

// Released is the date of each suite at first.
func Released() time.Time { return time.Date(2026, 11, 21, 9, 15, 44, 0, time.UTC) }

// Archive serves trixie, trixie-updates and trixie-security for amd64.
type Archive struct {
	// URL is where clients look; a test may put another place before it.
	URL string
	// Key signs the suites.
	Key *openpgp.Entity
	// Mu guards what follows while clients run.
	Mu sync.Mutex
	// Files are what is served, by path, and Asked the paths in their order.
	Files map[string][]byte
	Asked []string

	t     testing.TB
	vouch vouch.Key // of its clients: they share what they wrote
	fail  func(path string) int
}

// New serves an archive whose suites hold nothing.
func New(t testing.TB) *Archive {
	t.Helper()
	a := &Archive{t: t, Key: NewKey(t), vouch: vouchtest.Key(t), Files: map[string][]byte{}}
	server := httptest.NewServer(a)
	t.Cleanup(server.Close)
	a.URL = server.URL
	for _, suite := range []string{"trixie", "trixie-updates", "trixie-security"} {
		a.Publish(suite, Released())
	}
	return a
}

// NewKey makes a key that signs suites.
func NewKey(t testing.TB) *openpgp.Entity {
	t.Helper()
	key, err := openpgp.NewEntity("Test archive", "", "archive@example.org", &packet.Config{
		Algorithm: packet.PubKeyAlgoEdDSA, Time: func() time.Time { return Released().Add(-time.Hour) },
	})
	if err != nil {
		t.Fatal(err)
	}
	return key
}

// ServeHTTP serves the archive's files, unless Fail says otherwise.
func (a *Archive) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	a.Mu.Lock()
	defer a.Mu.Unlock()
	path := strings.TrimPrefix(r.URL.Path, "/")
	a.Asked = append(a.Asked, path)
	if a.fail != nil {
		if code := a.fail(path); code != 0 {
			http.Error(w, "the test says so", code)
			return
		}
	}
	data, ok := a.Files[path]
	if !ok {
		http.NotFound(w, r)
		return
	}
	_, _ = w.Write(data) // the client sees what is missing
}

// Fail makes the archive answer with a status code where the function gives
// one; nil ends that.
func (a *Archive) Fail(code func(path string) int) {
	a.Mu.Lock()
	defer a.Mu.Unlock()
	a.fail = code
}

// Change edits a served file, which must be there.
func (a *Archive) Change(path string, edit func([]byte) []byte) {
	a.t.Helper()
	a.Mu.Lock()
	defer a.Mu.Unlock()
	if a.Files[path] == nil {
		a.t.Fatalf("the archive has no %s", path)
	}
	a.Files[path] = edit(bytes.Clone(a.Files[path]))
}

// Find returns a served file whose path holds part.
func (a *Archive) Find(part string) string {
	a.t.Helper()
	a.Mu.Lock()
	defer a.Mu.Unlock()
	for path := range a.Files {
		if strings.Contains(path, part) {
			return path
		}
	}
	a.t.Fatalf("the archive has no %s", part)
	return ""
}

// Keyring is a file with the archive's public key.
func (a *Archive) Keyring() string {
	a.t.Helper()
	path := filepath.Join(a.t.TempDir(), "keyring.asc")
	var b bytes.Buffer
	w, err := armor.Encode(&b, openpgp.PublicKeyType, nil)
	if err == nil {
		err = a.Key.Serialize(w)
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

// Client returns a client of the archive with a clock of the test's.
func (a *Archive) Client(cache string, now func() time.Time) *debian.Client {
	a.t.Helper()
	return a.Open(debian.Options{Cache: cache, Now: now, Vouch: a.vouch})
}

// Open returns a client that looks at some addresses before the archive's own.
func (a *Archive) Open(o debian.Options, before ...string) *debian.Client {
	a.t.Helper()
	if o.Keyring == "" {
		o.Keyring = a.Keyring()
	}
	mirrors := append(before, a.URL)
	o.Mirrors = map[string][]string{"debian": mirrors, "debian-security": mirrors}
	c, err := debian.New(o)
	if err != nil {
		a.t.Fatal(err)
	}
	return c
}
