package bake

import (
	"fmt"
	"os"
	"path/filepath"
	"strings"

	"github.com/bakelite/bakelite/internal/artifact"
	"github.com/bakelite/bakelite/internal/oci"
	"github.com/bakelite/bakelite/pipelines/results"
)

// name gives everything that was made its final name, one atomic step each.
func (w *work) name() error {
	var named []artifact.Artifact
	for _, a := range w.made {
		if a.Kind == artifact.Container {
			image, err := w.nameImage(a)
			if err != nil {
				return err
			}
			named = append(named, image...)
			continue
		}
		final := filepath.Join(w.baker.Folder.Path, filepath.Base(a.Path))
		if err := os.Rename(a.Path, final); err != nil {
			return fmt.Errorf("naming disk: %w", err)
		}
		a.Path = final
		named = append(named, a)
	}
	w.made = named
	return nil
}

// nameImage returns the layout, and the archive where one is asked for:
// running and publishing take the layout.
func (w *work) nameImage(a artifact.Artifact) ([]artifact.Artifact, error) {
	layout := w.baker.Folder.Layout(w.app.Name)
	if err := oci.Replace(layout, a.Path); err != nil {
		return nil, err
	}
	a.Path, a.Ref = layout, layout+"@"+a.Digest
	if w.app.Container.Format != "archive" {
		return []artifact.Artifact{a}, nil
	}
	packed := a
	packed.Format, packed.Ref, packed.Path = "archive", "", layout+".tar"
	if err := oci.Archive(layout, packed.Path); err != nil {
		return nil, err
	}
	info, err := os.Stat(packed.Path)
	if err != nil {
		return nil, fmt.Errorf("reading archive: %w", err)
	}
	packed.Size = info.Size()
	return []artifact.Artifact{a, packed}, nil
}

// clear removes what the new artifacts replace: files that only the old
// receipt lists, with what was signed beside them, and a failed build.
func (w *work) clear(old results.Receipt) error {
	current := map[string]bool{}
	for _, a := range w.made {
		current[filepath.Base(a.Path)] = true
	}
	names := []string{w.app.Name + ".failed"}
	for _, a := range old.Artifacts {
		if name := filepath.Base(a.Path); !current[name] && strings.HasPrefix(name, w.app.Name+".") {
			names = append(names, name, name+".sha256", name+results.BundlesSuffix)
		}
	}
	for _, name := range names {
		if err := os.RemoveAll(filepath.Join(w.baker.Folder.Path, name)); err != nil {
			return fmt.Errorf("removing what was replaced: %w", err)
		}
	}
	return nil
}
