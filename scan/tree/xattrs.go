package tree

import (
	"errors"
	"os"
	"strconv"
	"strings"

	"golang.org/x/sys/unix"
)

// procPath names a name of an open folder for calls that take no descriptor.
func procPath(dir *os.File, base string) string {
	return "/proc/self/fd/" + strconv.Itoa(int(dir.Fd())) + "/" + base
}

// xattrs reads all extended attributes of a path that is no link. File systems
// without any have none.
func xattrs(path string) (map[string]string, error) {
	size, err := unix.Llistxattr(path, nil)
	switch {
	case errors.Is(err, unix.ENOTSUP) || errors.Is(err, unix.ENOENT) || err == nil && size == 0:
		return nil, nil
	case err != nil:
		return nil, err
	}
	names := make([]byte, maxXattrNames)
	n, err := unix.Llistxattr(path, names)
	if err != nil {
		return nil, err
	}
	all := map[string]string{}
	for name := range strings.SplitSeq(strings.TrimRight(string(names[:n]), "\x00"), "\x00") {
		value, err := xattr(path, name)
		if err != nil {
			return nil, err
		}
		all[name] = value
	}
	return all, nil
}

func xattr(path, name string) (string, error) {
	value := make([]byte, 256) // capabilities take 24, short lists some dozens
	n, err := unix.Lgetxattr(path, name, value)
	if errors.Is(err, unix.ERANGE) {
		value = make([]byte, maxXattrValue)
		n, err = unix.Lgetxattr(path, name, value)
	}
	switch {
	case errors.Is(err, unix.ENODATA): // gone meanwhile, or for other eyes
		return "", nil
	case err != nil:
		return "", err
	}
	return string(value[:n]), nil
}
