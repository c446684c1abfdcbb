package dpkg

import (
	"crypto/sha256"
	"fmt"
	"io/fs"
	"maps"
	"path"
	"slices"

	"golang.org/x/sys/unix"

	"github.com/bakelite/bakelite/builders/tree/treefs"
)

const (
	// docs holds a folder of each package, and in it its licence.
	docs    = "usr/share/doc"
	licence = "copyright"
	// maxEvidence bounds one file of evidence, in bytes: a licence, a list of
	// files.
	maxEvidence = 64 << 20
)

// foreign are the lists of other package managers. What they claim as theirs a
// scanner passes by, in an image of any distribution.
var foreign = []string{"lib/apk/db", "usr/lib/apk/db", "usr/lib/sysimage/rpm", "usr/share/rpm", "var/lib/rpm", "var/lib/rpmmanifest"}

// Evidence is what packages are known and judged by: the release, the
// database, what dpkg notes of each package, and licences.
type Evidence struct {
	// files are all but the database, by path, each with all that it is.
	files map[string]string
	// stanzas are the database's, by package and architecture.
	stanzas map[string][]string
}

// ReadEvidence reads that of a tree. Links to folders are followed, and where
// they lead is part of what is read.
func ReadEvidence(t *treefs.FS) (e Evidence, err error) {
	e = Evidence{map[string]string{}, map[string][]string{}}
	for _, name := range []string{"etc/debian_version", "etc/os-release", "usr/lib/os-release", "var/lib/dpkg/available"} {
		if err := e.add(t, path.Dir(name), path.Base(name)); err != nil {
			return e, fmt.Errorf("reading evidence: %w", err)
		}
	}
	for _, folder := range append([]string{info, status + ".d"}, foreign...) {
		if err := e.addAll(t, folder); err != nil {
			return e, fmt.Errorf("reading evidence: %w", err)
		}
	}
	if err := e.addLicences(t); err != nil {
		return e, fmt.Errorf("reading licences: %w", err)
	}
	_, all, err := readStatus(t)
	for _, p := range all {
		who := field(p, "Package") + " " + field(p, "Architecture")
		e.stanzas[who] = append(e.stanzas[who], p)
	}
	return e, err
}

// add adds what lies in a folder by a name, if anything does.
func (e Evidence) add(t *treefs.FS, folder, name string) error {
	at, err := t.Resolve(folder)
	if err != nil {
		return err
	}
	place := path.Join(at, name)
	found, err := t.Lstat(place)
	if err != nil || found == nil {
		return err
	}
	text := fmt.Sprintf("%s %s", found.Mode().Type(), place)
	switch found.Mode().Type() {
	case fs.ModeSymlink:
		target, err := t.Root().Readlink(place)
		if err != nil {
			return err
		}
		text += " " + target
	case 0:
		content, err := t.ReadFile(place, maxEvidence)
		if err != nil {
			return err
		}
		text += fmt.Sprintf(" %x", sha256.Sum256(content))
	}
	e.files[path.Join(folder, name)] = text
	return nil
}

// addAll adds all that lies anywhere below a folder.
func (e Evidence) addAll(t *treefs.FS, folder string) error {
	at, err := t.Resolve(folder)
	if err != nil {
		return err
	}
	if dir, err := t.Is(at, fs.ModeDir); err != nil || !dir {
		return err
	}
	return t.Below(at, func(f *treefs.Entry, _ *unix.Stat_t) error {
		if f.IsDir() {
			return nil
		}
		return e.add(t, path.Join(folder, path.Dir(f.Path[len(at):])), path.Base(f.Path))
	})
}

// addLicences adds the licence of each package, and what is there in place of
// a package's folder.
func (e Evidence) addLicences(t *treefs.FS) error {
	at, err := t.Resolve(docs)
	if err != nil {
		return err
	}
	if dir, err := t.Is(at, fs.ModeDir); err != nil || !dir {
		return err
	}
	names, err := t.Names(at, maxNotes)
	if err != nil {
		return err
	}
	for _, name := range names {
		dir, err := t.Is(path.Join(at, name), fs.ModeDir)
		if err != nil {
			return err
		}
		folder, of := docs, name
		if dir {
			folder, of = path.Join(docs, name), licence
		}
		if err := e.add(t, folder, of); err != nil {
			return err
		}
	}
	return nil
}

// SpoiledError names evidence that is not as it was.
type SpoiledError struct {
	// Path is absolute; Package is set where it is a package's entry in a
	// database.
	Path, Package string
}

func (e *SpoiledError) Error() string {
	if e.Package == "" {
		return treefs.Show(e.Path)
	}
	return fmt.Sprintf("%s (package %s)", e.Path, treefs.Show(e.Package))
}

// Unspoiled compares with later evidence: all must be as it was; only of
// packages that were not there may be more. Else it returns a *SpoiledError.
func (e Evidence) Unspoiled(now Evidence) error {
	for _, name := range slices.Sorted(maps.Keys(e.files)) {
		if now.files[name] != e.files[name] {
			return &SpoiledError{Path: "/" + name}
		}
	}
	known := map[string]bool{"": true}
	for _, who := range slices.Sorted(maps.Keys(e.stanzas)) {
		name := field(e.stanzas[who][0], "Package")
		if !slices.Equal(e.stanzas[who], now.stanzas[who]) {
			return &SpoiledError{"/" + status, name}
		}
		known[name] = true
	}
	for _, name := range slices.Sorted(maps.Keys(now.files)) {
		if _, was := e.files[name]; !was && known[claimant(name)] {
			return &SpoiledError{Path: "/" + name}
		}
	}
	return nil
}

// claimant is the package that a file of evidence speaks of, "" for all.
func claimant(name string) string {
	switch dir := path.Dir(name); {
	case dir == info:
		return packageOf(path.Base(name))
	case dir == docs:
		return path.Base(name)
	case path.Dir(dir) == docs:
		return path.Base(dir)
	}
	return ""
}
