package machine

import (
	"bytes"
	"crypto/rand"
	"crypto/rsa"
	"crypto/x509"
	"crypto/x509/pkix"
	"debug/pe"
	"encoding/binary"
	"io"
	"math/big"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/bakelite/bakelite/runners/machine/qemu"

	"github.com/bakelite/bakelite/internal/disk"
	"github.com/bakelite/bakelite/internal/disk/fat"
	"github.com/bakelite/bakelite/internal/disk/gpt"
	"github.com/bakelite/bakelite/internal/disk/uki"
)

const greeting = "BAKELITE PROGRAM RUNS"

// tinyProgram is an EFI program for amd64 that writes the greeting to the
// first serial port: lea rsi, [rip+16]; mov edx, 0x3f8; lodsb; test al, al;
// jz +3; out dx, al; jmp -8; hlt; jmp -3.
func tinyProgram() []byte {
	code := append([]byte{
		0x48, 0x8d, 0x35, 16, 0, 0, 0, 0xba, 0xf8, 3, 0, 0, 0xac, 0x84, 0xc0, 0x74, 3, 0xee, 0xeb, 0xf8, 0xf4, 0xeb, 0xfd,
	}, "\r\n"+greeting+"\r\n\x00"...)
	const unit = 512
	var b bytes.Buffer
	put := func(v any) { _ = binary.Write(&b, binary.LittleEndian, v) }
	dos := make([]byte, 64)
	copy(dos, "MZ")
	dos[0x3c] = 64
	put(dos)
	put([]byte("PE\x00\x00"))
	put(pe.FileHeader{Machine: pe.IMAGE_FILE_MACHINE_AMD64, NumberOfSections: 1, SizeOfOptionalHeader: 240, Characteristics: 0x22e})
	put(pe.OptionalHeader64{
		Magic: 0x20b, SizeOfCode: unit, AddressOfEntryPoint: 0x1000, BaseOfCode: 0x1000, SectionAlignment: 4096, FileAlignment: unit,
		SizeOfImage: 8192, SizeOfHeaders: unit, Subsystem: pe.IMAGE_SUBSYSTEM_EFI_APPLICATION, NumberOfRvaAndSizes: 16,
	})
	put(pe.SectionHeader32{
		Name: [8]uint8{'.', 't', 'e', 'x', 't'}, VirtualSize: uint32(len(code)), VirtualAddress: 0x1000, SizeOfRawData: unit,
		PointerToRawData: unit, Characteristics: pe.IMAGE_SCN_CNT_CODE | pe.IMAGE_SCN_MEM_EXECUTE | pe.IMAGE_SCN_MEM_READ,
	})
	out := make([]byte, 2*unit)
	copy(out, b.Bytes())
	copy(out[unit:], code)
	return out
}

func newSigner(t *testing.T) uki.Signer {
	t.Helper()
	key, err := rsa.GenerateKey(rand.Reader, 2048)
	if err != nil {
		t.Fatal(err)
	}
	template := &x509.Certificate{
		SerialNumber: big.NewInt(1), Subject: pkix.Name{CommonName: "Secure Boot test"},
		NotBefore: time.Unix(1735689600, 0), NotAfter: time.Unix(4102444800, 0),
	}
	der, err := x509.CreateCertificate(rand.Reader, template, template, key.Public(), key)
	if err != nil {
		t.Fatal(err)
	}
	cert, err := x509.ParseCertificate(der)
	if err != nil {
		t.Fatal(err)
	}
	return uki.Signer{Certificate: cert, Key: key}
}

func sign(t *testing.T, program disk.Content, s uki.Signer) disk.Image {
	t.Helper()
	signed, err := uki.Sign(program, s)
	if err != nil {
		t.Fatal(err)
	}
	return signed
}

// bootDisk writes a disk of which firmware boots the program.
func bootDisk(t *testing.T, program disk.Content) string {
	t.Helper()
	types, err := gpt.TypesOf("amd64")
	if err != nil {
		t.Fatal(err)
	}
	esp, err := fat.Build([]fat.File{{Path: types.BootPath, Content: program}}, fat.Options{VolumeID: 1, Epoch: time.Unix(1735689600, 0)})
	if err != nil {
		t.Fatal(err)
	}
	d := gpt.Disk{ID: disk.NameGUID(disk.GUID{}, "d"), Partitions: []gpt.Partition{{
		Label: "esp", Type: types.ESP, ID: disk.NameGUID(disk.GUID{}, "p"), Content: esp,
	}}}
	d.Size = d.MinSize()
	image, err := gpt.Build(d)
	if err != nil {
		t.Fatal(err)
	}
	f, err := os.Create(filepath.Join(t.TempDir(), "disk.raw"))
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	if _, err := io.Copy(f, io.NewSectionReader(image, 0, image.Size())); err != nil {
		t.Fatal(err)
	}
	return f.Name()
}

// watch boots a disk under Secure Boot until its console shows all texts, or
// the machine has failed, and returns what it showed.
func watch(t *testing.T, file string, cert *x509.Certificate, texts ...string) (shown string, all bool) {
	t.Helper()
	m, err := Boot(t.Context(), Options{Disk: file, App: nginx(), State: t.TempDir(), Arch: "amd64", SecureBoot: cert})
	if err != nil {
		t.Fatal(err)
	}
	defer m.Stop()
	for end := time.Now().Add(m.Limit()); time.Now().Before(end); time.Sleep(followPause) {
		dead := m.Alive()
		shown = m.Console()
		log, err := os.ReadFile(m.Log)
		if err != nil {
			t.Fatal(err)
		}
		if all = holds(string(log), texts); all || dead != nil {
			return shown, all
		}
	}
	return shown, false
}

func holds(text string, texts []string) bool {
	for _, t := range texts {
		if !strings.Contains(text, t) {
			return false
		}
	}
	return true
}

func needSecureFirmware(t *testing.T) {
	t.Helper()
	if testing.Short() {
		t.Skip("boots a machine")
	}
	p, err := qemu.PlatformOf("amd64")
	if err != nil {
		t.Fatal(err)
	}
	if _, err := p.Find(); err != nil {
		t.Skip(err)
	}
	if _, _, err := p.Secured().PrivateFirmware(t.TempDir(), nil); err != nil {
		t.Skip(err)
	}
}

// TestFirmwareChecksSignatures boots a tiny program signed, unsigned, signed
// by another key, and changed after it was signed.
func TestFirmwareChecksSignatures(t *testing.T) {
	needSecureFirmware(t)
	ours, other := newSigner(t), newSigner(t)
	plain := bytes.NewReader(tinyProgram())
	signed := sign(t, plain, ours)
	changed := make([]byte, signed.Size())
	if _, err := signed.ReadAt(changed, 0); err != nil && err != io.EOF {
		t.Fatal(err)
	}
	changed[bytes.Index(changed, []byte(greeting))+len(greeting)-1] = 'Z'
	for _, test := range []struct {
		name    string
		program disk.Content
		runs    bool
	}{
		{"signed", signed, true},
		{"unsigned", plain, false},
		{"by another key", sign(t, plain, other), false},
		{"changed", bytes.NewReader(changed), false},
	} {
		t.Run(test.name, func(t *testing.T) {
			shown, ran := watch(t, bootDisk(t, test.program), ours.Certificate, greeting[:len(greeting)-1])
			if ran != test.runs {
				t.Errorf("ran: %v; the console:\n%s", ran, shown)
			}
			if !ran && !strings.Contains(shown, "Access Denied") {
				t.Errorf("no refusal on the console:\n%s", shown)
			}
		})
	}
}

// TestKernelIsLockedDown boots the kernel of the folder that
// BAKELITE_TEST_KERNEL names: linux, initrd and stub.
func TestKernelIsLockedDown(t *testing.T) {
	dir := os.Getenv("BAKELITE_TEST_KERNEL")
	if dir == "" {
		t.Skip("BAKELITE_TEST_KERNEL is not set")
	}
	needSecureFirmware(t)
	part := func(name string) *bytes.Reader {
		data, err := os.ReadFile(filepath.Join(dir, name))
		if err != nil {
			t.Fatal(err)
		}
		return bytes.NewReader(data)
	}
	stub, err := io.ReadAll(part("stub"))
	if err != nil {
		t.Fatal(err)
	}
	program, err := uki.Build(uki.Parts{Stub: stub, Linux: part("linux"), Initrd: part("initrd"), Cmdline: "console=ttyS0 no_timer_check"})
	if err != nil {
		t.Fatal(err)
	}
	s := newSigner(t)
	wanted := []string{"Secure boot enabled", "Kernel is locked down from EFI Secure Boot"}
	if shown, ok := watch(t, bootDisk(t, sign(t, program, s)), s.Certificate, wanted...); !ok {
		t.Errorf("not all of %q on the console:\n%s", wanted, shown)
	}
}

func TestJudgeSecureBoot(t *testing.T) {
	for seen, want := range map[string]bool{"1": true, "0": false, "": false, "11": false} {
		if r := judgeSecureBoot(seen); r.Passed != want || r.Detail == "" {
			t.Errorf("%q: %+v", seen, r)
		}
	}
}
