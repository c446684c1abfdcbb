package child

import (
	"context"
	"crypto/sha256"
	"io"
	"os"
	"path/filepath"
	"strings"
	"time"

	"github.com/bakelite/bakelite/internal/cancel"
	"github.com/bakelite/bakelite/internal/digests"
	"github.com/bakelite/bakelite/internal/fault"
	"github.com/bakelite/bakelite/internal/program"
	"github.com/bakelite/bakelite/internal/regular"
)

// About returns what the scanner says of itself; fault.Missing where it is
// not there or does not run.
func (s Scanner) About(ctx context.Context) (string, error) {
	file, err := s.find()
	if err != nil {
		return "", err
	}
	result, err := program.Run(ctx, program.Command{Path: file, Args: []string{"--version"}, Timeout: aboutTime})
	if err != nil {
		return "", fault.As(fault.Missing, err)
	}
	return strings.TrimSpace(string(result.Stdout)), nil
}

// Digest returns that of the scanner's program, "sha256:…". Its errors are
// those of Scan.
func (s Scanner) Digest(ctx context.Context) (string, error) {
	path, err := s.find()
	if err != nil {
		return "", err
	}
	f, err := regular.Open(path)
	if err != nil {
		return "", fault.As(fault.Missing, err)
	}
	defer f.Close()
	hash := sha256.New()
	if _, err := io.Copy(hash, cancel.Reader(ctx, f)); err != nil {
		return "", err
	}
	return digests.Sum(hash), nil
}

// aboutTime bounds a scanner that is asked for its version.
const aboutTime = 10 * time.Second

func (s Scanner) find() (string, error) {
	if s.Program != "" {
		return s.Program, nil
	}
	if own, err := os.Executable(); err == nil {
		beside := filepath.Join(filepath.Dir(own), name)
		if info, err := os.Stat(beside); err == nil && info.Mode().IsRegular() {
			return beside, nil
		}
	}
	return program.Find(name, "install "+name+" beside bakelite: it comes in the same archive")
}
