// Package private keeps the state folder, whose content is believed, to the
// user who runs this process.
package private

import (
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"slices"
	"syscall"

	"github.com/bakelite/bakelite/internal/fault"
)

// others are the rights of everybody but a folder's owner, and writing those
// that let them put something into it.
const (
	others  fs.FileMode = 0o077
	writing fs.FileMode = 0o022
)

// maxEntries bounds how many names are read to know a folder.
const maxEntries = 1000

// stateNames are names that state folders have: another folder is not ours to
// shut.
func stateNames() []string { return []string{"archive", "engine"} }

// State makes a state folder that nobody but this user enters. One that is
// there loses the rights of others where it is empty or known to be one;
// otherwise it may belong to something else, and is refused with fault.Policy,
// as is one that another user owns, or could have written to.
func State(path string) error {
	if err := os.MkdirAll(path, 0o700); err != nil {
		return err
	}
	dir, err := os.OpenFile(path, os.O_RDONLY|syscall.O_DIRECTORY, 0)
	if err != nil {
		return err
	}
	defer dir.Close()
	info, err := dir.Stat()
	if err != nil {
		return err
	}
	if owner := info.Sys().(*syscall.Stat_t).Uid; int(owner) != os.Geteuid() {
		return fault.Hint(fault.New(fault.Policy, "the folder %s belongs to another user (%d)", path, owner), "name a folder of your own")
	}
	if info.Mode()&others == 0 {
		return nil
	}
	return shut(dir, info.Mode())
}

// shut takes the rights of others from an open folder.
func shut(dir *os.File, mode fs.FileMode) error {
	names, err := dir.Readdirnames(maxEntries)
	if err != nil && !errors.Is(err, io.EOF) {
		return err
	}
	empty := len(names) == 0
	switch {
	case mode&writing != 0 && !empty:
		err := fault.New(fault.Policy, "others could write to the folder %s (mode %04o), so what is in it cannot be believed", dir.Name(), mode.Perm())
		return fault.Hint(err, "remove it; where nobody else was there: chmod 700 %s", dir.Name())
	case !empty && !slices.ContainsFunc(stateNames(), func(name string) bool { return slices.Contains(names, name) }):
		err := fault.New(fault.Policy, "others can enter the folder %s (mode %04o), which holds something else", dir.Name(), mode.Perm())
		return fault.Hint(err, "name a folder that nothing else uses, or: chmod 700 %s", dir.Name())
	}
	if err := dir.Chmod(mode.Perm() &^ others); err != nil {
		return fmt.Errorf("closing the folder to others: %w", err)
	}
	return nil
}
