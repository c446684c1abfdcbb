package uki

import (
	"bytes"
	"debug/pe"
	"encoding/binary"
	"math"

	"github.com/bakelite/bakelite/internal/fault"
)

// Offsets in bytes of the fields that change: in the COFF header, in the
// PE32+ optional header, and in a section's header (Microsoft's PE format).
const (
	coffSections  = 2
	coffSize      = 20
	optInitData   = 8
	optImage      = 56
	optHeaders    = 60
	optChecksum   = 64
	optDLLFlags   = 70
	secVirtual    = 8
	secSize       = 40
	dosNewHeader  = 0x3C
	maxAlignment  = 1 << 16
	securityTable = pe.IMAGE_DIRECTORY_ENTRY_SECURITY
)

// stub is a copy of the stub that grows.
type stub struct {
	data    []byte // headers and the stub's own sections
	file    *pe.File
	opt     *pe.OptionalHeader64
	coff    int    // offset of the COFF header
	optAt   int    // offset of the optional header
	table   int    // offset of the section table
	count   int    // sections
	headers uint32 // bytes reserved for headers
	end     int64  // size of the file
	virtual int64  // where the last section ends in memory
}

func parse(data []byte) (*stub, error) {
	if len(data) > MaxStub {
		return nil, fault.New(fault.Invalid, "%d bytes are more than %d", len(data), MaxStub)
	}
	if len(data) < dosNewHeader+4 || !bytes.HasPrefix(data, []byte("MZ")) {
		return nil, fault.New(fault.Invalid, "not an EFI program")
	}
	file, err := pe.NewFile(bytes.NewReader(data))
	if err != nil {
		return nil, fault.As(fault.Invalid, err)
	}
	opt, ok := file.OptionalHeader.(*pe.OptionalHeader64)
	if !ok {
		return nil, fault.New(fault.Invalid, "not a 64-bit program")
	}
	s := &stub{data: bytes.Clone(data), file: file, opt: opt, count: len(file.Sections)}
	s.coff = int(binary.LittleEndian.Uint32(data[dosNewHeader:])) + 4
	s.optAt = s.coff + coffSize
	s.table = s.optAt + int(file.SizeOfOptionalHeader)
	return s, s.check()
}

// check refuses what would be damaged by appending, and takes the measures.
func (s *stub) check() error {
	if !isAlignment(s.opt.FileAlignment) || !isAlignment(s.opt.SectionAlignment) || s.opt.SectionAlignment < s.opt.FileAlignment {
		return fault.New(fault.Invalid, "alignments %d and %d are not rising powers of two up to %d", s.opt.FileAlignment, s.opt.SectionAlignment, maxAlignment)
	}
	if s.opt.DataDirectory[securityTable].VirtualAddress != 0 {
		return fault.New(fault.Invalid, "the stub is signed; the joined program is what must be signed")
	}
	if s.file.PointerToSymbolTable != 0 || s.opt.SizeOfHeaders > MaxStub {
		return fault.New(fault.Invalid, "the stub has a symbol table or large headers, as no stub since systemd 254 has")
	}
	s.headers = uint32(alignUp(int64(s.opt.SizeOfHeaders), s.opt.FileAlignment))
	for _, sec := range s.file.Sections {
		if sec.Offset%s.opt.FileAlignment != 0 || sec.Size%s.opt.FileAlignment != 0 || int64(sec.Offset)+int64(sec.Size) > int64(len(s.data)) {
			return fault.New(fault.Invalid, "section %q is not aligned or lies outside of the file", sec.Name)
		}
		if sec.Size > 0 {
			s.headers = min(s.headers, sec.Offset)
		}
		s.virtual = max(s.virtual, int64(sec.VirtualAddress)+int64(sec.VirtualSize))
	}
	s.end = alignUp(int64(len(s.data)), s.opt.FileAlignment)
	if s.count == 0 || s.table+s.count*secSize > int(min(s.headers, uint32(len(s.data)))) {
		return fault.New(fault.Invalid, "the stub's headers are damaged")
	}
	return nil
}

func isAlignment(n uint32) bool { return n > 0 && n <= maxAlignment && n&(n-1) == 0 }

func alignUp(n int64, unit uint32) int64 { return (n + int64(unit) - 1) / int64(unit) * int64(unit) }

// addSection writes a section's header and returns where its content goes.
func (s *stub) addSection(sec section) (int64, error) {
	at := s.table + s.count*secSize
	if at+secSize > int(min(s.headers, uint32(len(s.data)))) {
		return 0, fault.New(fault.Invalid, "the stub has no room for the header of %s", sec.name)
	}
	size := sec.content.Size()
	offset, address := s.end, alignUp(s.virtual, s.opt.SectionAlignment)
	if address+size > math.MaxUint32-maxAlignment {
		return 0, fault.New(fault.Invalid, "%s does not fit into the address space", sec.name)
	}
	h := s.data[at : at+secSize]
	clear(h)
	copy(h, sec.name)
	binary.LittleEndian.PutUint32(h[secVirtual:], uint32(size))
	binary.LittleEndian.PutUint32(h[secVirtual+4:], uint32(address))
	binary.LittleEndian.PutUint32(h[secVirtual+8:], uint32(alignUp(size, s.opt.FileAlignment)))
	binary.LittleEndian.PutUint32(h[secVirtual+12:], uint32(offset))
	binary.LittleEndian.PutUint32(h[secSize-4:], sec.flags)
	s.count++
	s.opt.SizeOfInitializedData += uint32(size)
	s.end, s.virtual = offset+alignUp(size, s.opt.FileAlignment), address+size
	return offset, nil
}

// finish writes the fields that sum up the sections.
func (s *stub) finish() {
	binary.LittleEndian.PutUint16(s.data[s.coff+coffSections:], uint16(s.count))
	binary.LittleEndian.PutUint32(s.data[s.optAt+optInitData:], s.opt.SizeOfInitializedData)
	binary.LittleEndian.PutUint32(s.data[s.optAt+optImage:], uint32(alignUp(s.virtual, s.opt.SectionAlignment)))
	binary.LittleEndian.PutUint32(s.data[s.optAt+optHeaders:], uint32(alignUp(int64(s.opt.SizeOfHeaders), s.opt.FileAlignment)))
	binary.LittleEndian.PutUint32(s.data[s.optAt+optChecksum:], 0)
}

func (s *stub) clearNX() {
	s.opt.DllCharacteristics &^= pe.IMAGE_DLLCHARACTERISTICS_NX_COMPAT
	binary.LittleEndian.PutUint16(s.data[s.optAt+optDLLFlags:], s.opt.DllCharacteristics)
}

// overwrite puts text in the place of a section's content.
func (s *stub) overwrite(name, text string) error {
	for i, sec := range s.file.Sections {
		if sec.Name != name {
			continue
		}
		if len(text) > int(sec.Size) {
			return fault.New(fault.Invalid, "%d bytes do not fit into the %d of the stub's %s", len(text), sec.Size, name)
		}
		place := s.data[sec.Offset : sec.Offset+sec.Size]
		clear(place)
		copy(place, text)
		binary.LittleEndian.PutUint32(s.data[s.table+i*secSize+secVirtual:], uint32(len(text)))
		s.virtual = max(s.virtual, int64(sec.VirtualAddress)+int64(len(text)))
		return nil
	}
	return fault.New(fault.Invalid, "the stub has no section %s", name)
}
