package uki

import (
	"debug/pe"
	"io"

	"github.com/bakelite/bakelite/internal/fault"
	"github.com/bakelite/bakelite/internal/limit"
)

// maxCmdline bounds a command line, in bytes: the kernel takes 2 KiB on amd64
// and 64 KiB at most anywhere.
const maxCmdline = 64 << 10

// Cmdline reads the command line of an EFI program that Build made, or ukify.
// A program without one, or what is no program, is an error of kind Integrity.
func Cmdline(program io.ReaderAt) (string, error) {
	file, err := pe.NewFile(program)
	if err != nil {
		return "", fault.New(fault.Integrity, "reading EFI program: %w", err)
	}
	section := file.Section(".cmdline")
	if section == nil {
		return "", fault.New(fault.Integrity, "the EFI program has no command line")
	}
	text, err := limit.ReadAll(io.LimitReader(section.Open(), int64(section.VirtualSize)), maxCmdline, "the command line")
	if err != nil {
		return "", fault.New(fault.Integrity, "reading the command line: %w", err)
	}
	return string(text), nil
}
