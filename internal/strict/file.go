package strict

import (
	"errors"
	"fmt"
	"io/fs"

	"github.com/bakelite/bakelite/internal/fault"
	"github.com/bakelite/bakelite/internal/regular"
)

// ReadFile returns the content of a regular file of at most MaxBytes. Errors
// are classified: Missing for a file that is not there, Invalid for one that
// is too large or not a regular file.
func ReadFile(path string) ([]byte, error) {
	data, err := regular.ReadFile(path, MaxBytes)
	var at *fs.PathError
	switch {
	case errors.Is(err, fs.ErrNotExist):
		return nil, fault.New(fault.Missing, "reading %s: no such file", path)
	case errors.As(err, &at):
		return nil, fault.New(fault.Invalid, "reading %s: %w", path, at.Err)
	case err != nil:
		return nil, fault.As(fault.Invalid, fmt.Errorf("reading %w", err))
	}
	return data, nil
}
