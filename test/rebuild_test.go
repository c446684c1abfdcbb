package test

import (
	"bytes"
	"compress/gzip"
	"crypto/sha256"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/ProtonMail/go-crypto/openpgp"
	"github.com/ProtonMail/go-crypto/openpgp/armor"
	"github.com/ProtonMail/go-crypto/openpgp/clearsign"
)

// TestRebuildTakesUpdates locks the example against an archive without
// security updates, as it was before they appeared, and then against the real
// one: rebuild says what changed, bakes, and the next time finds nothing. The
// old lock is made on a state folder that has not seen the newer archive.
func TestRebuildTakesUpdates(t *testing.T) {
	s := newSite(t)
	warm := s.state
	s.freshState()
	if err := os.Remove(s.lock()); err != nil {
		t.Fatal(err)
	}
	mirror, keyring := withoutUpdates(t)
	s.run("lock", "--keyring", keyring, "--mirror", "debian-security="+mirror, "web").want(t, 0)
	if old := read(t, s.lock()); strings.Contains(old, "archive: debian-security,") {
		t.Fatal("the old lock holds packages of debian-security")
	}
	s.state = warm
	rebuild := []string{"rebuild", "--json", "--skip-tests", "--target", "container", "web"}
	r := s.run(rebuild...).result(t)
	if !r.Rebuilt {
		t.Error("nothing was rebuilt")
	}
	changes := map[string]change{}
	for _, c := range r.Changes {
		changes[c.Package] = c
	}
	if c := changes["nginx"]; c.From == "" || c.To == "" || c.From == c.To {
		t.Errorf("nginx: %+v of %d changes", c, len(changes))
	}
	lock := read(t, s.lock())
	if !strings.Contains(lock, `name: nginx, version: "`+changes["nginx"].To+`"`) {
		t.Errorf("the lock lacks nginx %s", changes["nginx"].To)
	}
	again := s.run(rebuild...).result(t)
	if again.Rebuilt || len(again.Changes) != 0 || again.digest(t, "layout") != r.digest(t, "layout") || read(t, s.lock()) != lock {
		t.Errorf("the second rebuild gave %+v, or wrote the lock", again)
	}
}

// withoutUpdates serves an empty trixie-security, signed by a key of this
// test, and returns its address and a keyring with that key and Debian's.
func withoutUpdates(t *testing.T) (mirror, keyring string) {
	t.Helper()
	key, err := openpgp.NewEntity("Bakelite end-to-end test", "", "", nil)
	if err != nil {
		t.Fatal(err)
	}
	var empty bytes.Buffer
	if err := gzip.NewWriter(&empty).Close(); err != nil {
		t.Fatal(err)
	}
	index := "Codename: trixie-security\nDate: Sat, 09 Aug 2025 12:00:00 UTC\nSHA256:\n"
	for _, arch := range []string{"amd64", "arm64"} {
		index += fmt.Sprintf(" %x 0 main/binary-%s/Packages\n", sha256.Sum256(nil), arch)
		index += fmt.Sprintf(" %x %d main/binary-%s/Packages.gz\n", sha256.Sum256(empty.Bytes()), empty.Len(), arch)
	}
	var signed bytes.Buffer
	w, err := clearsign.Encode(&signed, key.PrivateKey, nil)
	if err == nil {
		_, err = io.WriteString(w, index)
	}
	if err == nil {
		err = w.Close()
	}
	if err != nil {
		t.Fatal(err)
	}
	signed.WriteByte('\n')
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		switch {
		case r.URL.Path == "/dists/trixie-security/InRelease":
			_, _ = w.Write(signed.Bytes())
		case strings.HasSuffix(r.URL.Path, "/Packages.gz"):
			_, _ = w.Write(empty.Bytes())
		default:
			http.NotFound(w, r)
		}
	}))
	t.Cleanup(server.Close)
	return server.URL, keyringWith(t, key)
}

func keyringWith(t *testing.T, key *openpgp.Entity) string {
	t.Helper()
	keys, err := openpgp.ReadArmoredKeyRing(strings.NewReader(read(t, "../internal/archive/keyring/debian.asc")))
	if err != nil {
		t.Fatal(err)
	}
	var out bytes.Buffer
	w, err := armor.Encode(&out, openpgp.PublicKeyType, nil)
	for _, k := range append(keys, key) {
		if err == nil {
			err = k.Serialize(w)
		}
	}
	if err == nil {
		err = w.Close()
	}
	path := filepath.Join(t.TempDir(), "keyring.asc")
	if err == nil {
		err = os.WriteFile(path, out.Bytes(), 0o600)
	}
	if err != nil {
		t.Fatal(err)
	}
	return path
}
