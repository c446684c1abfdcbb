package pin

import (
	"path/filepath"
	"strings"

	"github.com/bakelite/bakelite/builders/rootfs"
	"github.com/bakelite/bakelite/internal/app"
	"github.com/bakelite/bakelite/internal/fault"
	"github.com/bakelite/bakelite/internal/lock"
	"github.com/bakelite/bakelite/internal/registry"
)

// Excluded are the places of this machine that are no part of an app, wherever
// they lie.
type Excluded struct {
	// Output and State are the folders of results and caches, Registry is where
	// things are published: a registry's host and path, or "oci:" and a folder.
	Output, State, Registry string
	// Keys are the files of the keys that sign; empty names count for nothing.
	Keys []string
}

// Files lists the app's own files by content. Results and state must not be
// among them: each build would copy those of the last one.
func (e Excluded) Files(a app.App) ([]lock.File, error) {
	from := make([]string, len(a.Files))
	for i, f := range a.Files {
		from[i] = resolved(filepath.Join(a.Dir, f.From))
	}
	for _, w := range e.written() {
		folder := resolved(w.folder)
		for i, f := range a.Files {
			if _, inside := below(from[i], folder); f.From != "" && inside {
				return nil, fault.Hint(fault.New(fault.Invalid, "%s: files[%d].from: %s holds the folder of --%s, %s, which each build changes", a.Path, i, f.From, w.flag, w.folder),
					"set --%s to a folder outside of %s", w.flag, f.From)
			}
		}
		if path, inside := within(a.Dir, w.folder); a.Base.Dockerfile != "" && inside && path == "." {
			return nil, fault.Hint(fault.New(fault.Invalid, "%s: base.dockerfile copies from %s, which is the folder of --%s", a.Path, a.Dir, w.flag),
				"set --%s to another folder", w.flag)
		}
	}
	var unseen []string
	if a.Base.Dockerfile != "" {
		unseen = e.Unseen(a)[rootfs.Context]
	}
	found, err := app.Files(a, unseen)
	var files []lock.File
	for _, f := range found {
		files = append(files, lock.File(f))
	}
	return files, err
}

// written is a folder that builds write to, and the flag that sets it.
type written struct{ flag, folder string }

func (e Excluded) written() []written {
	all := []written{{"output", e.Output}, {"state", e.State}}
	if folder, ok := strings.CutPrefix(e.Registry, registry.LayoutPrefix); ok {
		all = append(all, written{"registry", folder})
	}
	return all
}

// Unseen is what a Dockerfile can't copy from the app's folder: what builds
// write to, and the keys that sign what they make.
func (e Excluded) Unseen(a app.App) map[string][]string {
	unseen := app.Unseen(a)
	for _, w := range e.written() {
		if path, inside := within(a.Dir, w.folder); inside {
			unseen = append(unseen, path)
		}
	}
	for _, key := range e.Keys {
		if path, inside := within(a.Dir, key); key != "" && inside {
			unseen = append(unseen, path)
		}
	}
	return map[string][]string{rootfs.Context: unseen}
}

// within says whether path is or lies in dir, and where.
func within(dir, path string) (string, bool) {
	return below(resolved(dir), resolved(path))
}

// below is within for paths without links.
func below(dir, path string) (string, bool) {
	at, err := filepath.Rel(dir, path)
	return at, err == nil && filepath.IsLocal(at)
}

// resolved follows the links of a path, of which the end need not exist.
func resolved(path string) string {
	path, err := filepath.Abs(path)
	if err != nil {
		return path
	}
	if real, err := filepath.EvalSymlinks(path); err == nil || filepath.Dir(path) == path {
		return real
	}
	return filepath.Join(resolved(filepath.Dir(path)), filepath.Base(path))
}
