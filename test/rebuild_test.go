package test

import (
	"bytes"
	"crypto/sha256"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/ProtonMail/go-crypto/openpgp"
	"github.com/ProtonMail/go-crypto/openpgp/armor"
	"github.com/ProtonMail/go-crypto/openpgp/clearsign"
)

// TestRebuildTakesUpdates locks the example against an archive without
// security updates, as it was before they appeared, and then against the real
// one: rebuild says what changed, bakes, and the next time finds nothing.
func TestRebuildTakesUpdates(t *testing.T) {
	s := newSite(t)
	if err := os.Remove(s.lock()); err != nil {
		t.Fatal(err)
	}
	mirror, keyring := withoutUpdates(t)
	s.run("lock", "--keyring", keyring, "--mirror", "debian-security="+mirror, "web").want(t, 0)
	if old := read(t, s.lock()); strings.Contains(old, "archive: debian-security,") {
		t.Fatal("the old lock holds packages of debian-security")
	}
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
	date := time.Now().UTC().Add(-time.Minute).Format("Mon, 02 Jan 2006 15:04:05 UTC")
	index := fmt.Sprintf("Codename: trixie-security\nDate: %s\nSHA256:\n %x 0 main/binary-amd64/Packages\n %x 0 main/binary-arm64/Packages\n",
		date, sha256.Sum256(nil), sha256.Sum256(nil))
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
		switch r.URL.Path {
		case "/dists/trixie-security/InRelease":
			_, _ = w.Write(signed.Bytes())
		case "/dists/trixie-security/main/binary-amd64/Packages", "/dists/trixie-security/main/binary-arm64/Packages":
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
