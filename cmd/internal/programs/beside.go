//go:build !embedprograms

package programs

import (
	"fmt"
	"os"
	"path/filepath"

	"github.com/bakelite/bakelite/internal/fault"
	"github.com/bakelite/bakelite/internal/limit"
)

// maxProgram bounds a program, in bytes.
const maxProgram = 8 << 20

// Read returns a program from beside the one that runs. An error is of kind
// fault.Missing.
func Read(name string) ([]byte, error) {
	own, err := os.Executable()
	if err == nil {
		own, err = filepath.EvalSymlinks(own)
	}
	if err != nil {
		return nil, fault.As(fault.Missing, fmt.Errorf("finding %s: %w", name, err))
	}
	f, err := os.Open(filepath.Join(filepath.Dir(own), name))
	if err != nil {
		return nil, fault.Hint(fault.As(fault.Missing, fmt.Errorf("reading %s: %w", name, err)),
			"build with: make build, or build ./cmd/%s with CGO_ENABLED=0 beside %s", name, filepath.Base(own))
	}
	defer f.Close()
	return limit.ReadAll(f, maxProgram, name)
}
