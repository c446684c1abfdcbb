// Package regular opens files that somebody else may have put there. It takes
// regular files alone and waits for nobody: a named pipe without a writer
// would keep a reader for ever, and looking into a device can change it.
package regular

import (
	"io/fs"
	"os"
	"syscall"

	"github.com/bakelite/bakelite/internal/fault"
	"github.com/bakelite/bakelite/internal/limit"
)

// flags keep an open from waiting, should the file become a pipe after it was
// looked at.
const flags = os.O_RDONLY | syscall.O_NONBLOCK | syscall.O_NOCTTY

// Open opens a regular file to be read, or what a link to one leads to. One
// that is not there is fs.ErrNotExist; any other kind of file is a
// fault.Invalid that names it.
func Open(path string) (*os.File, error) {
	return openChecked(path, os.Stat, os.OpenFile)
}

// OpenIn is Open below a folder, which no link leads out of.
func OpenIn(root *os.Root, name string) (*os.File, error) {
	return openChecked(name, root.Stat, root.OpenFile)
}

// Check returns nil for what Open opens, for those who have others open it.
func Check(path string) error {
	info, err := os.Stat(path)
	if err != nil {
		return err
	}
	return check(path, info)
}

// ReadFile returns the content of a file that Open opens. More than max bytes
// are a *limit.Error.
func ReadFile(path string, max int64) ([]byte, error) {
	return readAll(path, max, Open)
}

// ReadFileIn is ReadFile below a folder, which no link leads out of.
func ReadFileIn(root *os.Root, name string, max int64) ([]byte, error) {
	return readAll(name, max, func(name string) (*os.File, error) { return OpenIn(root, name) })
}

func readAll(name string, max int64, open func(string) (*os.File, error)) ([]byte, error) {
	f, err := open(name)
	if err != nil {
		return nil, err
	}
	defer f.Close()
	return limit.ReadAll(f, max, name)
}

func openChecked(name string, stat func(string) (fs.FileInfo, error), open func(string, int, fs.FileMode) (*os.File, error)) (*os.File, error) {
	info, err := stat(name)
	if err == nil {
		err = check(name, info)
	}
	if err != nil {
		return nil, err
	}
	f, err := open(name, flags, 0)
	if err != nil {
		return nil, err
	}
	if info, err = f.Stat(); err == nil {
		err = check(name, info)
	}
	if err != nil {
		f.Close()
		return nil, err
	}
	return f, nil
}

func check(name string, info fs.FileInfo) error {
	if info.Mode().IsRegular() {
		return nil
	}
	return fault.Hint(fault.New(fault.Invalid, "%s is a %s, not a regular file", name, kind(info.Mode())), "put a file in its place, or remove it")
}

func kind(mode fs.FileMode) string {
	switch {
	case mode.IsDir():
		return "folder"
	case mode&fs.ModeNamedPipe != 0:
		return "named pipe"
	case mode&fs.ModeSocket != 0:
		return "socket"
	case mode&fs.ModeDevice != 0:
		return "device"
	}
	return "special file"
}
