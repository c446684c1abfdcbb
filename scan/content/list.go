package content

import (
	"archive/tar"
	"context"
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"io"
	"io/fs"
	"maps"
	"path"
	"strings"
	"syscall"

	"github.com/bakelite/bakelite/internal/disk/inodes"
)

// List returns every regular file of an artifact by its path, as the topmost
// layer has it: mode, owner and group by number, size in bytes and the first
// digits of its SHA-256.
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
	return fmt.Sprintf("%v %s %d %s", f.Info.Mode(), owner(f.Info), f.Info.Size(), hex.EncodeToString(hash.Sum(nil))[:shownDigits]), nil
}

// owner returns the numbers of user and group, "33:33".
func owner(info fs.FileInfo) string {
	switch of := info.Sys().(type) {
	case *tar.Header:
		return fmt.Sprintf("%d:%d", of.Uid, of.Gid)
	case *inodes.Stat:
		return fmt.Sprintf("%d:%d", of.UID, of.GID)
	case *syscall.Stat_t:
		return fmt.Sprintf("%d:%d", of.Uid, of.Gid)
	}
	return "?:?"
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
