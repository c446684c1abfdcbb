package keys_test

import (
	"bytes"
	"crypto/ecdsa"
	"crypto/ed25519"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/rsa"
	"crypto/x509"
	"encoding/asn1"
	"encoding/base64"
	"encoding/json"
	"encoding/pem"
	"errors"
	"fmt"
	"log/slog"
	"math/big"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	"github.com/bakelite/bakelite/publish/keys"

	"github.com/bakelite/bakelite/internal/fault"
	"github.com/bakelite/bakelite/publish/attest"
)

func words(text string) keys.Passphrase {
	return func() ([]byte, error) { return []byte(text), nil }
}

func TestGenerateAndLoadKey(t *testing.T) {
	for _, passphrase := range []string{"", "correct horse"} {
		private, public, err := keys.Generate([]byte(passphrase))
		if err != nil {
			t.Fatal(err)
		}
		path := filepath.Join(t.TempDir(), "key")
		if err := os.WriteFile(path, private, 0o600); err != nil {
			t.Fatal(err)
		}
		ask := words(passphrase)
		if passphrase == "" {
			ask = func() ([]byte, error) { return nil, errors.New("asked for nothing") }
		}
		key, err := keys.Load(path, ask)
		if err != nil {
			t.Fatal(err)
		}
		if text, _ := keys.PublicPEM(key.Public()); !bytes.Equal(text, public) {
			t.Error("the public halves differ")
		}
	}
}

func TestLoadKeyRefuses(t *testing.T) {
	dir := t.TempDir()
	private, _, _ := keys.Generate(nil)
	write := func(name string, text []byte, mode os.FileMode) string {
		path := filepath.Join(dir, name)
		if err := os.WriteFile(path, text, mode); err != nil {
			t.Fatal(err)
		}
		if err := os.Chmod(path, mode); err != nil {
			t.Fatal(err)
		}
		return path
	}
	for name, test := range map[string]struct {
		path string
		kind fault.Kind
		want string
	}{
		"group":  {write("group", private, 0o640), fault.Policy, "can be read by others"},
		"world":  {write("world", private, 0o604), fault.Policy, "can be read by others"},
		"large":  {write("large", make([]byte, keys.MaxSize+1), 0o600), fault.Invalid, "larger than the limit"},
		"folder": {dir, fault.Invalid, "not a regular file"},
		"absent": {filepath.Join(dir, "absent"), fault.Missing, "opening the signing key"},
		"text":   {write("text", []byte("SECRETTEXT"), 0o600), fault.Invalid, "not PEM"},
	} {
		t.Run(name, func(t *testing.T) {
			_, err := keys.Load(test.path, nil)
			if fault.KindOf(err) != test.kind || !strings.Contains(err.Error(), test.want) || strings.Contains(err.Error(), "SECRET") {
				t.Errorf("kind %d, %v", fault.KindOf(err), err)
			}
		})
	}
}

func TestParseKeyRefuses(t *testing.T) {
	box, _, _ := keys.Generate([]byte("right"))
	p521, _ := ecdsa.GenerateKey(elliptic.P521(), rand.Reader)
	rsa2304, _ := rsa.GenerateKey(rand.Reader, 2304)
	tests := map[string]struct {
		text []byte
		ask  keys.Passphrase
		want string
	}{
		"no passphrase":    {box, nil, "no passphrase"},
		"wrong passphrase": {box, words("SECRETwrong"), "does not open"},
		"no answer":        {box, func() ([]byte, error) { return nil, errors.New("no terminal") }, "no terminal"},
		"P-521":            {pkcs8(t, p521), nil, "P-521"},
		"RSA 2304":         {pkcs8(t, rsa2304), nil, "2304 bits"},
		"RSA 1024":         {shortRSA(t), nil, "not PKCS #8|too short"},
		"SEC 1":            {pem.EncodeToMemory(&pem.Block{Type: "EC PRIVATE KEY", Bytes: []byte("SECRET")}), nil, "not SEC 1"},
		"PKCS #1":          {pem.EncodeToMemory(&pem.Block{Type: "RSA PRIVATE KEY", Bytes: []byte("SECRET")}), nil, "not PKCS #1"},
		"DSA":              {pem.EncodeToMemory(&pem.Block{Type: "DSA PRIVATE KEY", Bytes: []byte("SECRET")}), nil, "is of the type"},
		"OpenSSL of old":   {pem.EncodeToMemory(&pem.Block{Type: "RSA PRIVATE KEY", Headers: map[string]string{"DEK-Info": "AES-256-CBC,00"}, Bytes: []byte("SECRET")}), words("right"), "the old way"},
		"encrypted PKCS 8": {pem.EncodeToMemory(&pem.Block{Type: "ENCRYPTED PRIVATE KEY", Bytes: []byte("SECRET")}), words("right"), "does not open"},
		"junk":             {pem.EncodeToMemory(&pem.Block{Type: "PRIVATE KEY", Bytes: []byte("SECRET")}), nil, "not PKCS #8"},
		"large":            {make([]byte, keys.MaxSize+1), nil, "larger than"},
	}
	for name, test := range tests {
		t.Run(name, func(t *testing.T) {
			_, err := keys.Parse(test.text, test.ask)
			found := false
			for _, want := range strings.Split(test.want, "|") {
				found = found || err != nil && strings.Contains(err.Error(), want)
			}
			if !found || fault.KindOf(err) != fault.Invalid && name != "no answer" || strings.Contains(err.Error(), "SECRET") {
				t.Errorf("got %v", err)
			}
		})
	}
}

func pkcs8(t *testing.T, private any) []byte {
	t.Helper()
	der, err := x509.MarshalPKCS8PrivateKey(private)
	if err != nil {
		t.Fatal(err)
	}
	return pem.EncodeToMemory(&pem.Block{Type: "PRIVATE KEY", Bytes: der})
}

// shortRSA makes what crypto/rsa no longer does.
func shortRSA(t *testing.T) []byte {
	t.Helper()
	for {
		p, _ := rand.Prime(rand.Reader, 512)
		q, _ := rand.Prime(rand.Reader, 512)
		one, e := big.NewInt(1), big.NewInt(65537)
		phi := new(big.Int).Mul(new(big.Int).Sub(p, one), new(big.Int).Sub(q, one))
		d := new(big.Int).ModInverse(e, phi)
		if d == nil || p.Cmp(q) == 0 {
			continue
		}
		key := &rsa.PrivateKey{PublicKey: rsa.PublicKey{N: new(big.Int).Mul(p, q), E: 65537}, D: d, Primes: []*big.Int{p, q}}
		key.Precompute()
		return pkcs8(t, key)
	}
}

func TestKeyIsHidden(t *testing.T) {
	ec, _ := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	scalar, err := ec.Bytes()
	if err != nil {
		t.Fatal(err)
	}
	_, ed, _ := ed25519.GenerateKey(rand.Reader)
	for _, k := range []struct {
		private any
		secret  []byte
	}{{ec, scalar}, {ed, ed.Seed()}} {
		key, err := keys.Parse(pkcs8(t, k.private), nil)
		if err != nil {
			t.Fatal(err)
		}
		hidden(t, key, k.secret)
	}
}

func hidden(t *testing.T, key keys.Key, secret []byte) {
	t.Helper()
	holder := struct {
		Key   keys.Key
		inner keys.Key
	}{key, key}
	var log bytes.Buffer
	slog.New(slog.NewJSONHandler(&log, nil)).Info("signing", "key", key, "holder", holder)
	text, _ := json.Marshal(holder)
	shown := log.String() + string(text)
	for _, value := range []any{key, &key, holder, &holder, attest.ByKey(key), attest.ByIdentity(attest.Keyless{Fallback: key})} {
		for _, verb := range []string{"%v", "%+v", "%#v", "%s", "%q", "%x", "%X", "%d", "%o", "%b"} {
			shown += fmt.Sprintf(verb, value) + "\n"
		}
	}
	for _, leak := range []string{
		new(big.Int).SetBytes(secret).String(), fmt.Sprintf("%x", secret), fmt.Sprintf("%X", secret),
		strings.Trim(fmt.Sprint(secret), "[]"), base64.StdEncoding.EncodeToString(secret), "PrivateKey",
	} {
		if strings.Contains(shown, leak) {
			t.Errorf("%q shows in %.300s", leak, shown)
		}
	}
}

// TestKeysOfOpenSSL reads every form that openssl writes a key in.
func TestKeysOfOpenSSL(t *testing.T) {
	openssl, err := exec.LookPath("openssl")
	if err != nil {
		t.Skip(err)
	}
	dir := t.TempDir()
	run := func(args ...string) []byte {
		t.Helper()
		cmd := exec.CommandContext(t.Context(), openssl, args...)
		cmd.Dir = dir
		out, err := cmd.CombinedOutput()
		if err != nil {
			t.Fatalf("openssl %v: %v\n%s", args, err, out)
		}
		return out
	}
	run("ecparam", "-name", "prime256v1", "-genkey", "-out", "sec1") // its parameters stand first
	run("genpkey", "-algorithm", "ed25519", "-out", "ed25519")
	run("genrsa", "-traditional", "-out", "pkcs1", "2048")
	run("pkcs8", "-topk8", "-in", "pkcs1", "-out", "encrypted", "-passout", "pass:right")
	run("pkcs8", "-topk8", "-in", "sec1", "-out", "scrypt", "-scrypt", "-passout", "pass:right")
	run("pkcs8", "-topk8", "-in", "ed25519", "-out", "des", "-v2", "des3", "-passout", "pass:right")
	for name, passphrase := range map[string]keys.Passphrase{
		"sec1": nil, "ed25519": nil, "pkcs1": nil, "encrypted": words("right"), "scrypt": words("right"), "des": words("right"),
	} {
		text, err := os.ReadFile(filepath.Join(dir, name))
		if err != nil {
			t.Fatal(err)
		}
		key, err := keys.Parse(text, passphrase)
		if err != nil {
			t.Errorf("%s: %v", name, err)
			continue
		}
		public, err := keys.PublicPEM(key.Public())
		if theirs := run("pkey", "-in", name, "-pubout", "-passin", "pass:right"); err != nil || string(public) != string(theirs) {
			t.Errorf("%s: the public key is another one (%v)", name, err)
		}
		if passphrase == nil {
			continue
		}
		for _, wrong := range []string{"wrong", ""} {
			if _, err := keys.Parse(text, words(wrong)); fault.KindOf(err) != fault.Invalid || !strings.Contains(err.Error(), "does not open") {
				t.Errorf("%s with the passphrase %q: %v", name, wrong, err)
			}
		}
		block, _ := pem.Decode(text)
		for n := range len(block.Bytes) {
			cut := pem.EncodeToMemory(&pem.Block{Type: block.Type, Bytes: cutAt(block.Bytes, n)})
			if n%17 == 0 {
				if _, err := keys.Parse(cut, words("right")); fault.KindOf(err) != fault.Invalid {
					t.Errorf("%s, cut after %d bytes: %v", name, n, err)
				}
			}
		}
	}
}

// cutAt is DER whose last octet string was cut, and whose lengths were made to
// fit; only the library's own checks stand between it and the cipher.
func cutAt(der []byte, n int) []byte {
	var info struct {
		Algorithm asn1.RawValue
		Data      []byte
	}
	if _, err := asn1.Unmarshal(der, &info); err != nil || n >= len(info.Data) {
		return der[:n]
	}
	info.Data = info.Data[:n]
	text, err := asn1.Marshal(info)
	if err != nil {
		return der[:n]
	}
	return text
}

// FuzzParseKey: no text makes a key reader panic or quote what it read.
func FuzzParseKey(f *testing.F) {
	for _, passphrase := range []string{"", "secret"} {
		private, public, err := keys.Generate([]byte(passphrase))
		if err != nil {
			f.Fatal(err)
		}
		f.Add(private)
		f.Add(public)
	}
	f.Fuzz(func(_ *testing.T, text []byte) {
		_, _ = keys.ParsePublic(text)
		_, _ = keys.Parse(text, nil)
	})
}
