package vouch

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strings"

	"github.com/google/renameio/v2"
	"golang.org/x/sys/unix"

	"github.com/bakelite/bakelite/internal/digests"
	"github.com/bakelite/bakelite/internal/fault"
	"github.com/bakelite/bakelite/internal/regular"
)

// unfinished is how many writes of a file, killed in a row before it had its
// new content, leave its old content vouched for.
const unfinished = 8

// ErrForeign says that a file is there for which the key does not vouch.
var ErrForeign = errors.New("it was not written with this state folder")

// WriteFile writes a file of a mode and vouches for its content, under a
// purpose and the file's absolute path. Killed anywhere it leaves the content
// of before or the new one, and vouches for it.
func (k Key) WriteFile(p Purpose, path string, text []byte, mode fs.FileMode) error {
	write := func() error {
		if err := renameio.WriteFile(path, text, mode); err != nil {
			return fmt.Errorf("writing %s: %w", path, err)
		}
		return nil
	}
	if k.mac == nil {
		return write()
	}
	name, err := filepath.Abs(path)
	if err != nil {
		return fmt.Errorf("naming %s: %w", path, err)
	}
	turn, err := k.turn(unix.LOCK_EX)
	if err != nil {
		return err
	}
	defer turn.Close()
	before, _ := k.Noted(p, name)
	sum := digests.Of(text)
	either := append([]string{sum}, strings.Fields(before)...)
	for _, step := range []func() error{
		func() error { return k.Note(p, name, strings.Join(either[:min(len(either), unfinished)], " ")) },
		write,
		func() error { return k.Note(p, name, sum) },
	} {
		if err := step(); err != nil {
			return err
		}
	}
	return nil
}

// ReadFile reads a file of at most so many bytes, where it holds what was
// written to its path for a purpose. The error is ErrForeign where it holds
// anything else, and fs.ErrNotExist where there is none.
func (k Key) ReadFile(p Purpose, path string, limit int64) ([]byte, error) {
	name, err := filepath.Abs(path)
	if err != nil {
		return nil, fmt.Errorf("naming %s: %w", path, err)
	}
	if k.mac != nil {
		turn, err := k.turn(unix.LOCK_SH)
		if err != nil {
			return nil, err
		}
		defer turn.Close()
	}
	text, err := regular.ReadFile(path, limit)
	if err != nil {
		return nil, err
	}
	noted, _ := k.Noted(p, name)
	if !slices.Contains(strings.Fields(noted), digests.Of(text)) {
		return nil, fault.New(fault.Policy, "reading %s: %w", path, ErrForeign)
	}
	return text, nil
}

// turn keeps a file and its note together: many read at once, and one writes
// (flock(2)).
func (k Key) turn(how int) (*os.File, error) {
	if err := os.MkdirAll(k.notes, 0o700); err != nil {
		return nil, fmt.Errorf("making folder for notes: %w", err)
	}
	f, err := os.Open(k.notes)
	if err != nil {
		return nil, fmt.Errorf("opening folder of notes: %w", err)
	}
	for err = unix.EINTR; errors.Is(err, unix.EINTR); {
		err = unix.Flock(int(f.Fd()), how)
	}
	if err != nil {
		_ = f.Close()
		return nil, fmt.Errorf("locking folder of notes: %w", err)
	}
	return f, nil
}
