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
// the trees that files name, and with a Dockerfile all that it may copy. A
// link in a tree counts by its target's name. More than 100,000 entries or 4 GiB are refused; errors
// are of kind fault.Invalid.
func Files(a App) ([]lock.File, error) {
	root, err := os.OpenRoot(a.Dir)
	if err != nil {
		return nil, fault.New(fault.Missing, "opening the app's folder: %w", err)
	}
	defer root.Close()
	w := &walker{root: root}
	names, err := w.named(a)
	if err != nil {
		return nil, fault.New(fault.Invalid, "listing the app's files: %w", err)
	}
	for _, name := range names {
		if err := w.walk(name); err != nil {
			return nil, fault.New(fault.Invalid, "listing the app's files: %w", err)
		}
	}
	files := make([]lock.File, 0, len(w.found))
	for _, f := range w.found {
		sum, err := contentDigest(root, f)
		if err != nil {
			return nil, err
		}
		files = append(files, lock.File{Path: f.path, SHA256: sum})
	}
	slices.SortFunc(files, func(a, b lock.File) int { return strings.Compare(a.Path, b.Path) })
	return slices.Compact(files), nil
}

func (w *walker) named(a App) ([]string, error) {
	var names []string
	for _, f := range a.Files {
		if f.From != "" {
			names = append(names, f.From)
		}
	}
	if a.Base.Dockerfile == "" {
		return names, nil
	}
	context, err := w.context(filepath.Base(a.Path))
	return append(append(names, a.Base.Dockerfile), context...), err
}

// outputFolder is the usual folder of results, which no Dockerfile copies.
const outputFolder = "dist"

// context lists what a Dockerfile may copy: everything beside it but hidden
// files, results, and the app file with its lock, which count by themselves.
func (w *walker) context(appFile string) ([]string, error) {
	entries, err := w.list(".")
	if err != nil {
		return nil, err
	}
	stem := strings.TrimSuffix(appFile, filepath.Ext(appFile))
	var names []string
	for _, e := range entries {
		name := e.Name()
		if !strings.HasPrefix(name, ".") && name != outputFolder && name != appFile && name != stem+".lock" {
			names = append(names, name)
		}
	}
	return names, nil
}

// contentDigest returns the SHA-256 of a file's bytes, or of a link's target
// behind a NUL, which no text file starts with.
func contentDigest(root *os.Root, f found) (string, error) {
	hash := sha256.New()
	if f.link != "" {
		_, _ = io.WriteString(hash, "\x00link\x00"+f.link)
		return hex.EncodeToString(hash.Sum(nil)), nil
	}
	file, err := root.Open(filepath.FromSlash(f.path))
	if err != nil {
		return "", fault.New(fault.Invalid, "reading the app's files: %w", explain(f.path, err))
	}
	defer file.Close()
	info, err := file.Stat()
	if err != nil || !info.Mode().IsRegular() {
		return "", fault.New(fault.Invalid, "reading the app's files: %s changed while it was read", f.path)
	}
	if _, err := io.Copy(hash, limit.Reader(file, maxOwnBytes, f.path)); err != nil {
		return "", fault.New(fault.Invalid, "reading the app's files: %w", err)
	}
	return hex.EncodeToString(hash.Sum(nil)), nil
}
