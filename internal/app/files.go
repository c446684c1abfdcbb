package app

import (
	"crypto/sha256"
	"encoding/hex"
	"io"
	"os"
	"path/filepath"
	"slices"
	"strings"

	"github.com/bakelite/bakelite/internal/fault"
	"github.com/bakelite/bakelite/internal/limit"
	"github.com/bakelite/bakelite/internal/lock"
)

// Files returns the app's own files by content, sorted by path and each once:
// the trees that files name, and with a Dockerfile all that it may copy, which
// is what .dockerignore and unseen leave. A link counts by its target's name.
// More than 100,000 entries or 4 GiB are refused; errors are of kind
// fault.Invalid.
func Files(a App, unseen []string) ([]lock.File, error) {
	root, err := os.OpenRoot(a.Dir)
	if err != nil {
		return nil, fault.New(fault.Missing, "opening the app's folder: %w", err)
	}
	defer root.Close()
	w := &walker{root: root}
	if err := w.all(a, unseen); err != nil {
		return nil, fault.New(fault.Invalid, "listing the app's files: %w", err)
	}
	files := make([]lock.File, 0, len(w.found))
	for _, f := range w.found {
		file, err := byContent(root, f)
		if err != nil {
			return nil, err
		}
		files = append(files, file)
	}
	slices.SortFunc(files, func(a, b lock.File) int { return strings.Compare(a.Path, b.Path) })
	return slices.Compact(files), nil
}

func (w *walker) all(a App, unseen []string) error {
	for _, f := range a.Files {
		if f.From == "" {
			continue
		}
		if err := w.walk(f.From); err != nil {
			return err
		}
	}
	if a.Base.Dockerfile == "" {
		return nil
	}
	if err := w.walk(a.Base.Dockerfile); err != nil {
		return err
	}
	return w.context(a.Base.Dockerfile, unseen)
}

// byContent reads a file; a link's content is its target behind a NUL, which
// no text file starts with.
func byContent(root *os.Root, f found) (lock.File, error) {
	hash := sha256.New()
	if f.link != "" {
		_, _ = io.WriteString(hash, "\x00link\x00"+f.link)
		return lock.File{Path: f.path, SHA256: hex.EncodeToString(hash.Sum(nil))}, nil
	}
	file, err := root.Open(filepath.FromSlash(f.path))
	if err != nil {
		return lock.File{}, fault.New(fault.Invalid, "reading the app's files: %w", explain(f.path, err))
	}
	defer file.Close()
	info, err := file.Stat()
	if err != nil || !info.Mode().IsRegular() {
		return lock.File{}, fault.New(fault.Invalid, "reading the app's files: %s changed while it was read", f.path)
	}
	if _, err := io.Copy(hash, limit.Reader(file, maxOwnBytes, f.path)); err != nil {
		return lock.File{}, fault.New(fault.Invalid, "reading the app's files: %w", err)
	}
	return lock.File{Path: f.path, SHA256: hex.EncodeToString(hash.Sum(nil)), Executable: info.Mode()&0o111 != 0}, nil
}
