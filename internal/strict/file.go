package strict

import (
	"errors"
	"io/fs"
	"os"
	"syscall"

	"github.com/bakelite/bakelite/internal/fault"
	"github.com/bakelite/bakelite/internal/limit"
)

// ReadFile returns the content of a regular file of at most MaxBytes. Errors
// are classified: Missing for a file that is not there, Invalid for one that
// is too large or not a regular file.
func ReadFile(path string) ([]byte, error) { return ReadFileIf(path, nil) }

// ReadFileIf is ReadFile for a file that check, unless it is nil, lets through:
// it is asked of the file that was opened, and its error is returned.
func ReadFileIf(path string, check func(fs.FileInfo) error) ([]byte, error) {
	// O_NONBLOCK: opening a named pipe must not wait for a writer.
	f, err := os.OpenFile(path, os.O_RDONLY|syscall.O_NONBLOCK, 0)
	if errors.Is(err, fs.ErrNotExist) {
		return nil, fault.New(fault.Missing, "reading %s: no such file", path)
	}
	if err != nil {
		return nil, fault.New(fault.Invalid, "reading %s: %w", path, errors.Unwrap(err))
	}
	defer f.Close()
	info, err := f.Stat()
	if err != nil || !info.Mode().IsRegular() {
		return nil, fault.New(fault.Invalid, "reading %s: not a regular file", path)
	}
	if check != nil {
		if err := check(info); err != nil {
			return nil, err
		}
	}
	data, err := limit.ReadAll(f, MaxBytes, path)
	if err != nil {
		return nil, fault.New(fault.Invalid, "reading %w", err)
	}
	return data, nil
}
