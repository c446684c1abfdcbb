package uki

import (
	"bytes"
	"crypto/rand"
	"crypto/rsa"
	"crypto/sha256"
	"crypto/x509"
	"crypto/x509/pkix"
	"debug/pe"
	"encoding/binary"
	"encoding/pem"
	"io"
	"math/big"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/bakelite/bakelite/internal/disk"
	"github.com/bakelite/bakelite/internal/fault"
)

var testNow = time.Date(2025, 1, 2, 0, 0, 0, 0, time.UTC)

// testSigner is made once, as a key takes its time.
var testSigner = sync.OnceValue(func() Signer { return newSigner(2048, "one") })

func newSigner(bits int, name string) Signer {
	key, err := rsa.GenerateKey(rand.Reader, bits)
	if err != nil {
		panic(err)
	}
	template := &x509.Certificate{
		SerialNumber: big.NewInt(0x80), Subject: pkix.Name{CommonName: name},
		NotBefore: testNow.AddDate(0, 0, -1), NotAfter: testNow.AddDate(100, 0, 0),
	}
	der, err := x509.CreateCertificate(rand.Reader, template, template, key.Public(), key)
	if err != nil {
		panic(err)
	}
	cert, err := x509.ParseCertificate(der)
	if err != nil {
		panic(err)
	}
	return Signer{Certificate: cert, Key: key}
}

func readAll(t *testing.T, c disk.Content) []byte {
	t.Helper()
	b, err := io.ReadAll(io.NewSectionReader(c, 0, c.Size()))
	if err != nil {
		t.Fatal(err)
	}
	return b
}

// signedBytes signs a program and some bytes after its last section.
func signedBytes(t *testing.T, s Signer, overlay string) (plain, signed []byte) {
	t.Helper()
	plain = append(buildBytes(t, testParts()), overlay...)
	m, err := Sign(bytes.NewReader(plain), s)
	if err != nil {
		t.Fatal(err)
	}
	return plain, readAll(t, m)
}

func TestSignedProgramVerifies(t *testing.T) {
	for name, overlay := range map[string]string{"even": "", "odd": "odd", "one": "x"} {
		plain, signed := signedBytes(t, testSigner(), overlay)
		if err := Verify(bytes.NewReader(signed), testSigner().Certificate); err != nil {
			t.Errorf("%s: %v", name, err)
		}
		if _, again := signedBytes(t, testSigner(), overlay); !bytes.Equal(signed, again) {
			t.Errorf("%s: signing twice made different bytes", name)
		}
		entry := securityEntry(t, signed)
		if entry.VirtualAddress%8 != 0 || entry.Size%8 != 0 || int(entry.VirtualAddress+entry.Size) != len(signed) || int(entry.VirtualAddress)-len(plain) > 7 {
			t.Errorf("%s: the signature is at %+v of %d", name, entry, len(signed))
		}
		length := binary.LittleEndian.Uint32(signed[entry.VirtualAddress:])
		if length != entry.Size {
			t.Errorf("%s: WIN_CERTIFICATE has %d bytes, the directory %d", name, length, entry.Size)
		}
	}
}

func securityEntry(t *testing.T, program []byte) pe.DataDirectory {
	t.Helper()
	f, err := pe.NewFile(bytes.NewReader(program))
	if err != nil {
		t.Fatal(err)
	}
	opt, ok := f.OptionalHeader.(*pe.OptionalHeader64)
	if !ok {
		t.Fatal("not a 64-bit program")
	}
	return opt.DataDirectory[securityTable]
}

// headerAt is where the optional header of a testStub begins.
const headerAt = 64 + 4 + 20

func TestDigestLeavesOutChecksumAndSignature(t *testing.T) {
	plain, signed := signedBytes(t, testSigner(), "")
	want := sha256.New()
	want.Write(plain[:headerAt+64])
	want.Write(plain[headerAt+68 : headerAt+112+32])
	want.Write(plain[headerAt+112+40:])
	withChecksum := bytes.Clone(plain)
	withChecksum[headerAt+64] ^= 0xFF
	for name, program := range map[string][]byte{"plain": plain, "signed": signed, "checksum": withChecksum} {
		f, err := readFrame(bytes.NewReader(program))
		if err != nil {
			t.Fatal(err)
		}
		if got, err := f.digest(); err != nil || !bytes.Equal(got[:], want.Sum(nil)) {
			t.Errorf("%s: got %x, %v, want %x", name, got, err, want.Sum(nil))
		}
	}
}

// flips names a byte of each region of a signed program.
func flips(t *testing.T, signed []byte) map[string]int {
	entry := securityEntry(t, signed)
	table := int(entry.VirtualAddress)
	place := func(text string) int {
		at := bytes.Index(signed, []byte(text))
		if at < 0 {
			t.Fatalf("no %q", text)
		}
		return at
	}
	f, err := pe.NewFile(bytes.NewReader(signed))
	if err != nil {
		t.Fatal(err)
	}
	return map[string]int{
		"DOS header": 40, "entry point": headerAt + 16, "section name": place(".cmdline"), "stub": place(strings.Repeat("\x90", 9)),
		"command line": place("roothash="), "kernel": place(strings.Repeat("\xCC", 9)), "initrd": int(f.Section(".initrd").Offset) + 5000,
		"overlay": table - 8, "padding": table - 1, "signature": len(signed) - 100,
	}
}

func TestFlippedByteIsRefused(t *testing.T) {
	_, signed := signedBytes(t, testSigner(), "overlay")
	cert := testSigner().Certificate
	places := flips(t, signed)
	for i := int(securityEntry(t, signed).VirtualAddress); i < len(signed); i++ {
		places["table "+big.NewInt(int64(i)).String()] = i
	}
	for name, at := range places {
		changed := bytes.Clone(signed)
		changed[at] ^= 1
		if err := Verify(bytes.NewReader(changed), cert); err == nil {
			t.Errorf("%s: a flipped byte at %d went unseen", name, at)
		}
	}
	if other := newSigner(2048, "one"); fault.KindOf(Verify(bytes.NewReader(signed), other.Certificate)) != fault.Integrity {
		t.Error("the signature counts for another key")
	}
	plain, _ := signedBytes(t, testSigner(), "")
	if err := Verify(bytes.NewReader(plain), cert); fault.KindOf(err) != fault.Integrity || !strings.Contains(err.Error(), "not signed") {
		t.Errorf("unsigned: %v", err)
	}
	if err := Verify(bytes.NewReader(append(bytes.Clone(signed), "payload!"...)), cert); fault.KindOf(err) != fault.Integrity {
		t.Errorf("bytes after the signature: %v", err)
	}
}

func TestSignRefuses(t *testing.T) {
	plain, signed := signedBytes(t, testSigner(), "")
	gap, small := bytes.Clone(plain), bytes.Clone(plain)
	binary.LittleEndian.PutUint32(gap[headerAt+240+20:], 4096) // the first section's offset
	binary.LittleEndian.PutUint32(small[headerAt+60:], 64)     // SizeOfHeaders
	for name, program := range map[string][]byte{
		"signed": signed, "text": []byte(strings.Repeat("MZ", 500)), "empty": nil, "gap": gap, "small headers": small, "cut": plain[:3000],
	} {
		if _, err := Sign(bytes.NewReader(program), testSigner()); fault.KindOf(err) != fault.Invalid {
			t.Errorf("%s: %v", name, err)
		}
	}
	if _, err := Sign(huge(MaxSize+1), testSigner()); fault.KindOf(err) != fault.Invalid {
		t.Errorf("huge: %v", err)
	}
	mixed := Signer{Certificate: newSigner(2048, "two").Certificate, Key: testSigner().Key}
	for name, s := range map[string]Signer{"zero": {}, "mixed": mixed} {
		if _, err := Sign(bytes.NewReader(plain), s); fault.KindOf(err) != fault.Invalid {
			t.Errorf("%s: %v", name, err)
		}
	}
}

// verifiers are the tools that read a signature as firmware does.
func verifiers(t *testing.T, cert *x509.Certificate) map[string]func(program []byte) ([]byte, error) {
	t.Helper()
	dir := t.TempDir()
	certFile, programFile := filepath.Join(dir, "cert.pem"), filepath.Join(dir, "program.efi")
	if err := os.WriteFile(certFile, pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: cert.Raw}), 0o600); err != nil {
		t.Fatal(err)
	}
	all := map[string]func([]byte) ([]byte, error){}
	for tool, args := range map[string][]string{
		"sbverify": {"--cert", certFile, programFile}, "osslsigncode": {"verify", "-CAfile", certFile, programFile},
	} {
		if _, err := exec.LookPath(tool); err != nil {
			continue
		}
		all[tool] = func(program []byte) ([]byte, error) {
			if err := os.WriteFile(programFile, program, 0o600); err != nil {
				return nil, err
			}
			return exec.Command(tool, args...).CombinedOutput()
		}
	}
	return all
}

func TestToolsVerify(t *testing.T) {
	tools := verifiers(t, testSigner().Certificate)
	if len(tools) == 0 {
		t.Skip("SKIPPED: neither sbverify nor osslsigncode is installed, so nothing but Verify read the signature (apt-get install sbsigntool osslsigncode)")
	}
	for tool, run := range tools {
		for _, overlay := range []string{"", "x", "overlay", "8 bytes."} {
			_, signed := signedBytes(t, testSigner(), overlay)
			if out, err := run(signed); err != nil || overlay == "" && bytes.Contains(out, []byte("warning")) {
				t.Errorf("%s refused the program with %q after it: %v\n%s", tool, overlay, err, out)
			}
		}
		_, signed := signedBytes(t, testSigner(), "overlay")
		for name, at := range flips(t, signed) {
			changed := bytes.Clone(signed)
			changed[at] ^= 1
			if _, err := run(changed); err == nil {
				t.Errorf("%s took a program with a flipped byte in the %s", tool, name)
			}
		}
		_, other := signedBytes(t, newSigner(3072, "other"), "")
		if _, err := run(other); err == nil {
			t.Errorf("%s took another key's signature", tool)
		}
	}
}

// TestHashAsPesign compares the digest with the one that pesign shows.
func TestHashAsPesign(t *testing.T) {
	if _, err := exec.LookPath("pesign"); err != nil {
		t.Skip("SKIPPED: pesign is not installed (apt-get install pesign)")
	}
	plain, signed := signedBytes(t, testSigner(), "")
	f, err := readFrame(bytes.NewReader(plain))
	if err != nil {
		t.Fatal(err)
	}
	digest, err := f.digest()
	if err != nil {
		t.Fatal(err)
	}
	for name, program := range map[string][]byte{"plain": plain, "signed": signed} {
		file := filepath.Join(t.TempDir(), "program.efi")
		if err := os.WriteFile(file, program, 0o600); err != nil {
			t.Fatal(err)
		}
		out, err := exec.Command("pesign", "-h", "-i", file).CombinedOutput()
		if want := new(big.Int).SetBytes(digest[:]).Text(16); err != nil || !strings.Contains(string(out), want) {
			t.Errorf("%s: pesign says %s, %v, want %s", name, out, err, want)
		}
	}
}

func FuzzVerify(f *testing.F) {
	f.Add(testStub().bytes())
	f.Fuzz(func(t *testing.T, program []byte) {
		if Verify(bytes.NewReader(program), testSigner().Certificate) == nil {
			t.Error("a program counts as signed")
		}
		m, err := Sign(bytes.NewReader(program), testSigner())
		if err != nil {
			return
		}
		if err := Verify(m, testSigner().Certificate); err != nil {
			t.Error(err)
		}
	})
}
