package secrets

import (
	"bytes"
	"crypto"
	"crypto/ecdh"
	"crypto/ecdsa"
	"crypto/ed25519"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/rsa"
	"crypto/sha256"
	"crypto/x509"
	"encoding/asn1"
	"encoding/base64"
	"encoding/binary"
	"encoding/json"
	"encoding/pem"
	"fmt"
	"strings"
	"testing"
	"unicode/utf16"

	"golang.org/x/crypto/ssh"
)

// made are keys of each kind, made for one test.
type made struct {
	rsa *rsa.PrivateKey
	ec  *ecdsa.PrivateKey
	ed  ed25519.PrivateKey
}

func makeKeys(t *testing.T) made {
	t.Helper()
	var m made
	var err error
	if m.rsa, err = rsa.GenerateKey(rand.Reader, 2048); err != nil {
		t.Fatal(err)
	}
	if m.ec, err = ecdsa.GenerateKey(elliptic.P256(), rand.Reader); err != nil {
		t.Fatal(err)
	}
	if _, m.ed, err = ed25519.GenerateKey(rand.Reader); err != nil {
		t.Fatal(err)
	}
	return m
}

func pkcs8Of(t *testing.T, key crypto.PrivateKey) []byte {
	t.Helper()
	der, err := x509.MarshalPKCS8PrivateKey(key)
	if err != nil {
		t.Fatal(err)
	}
	return der
}

func sec1Of(t *testing.T, key *ecdsa.PrivateKey) []byte {
	t.Helper()
	der, err := x509.MarshalECPrivateKey(key)
	if err != nil {
		t.Fatal(err)
	}
	return der
}

func block(label string, der []byte) string {
	return string(pem.EncodeToMemory(&pem.Block{Type: label, Bytes: der}))
}

func openSSH(t *testing.T, key crypto.PrivateKey, phrase string) string {
	t.Helper()
	made, err := ssh.MarshalPrivateKey(key, "")
	if phrase != "" {
		made, err = ssh.MarshalPrivateKeyWithPassphrase(key, "", []byte(phrase))
	}
	if err != nil {
		t.Fatal(err)
	}
	return string(pem.EncodeToMemory(made))
}

// shroudedOf is an encrypted key's form, RFC 5958, with bytes for the key.
func shroudedOf(t *testing.T, oid asn1.ObjectIdentifier) []byte {
	t.Helper()
	type algorithm struct {
		ID         asn1.ObjectIdentifier
		Parameters asn1.RawValue
	}
	der, err := asn1.Marshal(struct {
		Algorithm algorithm
		Key       []byte
	}{algorithm{oid, asn1.RawValue{FullBytes: []byte{0x30, 2, 5, 0}}}, letterBytes(64)})
	if err != nil {
		t.Fatal(err)
	}
	return der
}

func letterBytes(n int) []byte {
	random := make([]byte, n)
	_, _ = rand.Read(random)
	return random
}

func utf16Of(text string, order binary.AppendByteOrder) []byte {
	var out []byte
	for _, unit := range utf16.Encode([]rune(text)) {
		out = order.AppendUint16(out, unit)
	}
	return out
}

func bech32(n int) string {
	const letters = "QPZRY9X8GF2TVDW0S3JN54KHCE6MUA7L"
	text := letterBytes(n)
	for i := range text {
		text[i] = letters[text[i]%32]
	}
	return string(text)
}

// TestEveryFormOfKey finds a key in each form, and says which are encrypted.
// wrapped is a text in lines of 76 letters, as base64(1) writes it.
func wrapped(text string) string {
	var lines strings.Builder
	for len(text) > 76 {
		lines.WriteString(text[:76] + "\n")
		text = text[76:]
	}
	return lines.String() + text + "\n"
}

func TestEveryFormOfKey(t *testing.T) {
	m := makeKeys(t)
	x25519, err := ecdh.X25519().GenerateKey(rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	whole := block("PRIVATE KEY", pkcs8Of(t, m.rsa))
	account, _ := json.Marshal(map[string]string{"type": "service_account", "private_key": whole})
	legacy, err := x509.EncryptPEMBlock(rand.Reader, "RSA PRIVATE KEY", x509.MarshalPKCS1PrivateKey(m.rsa), []byte("x"), x509.PEMCipherAES256) //nolint:staticcheck // such keys are around
	if err != nil {
		t.Fatal(err)
	}
	d := base64.RawURLEncoding.EncodeToString(letterBytes(32))
	pbes2, pkcs12 := asn1.ObjectIdentifier{1, 2, 840, 113549, 1, 5, 13}, asn1.ObjectIdentifier{1, 2, 840, 113549, 1, 12, 1, 3}
	twoParts := append([]byte{0x30, 0x51, 2, 1, 1, 0x30, 5, 6, 3, 0x2b, 0x65, 0x70, 4, 0x22, 4, 0x20}, append(m.ed.Seed(), append([]byte{0x81, 0x21, 0}, m.ed.Public().(ed25519.PublicKey)...)...)...)
	for name, tt := range map[string]struct {
		data           any // string or []byte
		rule, severity string
	}{
		"PKCS #8":                             {whole, PrivateKey, high},
		"PKCS #1":                             {block("RSA PRIVATE KEY", x509.MarshalPKCS1PrivateKey(m.rsa)), PrivateKey, high},
		"SEC 1":                               {block("EC PRIVATE KEY", sec1Of(t, m.ec)), PrivateKey, high},
		"Ed25519":                             {block("PRIVATE KEY", pkcs8Of(t, m.ed)), PrivateKey, high},
		"OpenSSH":                             {openSSH(t, m.ed, ""), PrivateKey, high},
		"OpenSSH with a passphrase":           {openSSH(t, m.ed, "x"), PrivateKey, medium},
		"OpenPGP":                             {block("PGP PRIVATE KEY BLOCK", letterBytes(600)), PrivateKey, high},
		"PKCS #8, encrypted":                  {block("ENCRYPTED PRIVATE KEY", shroudedOf(t, pbes2)), PrivateKey, medium},
		"PKCS #1, encrypted":                  {string(pem.EncodeToMemory(legacy)), PrivateKey, medium},
		"cosign":                              {block("ENCRYPTED COSIGN PRIVATE KEY", letterBytes(300)), PrivateKey, medium},
		"Sigstore":                            {block("ENCRYPTED SIGSTORE PRIVATE KEY", letterBytes(300)), PrivateKey, medium},
		"TPM":                                 {block("TSS2 PRIVATE KEY", letterBytes(200)), PrivateKey, medium},
		"JSON":                                {account, PrivateKey, high},
		"one line":                            {strings.ReplaceAll(whole, "\n", " "), PrivateKey, high},
		"Windows":                             {strings.ReplaceAll(whole, "\n", "\r\n"), PrivateKey, high},
		"comment":                             {"# " + strings.ReplaceAll(whole, "\n", "\n# "), PrivateKey, high},
		"source":                              {`"` + strings.ReplaceAll(whole, "\n", "\\n\"\n  \"") + `"`, PrivateKey, high},
		"YAML":                                {"key: |\n  " + strings.ReplaceAll(whole, "\n", "\n  "), PrivateKey, high},
		"base64":                              {"data:\n  tls.key: " + base64.StdEncoding.EncodeToString([]byte(whole)) + "\n", PrivateKey, high},
		"base64, not at its beginning":        {"key: " + base64.StdEncoding.EncodeToString([]byte("#\n"+whole)), PrivateKey, high},
		"base64, not at its beginning either": {base64.StdEncoding.EncodeToString([]byte("#" + whole)), PrivateKey, high},
		"base64, in lines":                    {wrapped(base64.StdEncoding.EncodeToString([]byte(whole))), PrivateKey, high},
		"base64, encrypted":                   {base64.StdEncoding.EncodeToString([]byte(block("ENCRYPTED PRIVATE KEY", shroudedOf(t, pbes2)))), PrivateKey, medium},
		"base64 of base64":                    {"key: " + base64.StdEncoding.EncodeToString([]byte(base64.StdEncoding.EncodeToString([]byte(whole)))), PrivateKey, high},
		"base64 of base64, in lines":          {wrapped(base64.StdEncoding.EncodeToString([]byte(wrapped(base64.StdEncoding.EncodeToString([]byte(whole)))))), PrivateKey, high},
		"base64 of base64, inside":            {base64.StdEncoding.EncodeToString([]byte("a: b\nkey: " + base64.StdEncoding.EncodeToString([]byte("##"+whole)))), PrivateKey, high},
		"base64 of DER":                       {"key=" + base64.StdEncoding.EncodeToString(pkcs8Of(t, m.rsa)), PrivateKey, high},
		"base64 of DER, in lines":             {wrapped(base64.StdEncoding.EncodeToString(pkcs8Of(t, m.rsa))), PrivateKey, high},
		"base64 of DER, EC":                   {`{"k": "` + base64.StdEncoding.EncodeToString(pkcs8Of(t, m.ec)) + `"}`, PrivateKey, high},
		"base64 of DER, Ed25519":              {base64.StdEncoding.EncodeToString(pkcs8Of(t, m.ed)), PrivateKey, high},
		"base64 of DER, PKCS #1":              {base64.StdEncoding.EncodeToString(x509.MarshalPKCS1PrivateKey(m.rsa)), PrivateKey, high},
		"base64 of DER, SEC 1":                {base64.StdEncoding.EncodeToString(sec1Of(t, m.ec)), PrivateKey, high},
		"base64 of DER, encrypted":            {base64.StdEncoding.EncodeToString(shroudedOf(t, pbes2)), PrivateKey, medium},
		"cut":                                 {whole[:1000], PrivateKey, high},
		"UTF-16, little":                      {utf16Of("\ufeff"+whole, binary.LittleEndian), PrivateKey, high},
		"UTF-16, big":                         {utf16Of("\ufeff"+whole, binary.BigEndian), PrivateKey, high},
		"age":                                 {"AGE-SECRET-KEY-1" + bech32(58), AgeKey, medium},
		"age, for post-quantum":               {"AGE-SECRET-KEY-PQ-1" + bech32(58), AgeKey, medium},
		"PuTTY":                               {"PuTTY-User-Key-File-3: ssh-ed25519\r\nEncryption: none\r\n", PrivateKey, high},
		"PuTTY with a passphrase":             {"PuTTY-User-Key-File-2: ssh-rsa\nEncryption: aes256-cbc\n", PrivateKey, medium},
		"JWK":                                 {`{"kty": "EC", "crv": "P-256", "x": "abc", "d": "` + d + `"}`, PrivateKey, high},
		"JWK, symmetric":                      {`{"k":"` + d + `","kty":"oct"}`, PrivateKey, high},
		"GnuPG":                               {"(11:private-key(3:rsa(1:n257:", PrivateKey, high},
		"GnuPG, protected":                    {"Created: 20261128T000000\nKey: (protected-private-key (ecc (curve Ed25519)", PrivateKey, medium},
		"OpenPGP's bytes":                     {append([]byte{0x95, 3, 0x98, 4, 0x69, 1, 2, 3, 1, 8, 0}, letterBytes(300)...), PrivateKey, high},
		"OpenPGP's bytes, new form":           {append([]byte{0xc5, 0x58, 4, 0x69, 1, 2, 3, 22, 9}, letterBytes(300)...), PrivateKey, high},
		"PKCS #8 in DER":                      {pkcs8Of(t, m.rsa), PrivateKey, high},
		"PKCS #8 in DER, EC":                  {pkcs8Of(t, m.ec), PrivateKey, high},
		"PKCS #8 in DER, Ed25519":             {pkcs8Of(t, m.ed), PrivateKey, high},
		"PKCS #8 in DER, X25519":              {pkcs8Of(t, x25519), PrivateKey, high},
		"PKCS #8 in DER, with its public key": {twoParts, PrivateKey, high},
		"PKCS #1 in DER":                      {x509.MarshalPKCS1PrivateKey(m.rsa), PrivateKey, high},
		"SEC 1 in DER":                        {sec1Of(t, m.ec), PrivateKey, high},
		"PKCS #8 in DER, encrypted":           {shroudedOf(t, pbes2), PrivateKey, medium},
		"PKCS #12's way":                      {shroudedOf(t, pkcs12), PrivateKey, medium},
	} {
		data := []byte(fmt.Sprintf("%s", tt.data))
		for _, front := range []string{"", "\x00", "\x7fELF\x00\x01", strings.Repeat("text\n", 3)} {
			if strings.HasPrefix(name, "OpenPGP's bytes") && front != "" {
				continue // they tell nothing but at the beginning
			}
			if strings.HasPrefix(name, "JWK") && front != "" && front[0] == 0x7f {
				continue
			}
			found := scanBytes(t, append([]byte(front), data...))
			if len(found) != 1 || found[0].Rule != tt.rule || found[0].Severity != tt.severity {
				t.Errorf("%s after %q: %+v", name, front, found)
			}
		}
	}
}

func scanBytes(t *testing.T, data []byte) []Finding {
	t.Helper()
	found, err := New(Limits{}).Bytes(t.Context(), "file", data, true)
	if err != nil {
		t.Fatal(err)
	}
	return found
}

// TestWhatIsNoKey: what only looks like a key, or has one half, is none.
func TestWhatIsNoKey(t *testing.T) {
	m := makeKeys(t)
	spki, err := x509.MarshalPKIXPublicKey(m.rsa.Public())
	if err != nil {
		t.Fatal(err)
	}
	snmp := append([]byte{0x30, 0x29, 2, 1, 1, 4, 16}, append([]byte("a public community")[:16], append([]byte{0xa0, 0x14}, make([]byte, 20)...)...)...)
	template := append([]byte{0x30, 0x2e, 2, 1, 0, 0x30, 5, 6, 3, 0x2b, 0x65, 0x70, 4, 0x22, 4, 0x20, 0x30, 0x47}, make([]byte, 64)...)
	for name, data := range map[string]string{
		"public key":        block("PUBLIC KEY", spki) + string(spki),
		"public PKCS #1":    block("RSA PUBLIC KEY", x509.MarshalPKCS1PublicKey(&m.rsa.PublicKey)),
		"certificate":       block("CERTIFICATE", letterBytes(800)),
		"words of programs": "-----BEGIN PRIVATE KEY-----\x00-----END PRIVATE KEY-----\x00-----BEGIN \x00ANY PRIVATE KEY\x00" + strings.Repeat("A", 900),
		"manual":            "-----BEGIN PRIVATE KEY-----\n...\n-----END PRIVATE KEY-----\n",
		"manual, longer":    "-----BEGIN PRIVATE KEY-----\nMIIEvQIBADANBgkqhkiG9w0BAQEFAASCBKcwggSjAgEAAoIBAQ...\n",
		"public JWK":        `{"kty":"EC","x":"` + strings.Repeat("a", 43) + `"}, {"d":"` + strings.Repeat("b", 43) + `"}`,
		"age recipient":     "age1" + strings.ToLower(bech32(58)),
		"SNMP":              string(snmp),
		"beginning of one":  string(template),
		"GnuPG's words":     "(11:private-key(%s(protected-private-key\x00Key: (private-key \x00",
	} {
		if found := scanBytes(t, []byte(data)); len(found) > 0 {
			t.Errorf("%s: %+v", name, found)
		}
	}
}

// TestPublishedKeys: what everybody has from Debian's programs is no finding
// in a program, and one anywhere else.
func TestPublishedKeys(t *testing.T) {
	if n := len(published()); n < 30 {
		t.Fatalf("the list has %d keys", n)
	}
	m := makeKeys(t)
	der := pkcs8Of(t, m.ec)
	s := New(Limits{})
	s.published[sha256.Sum256(der)] = true
	for _, key := range []string{block("PRIVATE KEY", der), string(der)} {
		for text, want := range map[string]int{
			"\x7fELF program " + key: 0, "\x7fELF program " + key + block("PRIVATE KEY", pkcs8Of(t, m.ed)): 1, key: 1,
		} {
			found, err := s.Bytes(t.Context(), "f", []byte(text), true)
			if err != nil || len(found) != want {
				t.Errorf("%.20q: %+v, %v; want %d", text, found, err, want)
			}
		}
	}
}

func TestLines(t *testing.T) {
	m := makeKeys(t)
	text := "a\nb\n" + block("PRIVATE KEY", pkcs8Of(t, m.ed)) + "c\n" + block("PRIVATE KEY", pkcs8Of(t, m.ec))
	found := scanBytes(t, []byte(text))
	if len(found) != 2 || found[0].Line != 4 || found[1].Line != 8 {
		t.Errorf("got %+v", found)
	}
}

// TestWindows has keys at and around each place where a stream is cut.
func TestWindows(t *testing.T) {
	m := makeKeys(t)
	key := []byte(block("PRIVATE KEY", pkcs8Of(t, m.rsa)))
	const first = behind + windowBytes
	for _, at := range []int{0, first - len(key), first - 10, first - 1, first, first + 1, first + ahead - 100, first + ahead - len(key)/2, first + ahead, first + windowBytes, 2*first + 100} {
		data := append(bytes.Repeat([]byte(".\n"), at/2), key...)
		data = append(data, bytes.Repeat([]byte("\n"), 3*windowBytes-len(data))...)
		s := New(Limits{})
		for name, look := range map[string]func() ([]Finding, error){
			"stream": func() ([]Finding, error) { return s.Stream(t.Context(), "f", bytes.NewReader(data), true) },
			"file": func() ([]Finding, error) {
				return s.File(t.Context(), "f", bytes.NewReader(data), int64(len(data)), true)
			},
			"bytes": func() ([]Finding, error) { return s.Bytes(t.Context(), "f", data, true) },
		} {
			found, err := look()
			if err != nil || len(found) != 1 || found[0].Line != at/2+2 {
				t.Errorf("%s, key at %d: %+v, %v; want line %d", name, at, found, err, at/2+2)
			}
		}
	}
}

// TestMatcher compares the pass over pairs with a look at every place.
func TestMatcher(t *testing.T) {
	words := []string{"abc", "bcd", "AbC", "xyzxyz", "\x00\x01\x02", "aaa"}
	for _, fold := range []bool{false, true} {
		m := newMatcher([]Detector{{Words: words, Fold: fold}})
		data := []byte("abcabcdABCxyzxyzxyz\x00\x00\x01\x02aaaaXYZXYZaBcD")
		var got, want []int
		m.each(data, func(_, at int) { got = append(got, at) })
		for at := range data {
			for _, w := range words {
				rest := data[at:min(at+len(w), len(data))]
				if string(rest) == w || fold && strings.EqualFold(string(rest), w) {
					want = append(want, at)
				}
			}
		}
		if len(got) != len(want) {
			t.Errorf("fold %v: %v, want %v", fold, got, want)
		}
		for _, at := range want {
			if !bytes.Contains(fmt.Append(nil, got), fmt.Append(nil, at)) {
				t.Errorf("fold %v: %d is missing in %v", fold, at, got)
			}
		}
	}
}

func FuzzBytes(f *testing.F) {
	f.Add([]byte("-----BEGIN RSA PRIVATE KEY-----\nProc-Type: 4,ENCRYPTED\n\nMIIE"))
	f.Add([]byte("\x30\x82\x04\xa4\x02\x01\x00\x02\x82\x01\x01\x00"))
	f.Add([]byte("\x1f\x8b\x08\x00PK\x03\x04PK\x05\x06"))
	f.Add([]byte("\xc5\xff\x00\x00\x00\x00\x04\x60"))
	s := New(Limits{Depth: 3, Entries: 100, Bytes: 1 << 20})
	f.Fuzz(func(t *testing.T, data []byte) {
		one, err := s.Bytes(t.Context(), "f", data, false)
		if err != nil {
			t.Fatal(err)
		}
		two, err := s.Stream(t.Context(), "f", bytes.NewReader(data), false)
		if err != nil || fmt.Sprint(one) != fmt.Sprint(two) {
			t.Errorf("%v, %v: %v", one, two, err)
		}
		if _, err := s.Stream(t.Context(), "f", bytes.NewReader(data), true); err != nil {
			t.Error(err)
		}
	})
}
