// Package uki joins systemd's EFI stub, a kernel, an initrd and a command line
// into one EFI program, byte for byte as systemd's ukify does, and signs it for
// Secure Boot. It refuses a stub that is signed, of another machine than the
// kernel, or without room for more sections, and keys that firmware does not
// take. It is pure, reads no files and no clock, copies neither kernel nor
// initrd, and is imported by whatever puts a disk together or boots one.
package uki

import (
	"bytes"
	"debug/pe"
	"fmt"
	"math"
	"strings"

	"github.com/bakelite/bakelite/internal/disk"
	"github.com/bakelite/bakelite/internal/fault"
)

// MaxStub is the largest stub in bytes; systemd's has about 100 KiB.
const MaxStub = 16 << 20

// MaxSize is the largest program in bytes; firmware loads it into memory whole.
const MaxSize = 1 << 30

// Parts are what the program is made from; what is empty gets no section.
type Parts struct {
	Stub      []byte // systemd's linuxx64.efi.stub or linuxaa64.efi.stub
	OSRelease string
	Cmdline   string
	Uname     string
	Linux     disk.Content // required: a kernel that is an EFI program
	Initrd    disk.Content
	// SBAT is what revocation goes by, beside the lines of stub and kernel;
	// ukify's line by default.
	SBAT string
}

// section is one to append.
type section struct {
	name    string
	content disk.Content
	flags   uint32
}

// sections returns what to append, in the order of ukify.
func (p Parts) sections() []section {
	const data = pe.IMAGE_SCN_MEM_READ | pe.IMAGE_SCN_CNT_INITIALIZED_DATA
	all := []section{
		{".osrel", strings.NewReader(p.OSRelease), data},
		{".cmdline", strings.NewReader(p.Cmdline), data},
		{".uname", strings.NewReader(p.Uname), data},
		{".linux", p.Linux, pe.IMAGE_SCN_MEM_READ | pe.IMAGE_SCN_CNT_CODE},
	}
	if p.Initrd != nil {
		all = append(all, section{".initrd", p.Initrd, data})
	}
	var used []section
	for _, s := range all {
		if s.content.Size() > 0 {
			used = append(used, s)
		}
	}
	return used
}

// Build returns the program; parts that do not fit each other are an error of
// kind Invalid. The checksum in the header is zero, as EFI allows.
func Build(p Parts) (disk.Image, error) {
	img, err := build(p)
	if err != nil {
		return disk.Image{}, fmt.Errorf("making EFI program: %w", err)
	}
	return img, nil
}

func build(p Parts) (disk.Image, error) {
	if p.Linux == nil || p.Linux.Size() == 0 {
		return disk.Image{}, fault.New(fault.Invalid, "no kernel")
	}
	stub, err := parse(p.Stub)
	if err != nil {
		return disk.Image{}, fmt.Errorf("reading stub: %w", err)
	}
	kernel, err := stub.adopt(p.Linux)
	if err != nil {
		return disk.Image{}, fmt.Errorf("reading kernel: %w", err)
	}
	if err := stub.replaceSBAT(kernel, p.SBAT); err != nil {
		return disk.Image{}, fmt.Errorf("merging SBAT: %w", err)
	}
	return stub.join(p.sections())
}

// join appends sections and completes the header.
func (s *stub) join(sections []section) (disk.Image, error) {
	extents := make([]disk.Extent, 0, len(sections)+1)
	for _, sec := range sections {
		if sec.content.Size() > MaxSize-s.end {
			return disk.Image{}, fault.New(fault.Invalid, "%s of %d bytes makes the program larger than %d", sec.name, sec.content.Size(), MaxSize)
		}
		offset, err := s.addSection(sec)
		if err != nil {
			return disk.Image{}, err
		}
		extents = append(extents, disk.Extent{Offset: offset, Content: sec.content})
	}
	s.finish()
	extents = append(extents, disk.Extent{Content: bytes.NewReader(s.data)})
	return disk.NewImage(s.end, extents...)
}

// adopt checks that the kernel fits the stub and takes over whether memory
// may be writable and executable at once: firmware that enforces the flag goes
// by the outer program's.
func (s *stub) adopt(linux disk.Content) (*pe.File, error) {
	kernel, err := pe.NewFile(linux)
	if err != nil {
		return nil, fault.Hint(fault.As(fault.Invalid, err), "use a kernel built with CONFIG_EFI_STUB, as Debian's are")
	}
	opt, ok := kernel.OptionalHeader.(*pe.OptionalHeader64)
	if !ok || kernel.Machine != s.file.Machine {
		return nil, fault.New(fault.Invalid, "machine %#x is not the stub's, %#x", kernel.Machine, s.file.Machine)
	}
	if opt.DllCharacteristics&pe.IMAGE_DLLCHARACTERISTICS_NX_COMPAT == 0 {
		s.clearNX()
	}
	return kernel, nil
}

const (
	sbatHeader  = "sbat,1,SBAT Version,sbat,1,https://github.com/rhboot/shim/blob/main/SBAT.md\n"
	defaultSBAT = "uki,1,UKI,uki,1,https://uapi-group.org/specifications/specs/unified_kernel_image/\n"
)

// sbatLines returns the lines of a file's own SBAT section, its header left out.
func sbatLines(f *pe.File) (string, error) {
	sec := f.Section(".sbat")
	if sec == nil {
		return "", nil
	}
	if sec.Size > math.MaxUint16 {
		return "", fault.New(fault.Invalid, "section of %d bytes", sec.Size)
	}
	data, err := sec.Data()
	if err != nil {
		return "", fault.As(fault.Invalid, err)
	}
	text := strings.TrimRight(string(data), "\x00")
	first, rest, _ := strings.Cut(text, "\n")
	if !strings.HasPrefix(first, "sbat,") {
		return "", nil
	}
	return rest, nil
}

// replaceSBAT writes the merged lines over the stub's own.
func (s *stub) replaceSBAT(kernel *pe.File, own string) error {
	if own == "" {
		own = defaultSBAT
	}
	text := sbatHeader
	for _, f := range []*pe.File{s.file, kernel} {
		lines, err := sbatLines(f)
		if err != nil {
			return err
		}
		text += endLine(lines)
	}
	return s.overwrite(".sbat", text+endLine(own)+"\x00")
}

func endLine(s string) string {
	if s == "" || strings.HasSuffix(s, "\n") {
		return s
	}
	return s + "\n"
}
