package uki

import (
	"crypto/sha256"
	"debug/pe"
	"encoding/binary"
	"fmt"
	"io"
	"slices"

	"github.com/bakelite/bakelite/internal/disk"
	"github.com/bakelite/bakelite/internal/fault"
)

// Measures in bytes of what a signature touches (Microsoft's PE format, "The
// Attribute Certificate Table").
const (
	checksumSize   = 4
	directorySize  = 8
	optDirectories = 112
	tableAlign     = 8
)

// frame is a program as a signature sees it: all of its bytes but for the
// checksum, the place that names the signature, and the signature.
type frame struct {
	program   disk.Content
	checksum  int64 // offset of the header's checksum
	directory int64 // offset of the place that names the signature
	end       int64 // where the signature is or goes, without padding
	signature int64 // its size
}

func readFrame(program disk.Content) (frame, error) {
	if program.Size() > MaxSize {
		return frame{}, fault.New(fault.Invalid, "%d bytes are more than %d", program.Size(), MaxSize)
	}
	start := make([]byte, dosNewHeader+4)
	if _, err := program.ReadAt(start, 0); err != nil || string(start[:2]) != "MZ" {
		return frame{}, fault.New(fault.Invalid, "not an EFI program")
	}
	file, err := pe.NewFile(program)
	if err != nil {
		return frame{}, fault.As(fault.Invalid, err)
	}
	opt, ok := file.OptionalHeader.(*pe.OptionalHeader64)
	if !ok || opt.NumberOfRvaAndSizes <= securityTable {
		return frame{}, fault.New(fault.Invalid, "not a 64-bit program with a place for a signature")
	}
	header := int64(binary.LittleEndian.Uint32(start[dosNewHeader:])) + 4 + coffSize
	f := frame{
		program: program, checksum: header + optChecksum, directory: header + optDirectories + securityTable*directorySize,
		end: program.Size(),
	}
	if err := f.findSignature(opt.DataDirectory[securityTable]); err != nil {
		return frame{}, err
	}
	return f, f.checkOrder(file, opt)
}

// findSignature sets end and signature; only a signature that is the last
// thing in the program has all other bytes signed.
func (f *frame) findSignature(entry pe.DataDirectory) error {
	at, size := int64(entry.VirtualAddress), int64(entry.Size)
	if at == 0 && size == 0 {
		return nil
	}
	if at%tableAlign != 0 || at+size != f.program.Size() {
		return fault.New(fault.Integrity, "the signature's %d bytes at %d are not the end of the program's %d", size, at, f.program.Size())
	}
	f.end, f.signature = at, size
	return nil
}

// checkOrder refuses gaps between sections. Authenticode leaves them out of
// the digest, tools differ about them, and without any the digest is one run
// over the file.
func (f *frame) checkOrder(file *pe.File, opt *pe.OptionalHeader64) error {
	if int64(opt.SizeOfHeaders) < f.directory+directorySize {
		return fault.New(fault.Invalid, "headers of %d bytes are damaged", opt.SizeOfHeaders)
	}
	sections := slices.DeleteFunc(slices.Clone(file.Sections), func(s *pe.Section) bool { return s.Size == 0 })
	slices.SortStableFunc(sections, func(a, b *pe.Section) int { return int(int64(a.Offset) - int64(b.Offset)) })
	next := int64(opt.SizeOfHeaders)
	for _, s := range sections {
		if int64(s.Offset) != next {
			return fault.New(fault.Invalid, "section %q begins at %d, not at %d where the one before ends", s.Name, s.Offset, next)
		}
		next += int64(s.Size)
	}
	if next > f.end {
		return fault.New(fault.Invalid, "sections end at %d, after the program's end at %d", next, f.end)
	}
	return nil
}

// table is the offset at which the signature goes.
func (f *frame) table() int64 { return alignUp(f.end, tableAlign) }

// digest is the Authenticode digest by SHA-256 (UEFI 2.10, 32.2.4), padding
// before the signature included.
func (f *frame) digest() ([sha256.Size]byte, error) {
	h, none := sha256.New(), [sha256.Size]byte{}
	for _, part := range [][2]int64{{0, f.checksum}, {f.checksum + checksumSize, f.directory}, {f.directory + directorySize, f.end}} {
		size := part[1] - part[0]
		if _, err := io.CopyN(h, io.NewSectionReader(f.program, part[0], size), size); err != nil {
			return none, fault.As(fault.Integrity, fmt.Errorf("reading program: %d bytes at %d: %w", size, part[0], err))
		}
	}
	_, _ = h.Write(make([]byte, f.table()-f.end))
	return [sha256.Size]byte(h.Sum(nil)), nil
}
