package tree

import (
	"errors"
	"fmt"
	"os"
	"strconv"
	"strings"

	"golang.org/x/sys/unix"
)

// procPath names a name of an open folder for calls that take no descriptor.
func procPath(dir *os.File, base string) string {
	return "/proc/self/fd/" + strconv.Itoa(int(dir.Fd())) + "/" + base
}

// usual is room, in bytes, for what nearly all files have: no or few names, and
// values such as capabilities, which take 24.
const usual = 1 << 10

// xattrs reads all extended attributes of a path that is no link. File systems
// without any have none.
func xattrs(path string) (map[string]string, error) {
	names, err := sized(maxXattrNames, func(room []byte) (int, error) { return unix.Llistxattr(path, room) })
	switch {
	case errors.Is(err, unix.ENOTSUP) || errors.Is(err, unix.ENOENT) || err == nil && names == "":
		return nil, nil
	case err != nil:
		return nil, fmt.Errorf("listing attributes: %w", err)
	}
	all := map[string]string{}
	for name := range strings.SplitSeq(strings.TrimRight(names, "\x00"), "\x00") {
		value, err := sized(maxXattrValue, func(room []byte) (int, error) { return unix.Lgetxattr(path, name, room) })
		if err != nil && !errors.Is(err, unix.ENODATA) { // gone meanwhile, or for other eyes
			return nil, fmt.Errorf("reading attribute %q: %w", name, err)
		}
		all[name] = value
	}
	return all, nil
}

// sized calls with as much room as is usual, and with all that there can be
// where that was too little.
func sized(most int, call func(room []byte) (int, error)) (string, error) {
	room := make([]byte, usual)
	n, err := call(room)
	if errors.Is(err, unix.ERANGE) {
		room = make([]byte, most)
		n, err = call(room)
	}
	if err != nil {
		return "", err
	}
	return string(room[:n]), nil
}
