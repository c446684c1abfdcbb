package app

import (
	"bytes"
	"errors"
	"fmt"
	"io/fs"
	"path"
	"path/filepath"
	"slices"
	"strings"

	"github.com/moby/patternmatcher"
	"github.com/moby/patternmatcher/ignorefile"

	"github.com/bakelite/bakelite/internal/limit"
)

// maxIgnoreBytes bounds a .dockerignore.
const maxIgnoreBytes = 1 << 20

// Unseen returns what a Dockerfile can never copy, by path below the app's
// folder: the app file and its lock, which count by themselves, and Git's
// folder.
func Unseen(a App) []string {
	name := filepath.Base(a.Path)
	return []string{".git", name, strings.TrimSuffix(name, filepath.Ext(name)) + ".lock"}
}

// context adds what the Dockerfile called name may copy.
func (w *walker) context(name string, unseen []string) error {
	ignored, err := w.ignored(name)
	if err != nil {
		return err
	}
	c := &walker{root: w.root, count: w.count, bytes: w.bytes, anyLinks: true, skip: func(name string, folder bool) bool {
		if slices.Contains(unseen, name) {
			return true
		}
		matches, err := ignored.MatchesOrParentMatches(name)
		return err == nil && matches && !(folder && ignored.Exclusions()) // !PATTERN may let in something below it
	}}
	err = c.folder(".", ".", 0)
	w.found = append(w.found, c.found...)
	return err
}

// ignored reads the .dockerignore that BuildKit takes for a Dockerfile: its
// own, or that of the folder.
func (w *walker) ignored(dockerfile string) (*patternmatcher.PatternMatcher, error) {
	for _, name := range []string{path.Clean(dockerfile) + ".dockerignore", ".dockerignore"} {
		info, err := w.root.Stat(name)
		if errors.Is(err, fs.ErrNotExist) {
			continue
		}
		if err != nil {
			return nil, explain(name, err)
		}
		if !info.Mode().IsRegular() {
			return nil, fmt.Errorf("%s is not a regular file", name)
		}
		return w.patterns(name)
	}
	return patternmatcher.New(nil)
}

func (w *walker) patterns(name string) (*patternmatcher.PatternMatcher, error) {
	f, err := w.root.Open(name)
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
