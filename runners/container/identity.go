package container

import (
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"strings"

	"github.com/bakelite/bakelite/internal/fault"
	"github.com/bakelite/bakelite/internal/profile"
	"github.com/bakelite/bakelite/internal/regular"
)

// accountsLimit bounds the image's passwd and group files.
const accountsLimit = 1 << 20

// identify looks the user up in the image's own passwd and group.
func identify(rootfs, name string) (profile.Identity, error) {
	root, err := os.OpenRoot(rootfs)
	if err != nil {
		return profile.Identity{}, fmt.Errorf("opening the root filesystem: %w", err)
	}
	defer root.Close()
	passwd, err := accounts(root, "etc/passwd")
	if err != nil {
		return profile.Identity{}, err
	}
	group, err := accounts(root, "etc/group")
	if err != nil {
		return profile.Identity{}, err
	}
	return profile.Identify(name, passwd, group)
}

// accounts reads a file that an image may lack.
func accounts(root *os.Root, name string) (io.Reader, error) {
	data, err := regular.ReadFileIn(root, name, accountsLimit)
	if errors.Is(err, fs.ErrNotExist) {
		return strings.NewReader(""), nil
	}
	if err != nil {
		return nil, fault.As(fault.Build, fmt.Errorf("reading the image's %s: %w", name, err))
	}
	return strings.NewReader(string(data)), nil
}
