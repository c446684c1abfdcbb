package regular

import (
	"errors"
	"fmt"
	"io/fs"

	"github.com/bakelite/bakelite/internal/fault"
	"github.com/bakelite/bakelite/internal/limit"
)

// ReadNamed returns the content of a file that somebody named, of at most max
// bytes, where check, unless it is nil, lets through what was opened: its error
// is returned. Errors are classified: Missing for a file that is not there,
// Invalid for one that is too large or not a regular file.
func ReadNamed(path string, max int64, check func(fs.FileInfo) error) ([]byte, error) {
	f, err := Open(path)
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
	data, err := limit.ReadAll(f, max, path)
	if err != nil {
		return nil, fault.New(fault.Invalid, "reading %w", err)
	}
	return data, nil
}
