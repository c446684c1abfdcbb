package uki

import (
	"bytes"
	"crypto/ecdsa"
	"crypto/ed25519"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/rsa"
	"crypto/x509"
	"encoding/json"
	"encoding/pem"
	"fmt"
	"math/big"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/bakelite/bakelite/internal/fault"
)

func block(kind string, der []byte) []byte {
	return pem.EncodeToMemory(&pem.Block{Type: kind, Bytes: der})
}

func pkcs8(key any) []byte {
	der, err := x509.MarshalPKCS8PrivateKey(key)
	if err != nil {
		panic(err)
	}
	return block("PRIVATE KEY", der)
}

func TestLoadSigner(t *testing.T) {
	s := testSigner()
	cert := block("CERTIFICATE", s.Certificate.Raw)
	rsaKey, ok := s.Key.(*rsa.PrivateKey)
	if !ok {
		t.Fatal("no RSA key")
	}
	for name, key := range map[string][]byte{
		"PKCS #8": pkcs8(rsaKey), "PKCS #1": block("RSA PRIVATE KEY", x509.MarshalPKCS1PrivateKey(rsaKey)),
		"both in one file": append(bytes.Clone(cert), pkcs8(rsaKey)...),
	} {
		got, err := LoadSigner(key, cert, testNow)
		if err != nil {
			t.Fatalf("%s: %v", name, err)
		}
		if !rsaKey.Equal(got.Key) || !got.Certificate.Equal(s.Certificate) {
			t.Errorf("%s: another key", name)
		}
	}
}

func TestLoadSignerRefuses(t *testing.T) {
	s, long := testSigner(), newSigner(4096+8, "long")
	ec, _ := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	_, ed, _ := ed25519.GenerateKey(rand.Reader)
	ecDER, _ := x509.MarshalECPrivateKey(ec)
	key, cert := pkcs8(s.Key), block("CERTIFICATE", s.Certificate.Raw)
	old := "-----BEGIN RSA PRIVATE KEY-----\nProc-Type: 4,ENCRYPTED\nDEK-Info: AES-128-CBC,00\n\nAAAA\n-----END RSA PRIVATE KEY-----\n"
	for name, test := range map[string]struct {
		key, cert []byte
		now       time.Time
		want      string
	}{
		"mismatch":          {pkcs8(newSigner(2048, "two").Key), cert, testNow, "not of this key"},
		"expired":           {key, cert, testNow.AddDate(101, 0, 0), "valid from 2025-01-01 to 2125-01-02, not on 2126-01-02"},
		"not yet":           {key, cert, testNow.AddDate(-1, 0, 0), "not on 2024-01-02"},
		"EC":                {pkcs8(ec), cert, testNow, "kind EC"},
		"EC, old form":      {block("EC PRIVATE KEY", ecDER), cert, testNow, "kind EC"},
		"Ed25519":           {pkcs8(ed), cert, testNow, "kind Ed25519"},
		"encrypted":         {block("ENCRYPTED PRIVATE KEY", []byte{1}), cert, testNow, "encrypted"},
		"encrypted old":     {[]byte(old), cert, testNow, "encrypted"},
		"damaged":           {block("PRIVATE KEY", []byte{1}), cert, testNow, "damaged"},
		"no key":            {cert, cert, testNow, "no private key"},
		"no certificate":    {key, key, testNow, "no certificate"},
		"two certificates":  {key, append(bytes.Clone(cert), cert...), testNow, "more than one"},
		"bad certificate":   {key, block("CERTIFICATE", []byte{1}), testNow, "damaged"},
		"EC certificate":    {key, ecCertificate(t, ec), testNow, "kind ECDSA"},
		"long":              {pkcs8(long.Key), block("CERTIFICATE", long.Certificate.Raw), testNow, "4104 bits"},
		"large":             {make([]byte, MaxPEM+1), cert, testNow, "larger"},
		"large certificate": {key, make([]byte, MaxPEM+1), testNow, "larger"},
	} {
		got, err := LoadSigner(test.key, test.cert, test.now)
		if got != nil || fault.KindOf(err) != fault.Invalid || !strings.Contains(err.Error(), test.want) || !strings.Contains(fault.HintOf(err), "openssl") {
			t.Errorf("%s: %v, hint %q", name, err, fault.HintOf(err))
		}
		if err != nil && leaks(test.key, err.Error()+fault.HintOf(err)) {
			t.Errorf("%s: the error shows the key: %v", name, err)
		}
	}
}

func ecCertificate(t *testing.T, key *ecdsa.PrivateKey) []byte {
	template := &x509.Certificate{SerialNumber: big.NewInt(1), NotBefore: testNow, NotAfter: testNow.AddDate(1, 0, 0)}
	der, err := x509.CreateCertificate(rand.Reader, template, template, key.Public(), key)
	if err != nil {
		t.Fatal(err)
	}
	return block("CERTIFICATE", der)
}

// leaks says whether text holds a line of a key's PEM.
func leaks(key []byte, text string) bool {
	for line := range strings.Lines(string(key)) {
		if line = strings.TrimSpace(line); len(line) > 30 && !strings.HasPrefix(line, "-") && strings.Contains(text, line) {
			return true
		}
	}
	return false
}

// TestSignerHidesItsKey formats a signer in all the ways that print a struct.
func TestSignerHidesItsKey(t *testing.T) {
	s := testSigner()
	key, ok := s.Key.(*rsa.PrivateKey)
	if !ok {
		t.Fatal("no RSA key")
	}
	inside := struct{ S *Signer }{&s}
	texts := []string{fmt.Sprint(Signer{}), fmt.Sprintf("%v", (*Signer)(nil))}
	for _, verb := range []string{"%v", "%+v", "%#v", "%s", "%q", "%x", "%d"} {
		texts = append(texts, fmt.Sprintf(verb, s), fmt.Sprintf(verb, &s), fmt.Sprintf(verb, inside), fmt.Sprintf(verb, []Signer{s}))
	}
	data, err := json.Marshal(map[string]any{"a": s, "b": inside})
	if err != nil {
		t.Fatal(err)
	}
	for _, text := range append(texts, string(data)) {
		for _, number := range []*big.Int{key.D, key.Primes[0], key.Primes[1]} {
			for _, form := range []string{number.String(), number.Text(16), fmt.Sprint(number.Bits())} {
				if strings.Contains(text, form) {
					t.Fatalf("%.60s… shows the key", text)
				}
			}
		}
	}
	if got := fmt.Sprintf("%+v", &s); got != "signer CN=one" {
		t.Errorf("formats as %q", got)
	}
}

// TestHintWorks runs the command of the hint and signs with what it makes.
func TestHintWorks(t *testing.T) {
	if _, err := exec.LookPath("openssl"); err != nil {
		t.Skip("SKIPPED: openssl is not installed (apt-get install openssl)")
	}
	dir := t.TempDir()
	_, command, _ := strings.Cut(makeHint, ": ")
	if !strings.Contains(string(readFile(t, "../../../docs/secure-boot.md")), "\n"+command+"\n") {
		t.Error("docs/secure-boot.md does not show the command of the hint")
	}
	cmd := exec.Command("/bin/sh", "-c", command)
	cmd.Dir = dir
	if out, err := cmd.CombinedOutput(); err != nil {
		t.Fatalf("%v\n%s", err, out)
	}
	s, err := LoadSigner(readFile(t, filepath.Join(dir, "secure-boot.key")), readFile(t, filepath.Join(dir, "secure-boot.crt")), time.Now())
	if err != nil {
		t.Fatal(err)
	}
	_, signed := signedBytes(t, *s, "")
	if err := Verify(bytes.NewReader(signed), s.Certificate); err != nil {
		t.Error(err)
	}
	for tool, run := range verifiers(t, s.Certificate) {
		if out, err := run(signed); err != nil {
			t.Errorf("%s: %v\n%s", tool, err, out)
		}
	}
}

func readFile(t *testing.T, path string) []byte {
	t.Helper()
	data, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	return data
}
