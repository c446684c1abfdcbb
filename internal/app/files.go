package app

import (
	"cmp"
	"crypto/sha256"
	"encoding/hex"
	"io"
	"os"
	"path/filepath"
	"slices"
	"strings"

	"github.com/bakelite/bakelite/internal/fault"
	"github.com/bakelite/bakelite/internal/limit"
	"github.com/bakelite/bakelite/internal/regular"
)

// Content is one of the app's own files, by content.
type Content struct {
	// Path is below the app file's folder, with slashes.
	Path string
	// SHA256 has 64 hexadecimal digits.
	SHA256 string
	// Executable says that it has execute bits.
	Executable bool
}

// Files returns the app's own files by content, sorted by path and each once:
// the trees that files name, and with a Dockerfile all that it may copy, which
// is what .dockerignore and unseen leave. A link counts by its target's name, a
// folder only where nothing else in it does. What is both followed as a name
// of the app file and copied as a link counts as both.
// More than 100,000 entries or 4 GiB are refused; errors are of kind
// fault.Invalid.
func Files(a App, unseen []string) ([]Content, error) {
	root, err := os.OpenRoot(a.Dir)
	if err != nil {
		return nil, fault.New(fault.Missing, "opening the app's folder: %w", err)
	}
	defer root.Close()
	w := &walker{root: root}
	if err := w.all(a, unseen); err != nil {
		return nil, fault.New(fault.Invalid, "listing the app's files: %w", err)
	}
	files := make([]Content, 0, len(w.found))
	for _, f := range w.found {
		file, err := byContent(root, f)
		if err != nil {
			return nil, err
		}
		files = append(files, file)
	}
	slices.SortFunc(files, func(a, b Content) int {
		return cmp.Or(strings.Compare(a.Path, b.Path), strings.Compare(a.SHA256, b.SHA256))
	})
	return onceEach(slices.Compact(files)), nil
}

// onceEach joins the entries of the same path.
func onceEach(sorted []Content) []Content {
	var once []Content
	for _, f := range sorted {
		if n := len(once) - 1; n >= 0 && once[n].Path == f.Path {
			sum := sha256.Sum256([]byte("\x00both\x00" + once[n].SHA256 + f.SHA256))
			f = Content{Path: f.Path, SHA256: hex.EncodeToString(sum[:]), Executable: once[n].Executable || f.Executable}
			once = once[:n]
		}
		once = append(once, f)
	}
	return once
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

// copied is how much of a file is read at a time, in bytes.
const copied = 32 << 10

// byContent reads a file; the content of a link is its target, that of a file's
// second name the first, and that of a folder nothing, all behind a NUL, which
// no text file starts with.
func byContent(root *os.Root, f found) (Content, error) {
	hash := sha256.New()
	if kind, of := f.nameOnly(); kind != "" {
		_, _ = io.WriteString(hash, "\x00"+kind+"\x00"+of)
		return Content{Path: f.path, SHA256: hex.EncodeToString(hash.Sum(nil))}, nil
	}
	file, err := regular.OpenIn(root, filepath.FromSlash(f.path))
	if err != nil {
		return Content{}, fault.New(fault.Invalid, "reading the app's files: %w", explain(f.path, err))
	}
	defer file.Close()
	info, err := file.Stat()
	if err != nil || !info.Mode().IsRegular() {
		return Content{}, fault.New(fault.Invalid, "reading the app's files: %s changed while it was read", f.path)
	}
	room := make([]byte, min(info.Size()+1, copied))
	if _, err := io.CopyBuffer(hash, limit.Reader(file, maxOwnBytes, f.path), room); err != nil {
		return Content{}, fault.New(fault.Invalid, "reading the app's files: %w", err)
	}
	return Content{Path: f.path, SHA256: hex.EncodeToString(hash.Sum(nil)), Executable: info.Mode()&0o111 != 0}, nil
}

// nameOnly says what an entry is that counts by names alone, and by which one.
func (f found) nameOnly() (kind, of string) {
	switch {
	case f.link != "":
		return "link", f.link
	case f.same != "":
		return "same", f.same
	case f.folder:
		return "folder", ""
	}
	return "", ""
}
