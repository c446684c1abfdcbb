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
	"regexp"
	"slices"
	"strings"
	"testing"

	"github.com/ProtonMail/go-crypto/openpgp"
	"github.com/ProtonMail/go-crypto/openpgp/armor"
	"github.com/ProtonMail/go-crypto/openpgp/clearsign"
	"github.com/xi2/xz"

	"github.com/bakelite/bakelite/test/harness"
)

// TestRebuildTakesUpdates has the archive of security updates get a newer
// nginx: rebuild says what changed, bakes, and the next time finds nothing.
func TestRebuildTakesUpdates(t *testing.T) {
	first, s := harness.FirstBake(t), harness.NewSite(t)
	u := newUpdate(t, s, "nginx")
	rebuild := []string{"rebuild", "--json", "--skip-tests", "--target", "container", "--keyring", u.keyring, "--mirror", "debian-security=" + u.mirror, "web"}
	r := s.Run(rebuild...).Result(t)
	if !r.Rebuilt || r.Digest(t, "layout") == first.Outcome.Result(t).Digest(t, "layout") {
		t.Errorf("nothing was rebuilt: %+v", r)
	}
	if !slices.Contains(r.Changes, u.change) {
		t.Errorf("the changes %+v lack %+v", r.Changes, u.change)
	}
	lock := harness.Read(t, s.Lock())
	if !strings.Contains(lock, `name: nginx, version: "`+u.change.To+`"`) {
		t.Errorf("the lock lacks nginx %s", u.change.To)
	}
	again := s.Run(rebuild...).Result(t)
	if again.Rebuilt || len(again.Changes) != 0 || again.Digest(t, "layout") != r.Digest(t, "layout") || harness.Read(t, s.Lock()) != lock {
		t.Errorf("the second rebuild gave %+v, or wrote the lock", again)
	}
}

// TestRollbackOfTheArchive has a lock that is newer than what the archive
// gives, by date and by a version: nothing goes back unless somebody says so,
// and then the lock tells.
func TestRollbackOfTheArchive(t *testing.T) {
	s := harness.NewSite(t)
	lock := harness.Read(t, s.Lock())
	later := regexp.MustCompile(`(suite: trixie-security, .* date: ")20`).ReplaceAllString(lock, "${1}30")
	for _, args := range [][]string{{"lock", "web"}, {"rebuild", "--skip-tests", "web"}} {
		harness.WriteFile(t, s.Lock(), later)
		s.Run(args...).Want(t, 7, "trixie-security has the date", "a stale mirror or a rollback attack", "--insecure-allow-rollback")
		if harness.Read(t, s.Lock()) != later {
			t.Errorf("%s changed the lock", args[0])
		}
	}
	version := regexp.MustCompile(`name: nginx, version: "([^"]+)"`)
	real := version.FindStringSubmatch(lock)[1]
	newer := version.ReplaceAllString(lock, `name: nginx, version: "9:`+real+`"`)
	harness.WriteFile(t, s.Lock(), newer)
	s.Run("lock", "web").Want(t, 7, "would go back", "nginx:amd64 9:"+real+" -> "+real, "--insecure-allow-rollback")
	bake := []string{"rebuild", "--skip-tests", "--target", "container", "web"}
	s.Run(bake...).Want(t, 6, "the archive has nginx only as "+real, "--insecure-allow-rollback")
	back := s.Run(append(bake, "--insecure-allow-rollback")...).Want(t, 0).Says(t, "web: nginx 9:"+real+" -> "+real+" (downgrade)")
	if !strings.Contains(harness.Read(t, s.Lock()), "rollback:\n") {
		t.Errorf("the lock of a rebuild does not tell: %s", back.Stderr)
	}
	harness.WriteFile(t, s.Lock(), newer)
	s.Run("lock", "--insecure-allow-rollback", "web").Want(t, 0).Says(t, "web: nginx 9:"+real+" -> "+real+" (downgrade)")
	if got := harness.Read(t, s.Lock()); !strings.Contains(got, "rollback:\n  - {of: \"nginx:amd64\", from: \"9:"+real+"\", to: \""+real+"\"}\n") {
		t.Errorf("the lock does not tell:\n%.2000s", got)
	}
}

// update is the real archive of security updates with one more: a package of
// a lock, real but for its version. A key of the test signs its index.
type update struct {
	mirror, keyring string
	change          harness.Change
}

func newUpdate(t *testing.T, s harness.Site, name string) update {
	t.Helper()
	pin := regexp.MustCompile(`name: ` + name + `, version: "([^"]+)".* archive: ([a-z-]+), path: ([^,]+),`).FindStringSubmatch(harness.Read(t, s.Lock()))
	if pin == nil {
		t.Fatalf("the lock lacks %s", name)
	}
	u := update{change: harness.Change{Package: name, From: pin[1], To: pin[1] + "+e2e1"}}
	deb, stanza := newer(t, get(t, harness.Mirror(t, pin[2])+"/"+pin[3]), u.change)
	const suite, path = "dists/trixie-security/", "pool/updates/newer.deb"
	security := harness.Mirror(t, "debian-security") + "/" + suite
	packages := append(unpacked(t, get(t, security+"main/binary-amd64/Packages.xz")), fmt.Sprintf("%sFilename: %s\nSize: %d\nSHA256: %x\n\n", stanza, path, len(deb), sha256.Sum256(deb))...)
	// Its date is that of the real index: later, the real one would be older.
	date := regexp.MustCompile(`(?m)^Date: .*\n`).Find(get(t, security+"InRelease"))
	index, key := signedIndex(t, "Codename: trixie-security\n"+string(date), packages)
	u.keyring = keyringWith(t, key)
	served := map[string][]byte{"/" + suite + "InRelease": index, "/" + suite + "main/binary-amd64/Packages.gz": zipped(t, packages), "/" + path: deb}
	real := harness.ThroughMirror(t, "debian-security")
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if content, ok := served[r.URL.Path]; ok {
			_, _ = w.Write(content)
			return
		}
		real.ServeHTTP(w, r)
	}))
	t.Cleanup(server.Close)
	u.mirror = server.URL
	return u
}

// newer returns a package with another version, and its control file.
func newer(t *testing.T, deb []byte, c harness.Change) (made, control []byte) {
	t.Helper()
	dir := t.TempDir()
	old, tree, changed := filepath.Join(dir, "old.deb"), filepath.Join(dir, "tree"), filepath.Join(dir, "new.deb")
	harness.WriteFile(t, old, string(deb))
	harness.Tool(t, "dpkg-deb", "--raw-extract", old, tree)
	path := filepath.Join(tree, "DEBIAN", "control")
	text := strings.Replace(harness.Read(t, path), "\nVersion: "+c.From+"\n", "\nVersion: "+c.To+"\n", 1)
	harness.WriteFile(t, path, text)
	harness.Tool(t, "dpkg-deb", "-Zgzip", "--build", tree, changed)
	return []byte(harness.Read(t, changed)), []byte(text)
}

// signedIndex signs an index that lists Packages, plain and zipped.
func signedIndex(t *testing.T, head string, packages []byte) (index []byte, key *openpgp.Entity) {
	t.Helper()
	key, err := openpgp.NewEntity("Bakelite end-to-end test", "", "", nil)
	if err != nil {
		t.Fatal(err)
	}
	head += "SHA256:\n"
	for name, content := range map[string][]byte{"Packages": packages, "Packages.gz": zipped(t, packages)} {
		head += fmt.Sprintf(" %x %d main/binary-amd64/%s\n", sha256.Sum256(content), len(content), name)
	}
	var signed bytes.Buffer
	w, err := clearsign.Encode(&signed, key.PrivateKey, nil)
	if err == nil {
		_, err = io.WriteString(w, head)
	}
	if err == nil {
		err = w.Close()
	}
	if err != nil {
		t.Fatal(err)
	}
	return append(signed.Bytes(), '\n'), key
}

func zipped(t *testing.T, plain []byte) []byte {
	t.Helper()
	var out bytes.Buffer
	z := gzip.NewWriter(&out)
	if _, err := z.Write(plain); err != nil {
		t.Fatal(err)
	}
	if err := z.Close(); err != nil {
		t.Fatal(err)
	}
	return out.Bytes()
}

func unpacked(t *testing.T, packed []byte) []byte {
	t.Helper()
	r, err := xz.NewReader(bytes.NewReader(packed), 0)
	if err != nil {
		t.Fatal(err)
	}
	plain, err := io.ReadAll(r)
	if err != nil {
		t.Fatal(err)
	}
	return plain
}

func get(t *testing.T, url string) []byte {
	t.Helper()
	response, err := http.Get(url)
	if err != nil {
		t.Fatal(err)
	}
	defer response.Body.Close()
	content, err := io.ReadAll(response.Body)
	if err != nil || response.StatusCode != http.StatusOK {
		t.Fatalf("getting a file of the archive: %s, %v", response.Status, err)
	}
	return content
}

func keyringWith(t *testing.T, key *openpgp.Entity) string {
	t.Helper()
	keys, err := openpgp.ReadArmoredKeyRing(strings.NewReader(harness.Read(t, "../distro/debian/index/keyring/debian.asc")))
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
