package content

import (
	"errors"
	"fmt"
	"io"
	"io/fs"

	"github.com/bakelite/bakelite/internal/disk/fat"
	"github.com/bakelite/bakelite/internal/disk/gpt"
	"github.com/bakelite/bakelite/internal/disk/uki"
	"github.com/bakelite/bakelite/internal/fault"
)

// cmdline reads the command line out of the EFI program that firmware starts
// where nothing else is set.
func cmdline(r io.ReaderAt, all []partition) (string, error) {
	for _, p := range all {
		for _, arch := range []string{"amd64", "arm64"} {
			types, err := gpt.TypesOf(arch)
			if err != nil {
				return "", err
			}
			if p.kind != types.ESP {
				continue
			}
			program, err := fat.OpenFile(io.NewSectionReader(r, p.offset, p.bytes), p.bytes, types.BootPath)
			if errors.Is(err, fs.ErrNotExist) {
				continue
			}
			if err != nil {
				return "", fmt.Errorf("reading the EFI partition: %w", err)
			}
			return uki.Cmdline(program)
		}
	}
	return "", fault.New(fault.Integrity, "the disk has no EFI program")
}
