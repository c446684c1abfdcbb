package app

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path"
	"path/filepath"
	"strings"

	"github.com/moby/patternmatcher"
	"github.com/moby/patternmatcher/ignorefile"

	"github.com/bakelite/bakelite/internal/limit"
	"github.com/bakelite/bakelite/internal/regular"
)

const (
	// maxIgnoreBytes bounds a .dockerignore.
	maxIgnoreBytes = 1 << 20
	// maxLockHead is enough of a lock to know it by.
	maxLockHead = 4 << 10
)

// Unseen returns what a Dockerfile can never copy, by path below the app's
// folder: the app file and its lock, which count by themselves, the locks of
// other apps beside it, which would make each other stale, and Git's folder.
func Unseen(a App) []string {
	name := filepath.Base(a.Path)
	unseen := []string{".git", name, strings.TrimSuffix(name, filepath.Ext(name)) + ".lock"}
	entries, _ := os.ReadDir(a.Dir) // Files says why it cannot be read
	for _, e := range entries {
		if filepath.Ext(e.Name()) == ".lock" && e.Type().IsRegular() && isLock(filepath.Join(a.Dir, e.Name())) {
			unseen = append(unseen, e.Name())
		}
	}
	return unseen
}

// isLock knows a lock of ours from one of another program by its first lines.
func isLock(path string) bool {
	f, err := regular.Open(path)
	if err != nil {
		return false
	}
	defer f.Close()
	head, err := io.ReadAll(io.LimitReader(f, maxLockHead))
	return err == nil && bytes.Contains(head, []byte("\napiVersion: bakelite.dev/")) && bytes.Contains(head, []byte("\nkind: Lock\n"))
}

// context adds what the Dockerfile called name may copy.
func (w *walker) context(name string, unseen []string) error {
	ignored, err := w.ignored(name)
	if err != nil {
		return err
	}
	c := &walker{root: w.root, count: w.count, bytes: w.bytes, anyLinks: true, unseen: unseen, excluded: ignored, names: map[inode]string{}}
	err = c.folder(".", ".", 0)
	w.found = append(w.found, c.found...)
	return err
}

// ignored reads the .dockerignore that BuildKit takes for a Dockerfile: its
// own, or that of the folder.
func (w *walker) ignored(dockerfile string) (*patternmatcher.PatternMatcher, error) {
	for _, name := range []string{path.Clean(dockerfile) + ".dockerignore", ".dockerignore"} {
		info, err := w.root.Lstat(name)
		if errors.Is(err, fs.ErrNotExist) {
			continue
		}
		if err != nil {
			return nil, explain(name, err)
		}
		if !info.Mode().IsRegular() {
			return nil, fmt.Errorf("%s is not a regular file; the engine may not see what a link leads to", name)
		}
		return w.patterns(name)
	}
	return patternmatcher.New(nil)
}

func (w *walker) patterns(name string) (*patternmatcher.PatternMatcher, error) {
	f, err := regular.OpenIn(w.root, name)
	if err != nil {
		return nil, explain(name, err)
	}
	defer f.Close()
	data, err := limit.ReadAll(f, maxIgnoreBytes, name)
	if err != nil {
		return nil, err
	}
	patterns, err := ignorefile.ReadAll(bytes.NewReader(data))
	if err != nil {
		return nil, fmt.Errorf("%s: %w", name, err)
	}
	matcher, err := patternmatcher.New(patterns)
	if err != nil {
		return nil, fmt.Errorf("%s: %w", name, err)
	}
	return matcher, nil
}
