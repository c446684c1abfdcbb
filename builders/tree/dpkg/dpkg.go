// Package dpkg reads the lists of files and the status that dpkg keeps in a
// tree, and takes packages out of it without dpkg: a tree may have none that
// runs. What it reads is bounded. Only builders/tree may import it.
package dpkg

import (
	"fmt"
	"io/fs"
	"path"
	"slices"
	"strings"

	"github.com/bakelite/bakelite/builders/tree/treefs"
)

const (
	// info is the folder of what dpkg notes of each package.
	info = "var/lib/dpkg/info"
	// status lists all packages.
	status = "var/lib/dpkg/status"
	// diversions lists files that lie by another name than their package's.
	diversions = "var/lib/dpkg/diversions"

	// maxStatus bounds one of dpkg's files, in bytes; a full desktop's status
	// is 5 MB.
	maxStatus = 64 << 20
	// maxNotes bounds how many files info holds.
	maxNotes = 200_000
)

// notes returns the names of the files in info, sorted.
func notes(t *treefs.FS) (folder string, names []string, err error) { return filesOf(t, info) }

// filesOf returns where a folder leads and the names in it, sorted.
func filesOf(t *treefs.FS, name string) (folder string, names []string, err error) {
	if folder, err = t.Resolve(name); err != nil {
		return "", nil, err
	}
	there, err := t.Is(folder, fs.ModeDir)
	if err != nil || !there {
		return folder, nil, err
	}
	names, err = t.Names(folder, maxNotes)
	return folder, names, err
}

// packageOf returns the package, without its architecture, that a file of info
// is of.
func packageOf(note string) string {
	name := strings.TrimSuffix(note, path.Ext(note))
	name, _, _ = strings.Cut(name, ":")
	return name
}

// lists returns, by the name of each list in info that want wants, the paths
// in it.
func lists(t *treefs.FS, want func(pkg string) bool) (map[string][]string, error) {
	folder, names, err := notes(t)
	if err != nil {
		return nil, err
	}
	all := map[string][]string{}
	for _, name := range names {
		if path.Ext(name) != ".list" || !want(packageOf(name)) {
			continue
		}
		text, err := t.ReadFile(path.Join(folder, name), maxStatus)
		if err != nil {
			return nil, fmt.Errorf("reading what %s has: %w", treefs.Show(packageOf(name)), err)
		}
		for line := range strings.Lines(string(text)) {
			all[name] = append(all[name], strings.TrimSuffix(line, "\n"))
		}
	}
	return all, nil
}

// Owned returns where everything lies that the lists of packages name.
func Owned(t *treefs.FS) (map[string]bool, error) {
	all, err := lists(t, func(string) bool { return true })
	if err != nil {
		return nil, err
	}
	diverted, err := moved(t)
	if err != nil {
		return nil, err
	}
	all[diversions] = diverted
	places := placer{t, map[string]string{}}
	owned := map[string]bool{}
	for _, paths := range all {
		if err := places.add(owned, paths); err != nil {
			return nil, err
		}
	}
	return owned, nil
}

// moved returns the names that diverted files lie by. An entry of dpkg's file
// is three lines: from, to and the package that asked for it.
func moved(t *treefs.FS) ([]string, error) {
	place, err := t.Resolve(diversions)
	if err != nil {
		return nil, err
	}
	if there, err := t.Is(place, 0); err != nil || !there {
		return nil, err
	}
	text, err := t.ReadFile(place, maxStatus)
	if err != nil {
		return nil, fmt.Errorf("reading diversions: %w", err)
	}
	var to []string
	for lines := strings.Split(string(text), "\n"); len(lines) >= 3; lines = lines[3:] {
		to = append(to, lines[1])
	}
	return to, nil
}

// placer finds places of many paths in few folders.
type placer struct {
	tree    *treefs.FS
	folders map[string]string
}

func (p placer) add(to map[string]bool, paths []string) error {
	for _, name := range paths {
		name = path.Clean("/" + name)
		dir := path.Dir(name)
		folder, known := p.folders[dir]
		if !known {
			var err error
			if folder, err = p.tree.Resolve(dir); err != nil {
				return err
			}
			p.folders[dir] = folder
		}
		to[path.Join(folder, path.Base(name))] = true
	}
	return nil
}

// paragraphs are those of the status file, without the empty lines between.
func paragraphs(text []byte) []string {
	all := strings.Split(string(text), "\n\n")
	for i := range all {
		all[i] = strings.Trim(all[i], "\n")
	}
	return slices.DeleteFunc(all, func(p string) bool { return p == "" })
}

// field returns the first line of a paragraph's field.
func field(paragraph, name string) string {
	for line := range strings.Lines(paragraph) {
		if value, ok := strings.CutPrefix(line, name+": "); ok {
			return strings.TrimSuffix(value, "\n")
		}
	}
	return ""
}

// readStatus returns where the status file lies and its paragraphs; none where
// there is no such file.
func readStatus(t *treefs.FS) (place string, all []string, err error) {
	if place, err = t.Resolve(status); err != nil {
		return "", nil, err
	}
	if there, err := t.Is(place, 0); err != nil || !there {
		return "", nil, err
	}
	text, err := t.ReadFile(place, maxStatus)
	if err != nil {
		return "", nil, fmt.Errorf("reading the package database: %w", err)
	}
	return place, paragraphs(text), nil
}
