package uki

import (
	"bytes"
	"debug/pe"
	"encoding/binary"
	"io"
	"math/rand/v2"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	"github.com/bakelite/bakelite/internal/disk"
	"github.com/bakelite/bakelite/internal/fault"
)

// program is a small EFI program that stands for a stub or a kernel.
type program struct {
	machine, flags uint16
	headers        uint32
	sections       []progSection
}

type progSection struct {
	name string
	data []byte
}

const testAlign = 512

func (p program) bytes() []byte {
	var b bytes.Buffer
	put := func(v any) { _ = binary.Write(&b, binary.LittleEndian, v) }
	dos := make([]byte, 64)
	copy(dos, "MZ")
	binary.LittleEndian.PutUint32(dos[dosNewHeader:], 64)
	put(dos)
	put([]byte("PE\x00\x00"))
	put(pe.FileHeader{Machine: p.machine, NumberOfSections: uint16(len(p.sections)), SizeOfOptionalHeader: 240, Characteristics: 0x22E})
	put(pe.OptionalHeader64{Magic: 0x20B, AddressOfEntryPoint: 0x1000, BaseOfCode: 0x1000, SectionAlignment: 4096, FileAlignment: testAlign,
		SizeOfImage: 4096 * uint32(len(p.sections)+1), SizeOfHeaders: p.headers, CheckSum: 77, Subsystem: 10, DllCharacteristics: p.flags, NumberOfRvaAndSizes: 16})
	body, at := bytes.Buffer{}, uint32(alignUp(int64(p.headers), testAlign))
	for i, s := range p.sections {
		h := pe.SectionHeader32{VirtualSize: uint32(len(s.data)), VirtualAddress: 4096 * uint32(i+1), SizeOfRawData: uint32(alignUp(int64(len(s.data)), testAlign)), PointerToRawData: at + uint32(body.Len()), Characteristics: 0x40000040}
		copy(h.Name[:], s.name)
		put(h)
		body.Write(s.data)
		body.Write(make([]byte, int(h.SizeOfRawData)-len(s.data)))
	}
	put(make([]byte, int(at)-b.Len()))
	put(body.Bytes())
	return b.Bytes()
}

func testStub() program {
	return program{machine: pe.IMAGE_FILE_MACHINE_AMD64, flags: 0x160, headers: 1100, sections: []progSection{
		{".text", bytes.Repeat([]byte{0x90}, 700)},
		{".sbat", []byte(sbatHeader + "systemd-stub,1,The systemd Developers,systemd,257,https://systemd.io/\n")},
		{".reloc", make([]byte, 12)},
	}}
}

func testKernel() program {
	return program{machine: pe.IMAGE_FILE_MACHINE_AMD64, flags: 0, headers: 1024, sections: []progSection{
		{".text", bytes.Repeat([]byte{0xCC}, 5000)},
		{".sbat", []byte(sbatHeader + "linux,1,Linux,linux,6.12,https://kernel.org/")},
	}}
}

func testParts() Parts {
	initrd := make([]byte, 10001)
	rand.NewChaCha8([32]byte{}).Read(initrd)
	return Parts{
		Stub: testStub().bytes(), Linux: bytes.NewReader(testKernel().bytes()), Initrd: bytes.NewReader(initrd),
		OSRelease: "ID=debian\n", Cmdline: "console=ttyS0 roothash=ab", Uname: "6.12.1",
	}
}

func buildBytes(t *testing.T, p Parts) []byte {
	t.Helper()
	m, err := Build(p)
	if err != nil {
		t.Fatal(err)
	}
	b, err := io.ReadAll(io.NewSectionReader(m, 0, m.Size()))
	if err != nil {
		t.Fatal(err)
	}
	return b
}

func TestSameBytesAsUkify(t *testing.T) {
	if _, err := exec.LookPath("ukify"); err != nil {
		t.Skip("SKIPPED: ukify is not installed, so nothing but debug/pe read the program (apt-get install systemd-ukify, Debian 13)")
	}
	withFlags := testKernel()
	withFlags.flags = 0x100
	cases := map[string]func(*Parts){
		"all":       func(*Parts) {},
		"no initrd": func(p *Parts) { p.Initrd = nil },
		"no uname":  func(p *Parts) { p.Uname = "" },
		"NX kernel": func(p *Parts) { p.Linux = bytes.NewReader(withFlags.bytes()) },
		"own SBAT":  func(p *Parts) { p.SBAT = "sbat,1\nbakelite,1,Bakelite,bakelite,1,https://bakelite.dev/\n" },
	}
	for name, change := range cases {
		t.Run(name, func(t *testing.T) {
			p := testParts()
			change(&p)
			want := ukify(t, p)
			p.SBAT = strings.TrimPrefix(p.SBAT, "sbat,1\n")
			if got := buildBytes(t, p); !bytes.Equal(got, want) {
				t.Errorf("%d bytes differ from ukify's %d", len(got), len(want))
			}
		})
	}
}

// ukify makes the same program with systemd's tool.
func ukify(t *testing.T, p Parts) []byte {
	t.Helper()
	dir := t.TempDir()
	file := func(name string, c io.ReaderAt, size int64) string {
		b, err := io.ReadAll(io.NewSectionReader(c, 0, size))
		path := filepath.Join(dir, name)
		if err == nil {
			err = os.WriteFile(path, b, 0o600)
		}
		if err != nil {
			t.Fatal(err)
		}
		return path
	}
	out := filepath.Join(dir, "out.efi")
	args := []string{"build", "--output=" + out, "--cmdline=" + p.Cmdline,
		"--stub=" + file("stub", bytes.NewReader(p.Stub), int64(len(p.Stub))),
		"--linux=" + file("linux", p.Linux, p.Linux.Size()),
		"--os-release=@" + file("osrel", strings.NewReader(p.OSRelease), int64(len(p.OSRelease)))}
	if p.Initrd != nil {
		args = append(args, "--initrd="+file("initrd", p.Initrd, p.Initrd.Size()))
	}
	if p.SBAT != "" {
		args = append(args, "--sbat="+p.SBAT)
	}
	if p.Uname != "" {
		args = append(args, "--uname="+p.Uname)
	}
	if msg, err := exec.Command("ukify", args...).CombinedOutput(); err != nil {
		t.Fatalf("ukify: %v\n%s", err, msg)
	}
	b, err := os.ReadFile(out)
	if err != nil {
		t.Fatal(err)
	}
	return b
}

func TestSectionsReadBack(t *testing.T) {
	p := testParts()
	f, err := pe.NewFile(bytes.NewReader(buildBytes(t, p)))
	if err != nil {
		t.Fatal(err)
	}
	kernel, initrd := testKernel().bytes(), make([]byte, 10001)
	rand.NewChaCha8([32]byte{}).Read(initrd)
	for name, want := range map[string]string{
		".osrel": p.OSRelease, ".cmdline": p.Cmdline, ".uname": p.Uname, ".linux": string(kernel), ".initrd": string(initrd),
		".sbat": sbatHeader + "systemd-stub,1,The systemd Developers,systemd,257,https://systemd.io/\nlinux,1,Linux,linux,6.12,https://kernel.org/\n" + defaultSBAT + "\x00",
	} {
		sec := f.Section(name)
		if sec == nil {
			t.Errorf("no section %s", name)
			continue
		}
		data, err := sec.Data()
		if err != nil || string(data[:sec.VirtualSize]) != want {
			t.Errorf("%s holds %d bytes, want %d: %v", name, sec.VirtualSize, len(want), err)
		}
	}
	opt, ok := f.OptionalHeader.(*pe.OptionalHeader64)
	last := f.Sections[len(f.Sections)-1]
	if !ok || opt.SizeOfImage != uint32(alignUp(int64(last.VirtualAddress+last.VirtualSize), 4096)) || opt.CheckSum != 0 || opt.DllCharacteristics&0x100 != 0 {
		t.Errorf("header is %+v", opt)
	}
}

func TestBuildRefuses(t *testing.T) {
	for name, change := range map[string]func(*Parts){
		"no stub":      func(p *Parts) { p.Stub = nil },
		"stub is text": func(p *Parts) { p.Stub = bytes.Repeat([]byte("MZ"), 500) },
		"large stub":   func(p *Parts) { p.Stub = make([]byte, MaxStub+1) },
		"cut stub":     func(p *Parts) { p.Stub = p.Stub[:1500] },
		"no kernel":    func(p *Parts) { p.Linux = nil },
		"empty kernel": func(p *Parts) { p.Linux = strings.NewReader("") },
		"gzip kernel":  func(p *Parts) { p.Linux = strings.NewReader("\x1f\x8b" + strings.Repeat("x", 999)) },
		"signed stub":  func(p *Parts) { binary.LittleEndian.PutUint32(p.Stub[64+4+20+112+4*8:], 5) },
		"symbols":      func(p *Parts) { binary.LittleEndian.PutUint32(p.Stub[64+4+8:], 512) },
		"alignment":    func(p *Parts) { binary.LittleEndian.PutUint32(p.Stub[64+4+20+36:], 768) },
		"large initrd": func(p *Parts) { p.Initrd = huge(MaxSize) },
		"endless":      func(p *Parts) { p.Initrd = huge(1<<63 - 1) },
		"large SBAT":   func(p *Parts) { p.SBAT = strings.Repeat("x", 600) },
		"other machine": func(p *Parts) {
			k := testKernel()
			k.machine = pe.IMAGE_FILE_MACHINE_ARM64
			p.Linux = bytes.NewReader(k.bytes())
		},
		"no room": func(p *Parts) {
			s := testStub()
			s.headers = 512 // room for one section more, and a part of a second
			*p = Parts{Stub: s.bytes(), Linux: p.Linux, Cmdline: "x"}
		},
		"no SBAT": func(p *Parts) { s := testStub(); s.sections[1].name = ".other"; p.Stub = s.bytes() },
	} {
		p := testParts()
		change(&p)
		if _, err := Build(p); err == nil || fault.KindOf(err) != fault.Invalid {
			t.Errorf("%s: %v", name, err)
		}
	}
}

type huge int64

func (h huge) Size() int64                     { return int64(h) }
func (huge) ReadAt([]byte, int64) (int, error) { return 0, io.EOF }

func FuzzBuild(f *testing.F) {
	f.Add(testStub().bytes(), testKernel().bytes())
	f.Fuzz(func(t *testing.T, stub, kernel []byte) {
		p := testParts()
		p.Stub, p.Linux = stub, bytes.NewReader(kernel)
		m, err := Build(p)
		if err != nil {
			return
		}
		b, err := io.ReadAll(io.NewSectionReader(m, 0, m.Size()))
		if err != nil {
			t.Fatal(err)
		}
		out, err := pe.NewFile(bytes.NewReader(b))
		if err != nil {
			t.Fatalf("the result cannot be read: %v", err)
		}
		sec := out.Section(".initrd")
		if sec == nil || int64(sec.VirtualSize) != p.Initrd.Size() {
			t.Error("the result has no initrd")
		}
	})
}

var _ disk.Content = huge(0)
