package vm

import (
	"bytes"

	"github.com/bakelite/bakelite/internal/disk"
	"github.com/bakelite/bakelite/internal/disk/fat"
	"github.com/bakelite/bakelite/internal/disk/uki"
)

// certificatePath is where the menu of a firmware finds the certificate to
// enroll; such menus look for names that end so.
const certificatePath = "EFI/bakelite.cer"

// bootFiles lists the files of the EFI system partition: the program, signed
// where there is a signer, and then the certificate in DER beside it, so that
// a person can enroll it by the firmware's menu.
func bootFiles(path string, program disk.Image, s *uki.Signer) ([]fat.File, error) {
	if s == nil {
		return []fat.File{{Path: path, Content: program}}, nil
	}
	signed, err := uki.Sign(program, *s)
	if err != nil {
		return nil, err
	}
	return []fat.File{
		{Path: path, Content: signed},
		{Path: certificatePath, Content: bytes.NewReader(s.Certificate.Raw)},
	}, nil
}
