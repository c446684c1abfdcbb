package content

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"io"
	"maps"
	"path"
	"strings"
)

// List returns every regular file of an artifact by its path, as the topmost
// layer has it: mode, size in bytes and the first digits of its SHA-256.
func List(ctx context.Context, a Artifact) (map[string]string, error) {
	files := map[string]string{}
	for _, tree := range a.Trees {
		layer := map[string]string{}
		removed, err := tree.Walk(ctx, func(f File) error {
			said, err := describe(f)
			layer["/"+f.Path] = said
			return err
		})
		if err != nil {
			return nil, err
		}
		removed.from(files)
		maps.Copy(files, layer)
	}
	return files, nil
}

// shownDigits of a SHA-256 tell the files of two images apart.
const shownDigits = 12

func describe(f File) (string, error) {
	r, err := f.Open()
	if err != nil {
		return "", fmt.Errorf("opening %s: %w", f.Path, err)
	}
	defer r.Close()
	hash := sha256.New()
	if _, err := io.Copy(hash, r); err != nil {
		return "", fmt.Errorf("reading %s: %w", f.Path, err)
	}
	return fmt.Sprintf("%v %d %s", f.Info.Mode(), f.Info.Size(), hex.EncodeToString(hash.Sum(nil))[:shownDigits]), nil
}

// from takes what a layer hides out of the files of the layers below.
func (r Removed) from(files map[string]string) {
	for name := range files {
		if r.hides(strings.TrimPrefix(name, "/")) {
			delete(files, name)
		}
	}
}

func (r Removed) hides(name string) bool {
	for _, dir := range r.OpaqueDirs {
		if strings.HasPrefix(name, dir) {
			return true
		}
	}
	for _, gone := range r.Files {
		if name == gone || strings.HasPrefix(name, path.Clean(gone)+"/") {
			return true
		}
	}
	return false
}
