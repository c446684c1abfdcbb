package strict

import (
	"errors"
	"fmt"
	"io/fs"

	"github.com/bakelite/bakelite/internal/fault"
	"github.com/bakelite/bakelite/internal/limit"
	"github.com/bakelite/bakelite/internal/regular"
)

// ReadFile returns the content of a regular file of at most MaxBytes. Errors
// are classified: Missing for a file that is not there, Invalid for one that
// is too large or not a regular file.
func ReadFile(path string) ([]byte, error) { return ReadFileIf(path, nil) }

// ReadFileIf is ReadFile for a file that check, unless it is nil, lets through:
// it is asked of the file that was opened, and its error is returned.
func ReadFileIf(path string, check func(fs.FileInfo) error) ([]byte, error) {
	f, err := regular.Open(path)
	var at *fs.PathError
	switch {
	case errors.Is(err, fs.ErrNotExist):
		return nil, fault.New(fault.Missing, "reading %s: no such file", path)
	case errors.As(err, &at):
		return nil, fault.New(fault.Invalid, "reading %s: %w", path, at.Err)
	case err != nil:
		return nil, fault.As(fault.Invalid, fmt.Errorf("reading %w", err))
	}
	defer f.Close()
	if check != nil {
		info, err := f.Stat()
		if err != nil {
			return nil, fault.New(fault.Invalid, "reading %s: %w", path, err)
		}
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
