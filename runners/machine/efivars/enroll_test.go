package efivars

import (
	"bytes"
	"crypto/x509"
	"encoding/binary"
	"encoding/hex"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"unicode/utf16"

	"github.com/bakelite/bakelite/internal/fault"
)

const (
	testHeader = 72
	testSize   = 16 << 10
	testStore  = 12<<10 - testHeader
)

// blank is a store as edk2 builds it: a volume with a block map, the header of
// the store, and flash that was erased; behind it lies what firmware uses to
// write in steps.
func blank() []byte {
	b := bytes.Repeat([]byte{erased}, testSize)
	clear(b[:testHeader+storeHeader])
	putGUID(b[volumeGUID:], guidVolume)
	binary.LittleEndian.PutUint64(b[volumeLength:], testSize)
	copy(b[volumeMagic:], "_FVH\xff\xfe\x04\x00")
	binary.LittleEndian.PutUint16(b[volumeHeader:], testHeader)
	binary.LittleEndian.PutUint64(b[56:], 4|4096<<32)
	sumUp(b)
	putGUID(b[testHeader:], guidStore)
	binary.LittleEndian.PutUint32(b[testHeader+storeSize:], testStore)
	b[testHeader+storeFormat], b[testHeader+storeState] = storeFormatted, storeHealthy
	return b
}

func sumUp(b []byte) {
	binary.LittleEndian.PutUint16(b[50:], 0)
	binary.LittleEndian.PutUint16(b[50:], -sum16(b[:testHeader]))
}

func testCertificate() *x509.Certificate {
	return &x509.Certificate{Raw: bytes.Repeat([]byte("certificate"), 71)}
}

// read lists the variables of a store by name, as firmware walks it.
func read(t *testing.T, file []byte) map[string]variable {
	t.Helper()
	header := int(binary.LittleEndian.Uint16(file[volumeHeader:]))
	place := file[header+storeHeader : header+int(binary.LittleEndian.Uint32(file[header+storeSize:]))]
	all := map[string]variable{}
	at := 0
	for binary.LittleEndian.Uint16(place[at:]) == variableStart {
		h := place[at : at+variableHeader]
		n, size := int(binary.LittleEndian.Uint32(h[36:])), int(binary.LittleEndian.Uint32(h[40:]))
		var units []uint16
		for i := 0; i < n-2; i += 2 {
			units = append(units, binary.LittleEndian.Uint16(place[at+variableHeader+i:]))
		}
		data := place[at+variableHeader+n:][:size]
		all[string(utf16.Decode(units))] = variable{namespace: hex.EncodeToString(h[44:60]), attributes: binary.LittleEndian.Uint32(h[4:]), data: data}
		at = (at + variableHeader + n + size + 3) &^ 3
	}
	if rest := place[at:]; bytes.Count(rest, []byte{erased}) != len(rest) {
		t.Errorf("something lies behind the last variable at %d", at)
	}
	return all
}

func TestEnroll(t *testing.T) {
	cert, template := testCertificate(), blank()
	got, err := Enroll(template, cert)
	if err != nil {
		t.Fatal(err)
	}
	if !bytes.Equal(template, blank()) {
		t.Error("the template was changed")
	}
	if !bytes.Equal(got[testHeader+testStore:], template[testHeader+testStore:]) || len(got) != len(template) {
		t.Error("what lies behind the store was changed")
	}
	list := "a159c0a5e494a74a87b5ab155c2bf072" + "39030000" + "00000000" + "1d030000" + "0e1f6d7ba4520a4c9a3f6b616b656c69" + hex.EncodeToString(cert.Raw)
	all := read(t, got)
	for name, want := range map[string]variable{
		"PK":               {namespace: "61dfe48bca93d211aa0d00e098032b8c", attributes: 0x27},
		"KEK":              {namespace: "61dfe48bca93d211aa0d00e098032b8c", attributes: 0x27},
		"db":               {namespace: "cbb219d73a3d9645a3bcdad00e67656f", attributes: 0x27},
		"SecureBootEnable": {namespace: "c70ba3f008af564599c4001009c93a44", attributes: 3, data: []byte{1}},
	} {
		if want.data == nil {
			want.data, _ = hex.DecodeString(list)
		}
		if v := all[name]; v.namespace != want.namespace || v.attributes != want.attributes || !bytes.Equal(v.data, want.data) {
			t.Errorf("%s is %s, %#x, %x; want %x", name, v.namespace, v.attributes, v.data, want.data)
		}
	}
	if len(all) != 4 {
		t.Errorf("%d variables", len(all))
	}
	if again, err := Enroll(template, cert); err != nil || !bytes.Equal(got, again) {
		t.Errorf("enrolling twice made different bytes: %v", err)
	}
}

func TestEnrollRefuses(t *testing.T) {
	for name, change := range map[string]func(b []byte) []byte{
		"empty":            func([]byte) []byte { return nil },
		"qcow2":            func(b []byte) []byte { copy(b, "QFI\xfb"); clear(b[16:32]); return b },
		"other volume":     func(b []byte) []byte { b[volumeGUID]++; sumUp(b); return b },
		"no magic":         func(b []byte) []byte { b[volumeMagic] = 'x'; sumUp(b); return b },
		"checksum":         func(b []byte) []byte { b[57]++; return b },
		"long volume":      func(b []byte) []byte { binary.LittleEndian.PutUint64(b[volumeLength:], testSize+1); sumUp(b); return b },
		"long header":      func(b []byte) []byte { binary.LittleEndian.PutUint16(b[volumeHeader:], 65535); return b },
		"short header":     func(b []byte) []byte { binary.LittleEndian.PutUint16(b[volumeHeader:], 4); return b },
		"header to end":    func(b []byte) []byte { return b[:testHeader+10] },
		"plain variables":  func(b []byte) []byte { b[testHeader]++; return b },
		"long store":       func(b []byte) []byte { binary.LittleEndian.PutUint32(b[testHeader+storeSize:], testSize); return b },
		"short store":      func(b []byte) []byte { binary.LittleEndian.PutUint32(b[testHeader+storeSize:], 20); return b },
		"not formatted":    func(b []byte) []byte { b[testHeader+storeFormat] = erased; return b },
		"not healthy":      func(b []byte) []byte { b[testHeader+storeState] = erased; return b },
		"variable inside":  func(b []byte) []byte { b[testHeader+storeHeader] = 0xAA; return b },
		"variable at end":  func(b []byte) []byte { b[testHeader+testStore-1] = 0; return b },
		"room for one key": func(b []byte) []byte { binary.LittleEndian.PutUint32(b[testHeader+storeSize:], 1200); return b },
	} {
		if got, err := Enroll(change(blank()), testCertificate()); got != nil || fault.KindOf(err) != fault.Missing {
			t.Errorf("%s: %v", name, err)
		}
	}
}

// TestVirtFwVarsReadsIt shows a store to the tool of the firmware's
// packagers.
func TestVirtFwVarsReadsIt(t *testing.T) {
	tool, err := exec.LookPath("virt-fw-vars")
	if err != nil {
		t.Skip("SKIPPED: virt-fw-vars is not installed, so nothing but the firmware reads the store (apt-get install python3-virt-firmware, Debian 13)")
	}
	got, err := Enroll(blank(), testCertificate())
	if err != nil {
		t.Fatal(err)
	}
	file := filepath.Join(t.TempDir(), "vars.fd")
	if err := os.WriteFile(file, got, 0o600); err != nil {
		t.Fatal(err)
	}
	out, err := exec.Command(tool, "--input", file, "--print").CombinedOutput()
	for _, name := range []string{"PK", "KEK", "db", "SecureBootEnable"} {
		if !strings.Contains(string(out), name) || err != nil {
			t.Errorf("no %s: %v\n%s", name, err, out)
		}
	}
}

// TestInstalledTemplates enrolls in the templates of this machine's firmware.
func TestInstalledTemplates(t *testing.T) {
	files, err := filepath.Glob("/usr/share/*/*VARS*.fd")
	if err != nil || len(files) == 0 {
		t.Skip("SKIPPED: no firmware is installed (apt-get install ovmf)")
	}
	for _, file := range files {
		template, err := os.ReadFile(file)
		if err != nil {
			t.Fatal(err)
		}
		got, err := Enroll(template, testCertificate())
		if filled := strings.Contains(file, "snakeoil") || strings.Contains(file, ".ms."); filled != (err != nil) {
			t.Errorf("%s: %v", file, err)
		}
		if err == nil && len(read(t, got)) != 4 {
			t.Errorf("%s: %d variables", file, len(read(t, got)))
		}
	}
}

func FuzzEnroll(f *testing.F) {
	f.Add(blank())
	f.Fuzz(func(t *testing.T, template []byte) {
		got, err := Enroll(template, testCertificate())
		if err == nil && (len(got) != len(template) || len(read(t, got)) != 4) {
			t.Error("an enrolled store does not read back")
		}
	})
}
