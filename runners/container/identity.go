package container

import (
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"strings"

	"github.com/moby/sys/user"

	"github.com/bakelite/bakelite/internal/fault"
	"github.com/bakelite/bakelite/internal/regular"
)

// accountsLimit bounds the image's passwd and group files.
const accountsLimit = 1 << 20

// identify looks the user up in the image's own passwd and group. Root is
// refused, by whatever name.
func identify(rootfs, name string) (Identity, error) {
	root, err := os.OpenRoot(rootfs)
	if err != nil {
		return Identity{}, fmt.Errorf("opening the root filesystem: %w", err)
	}
	defer root.Close()
	passwd, err := accounts(root, "etc/passwd")
	if err != nil {
		return Identity{}, err
	}
	group, err := accounts(root, "etc/group")
	if err != nil {
		return Identity{}, err
	}
	if name == "" {
		return Identity{}, fault.Hint(fault.New(fault.Policy, "the image names no user"), "set service.user in the app file")
	}
	u, err := user.GetExecUser(name, &user.ExecUser{Uid: -1, Gid: -1}, passwd, group)
	if err != nil {
		return Identity{}, fault.New(fault.Build, "looking up the user %q in the image: %w", name, err)
	}
	if u.Uid <= 0 || u.Gid < 0 {
		return Identity{}, fault.Hint(fault.New(fault.Policy, "the user %q of the image is root or has no group", name),
			"set service.user in the app file to another user")
	}
	id := Identity{UID: uint32(u.Uid), GID: uint32(u.Gid)}
	for _, g := range u.Sgids {
		id.Groups = append(id.Groups, uint32(g))
	}
	return id, nil
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
