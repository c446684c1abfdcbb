package results

import (
	"fmt"
	"path/filepath"

	"github.com/google/renameio/v2"

	"github.com/bakelite/bakelite/internal/fault"
	"github.com/bakelite/bakelite/internal/limit"
	"github.com/bakelite/bakelite/internal/regular"
)

// ReadWhole reads a file of at most max bytes; a larger one is
// fault.Integrity.
func ReadWhole(path string, max int64) ([]byte, error) {
	f, err := regular.Open(path)
	if err != nil {
		return nil, fmt.Errorf("reading: %w", err)
	}
	defer f.Close()
	text, err := limit.ReadAll(f, max, filepath.Base(path))
	return text, fault.As(fault.Integrity, err)
}

// WriteFile writes beside and renames.
func WriteFile(path string, text []byte) error {
	if err := renameio.WriteFile(path, text, 0o644); err != nil {
		return fmt.Errorf("writing %s: %w", path, err)
	}
	return nil
}
