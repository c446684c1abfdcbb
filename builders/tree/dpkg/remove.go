package dpkg

import (
	"errors"
	"fmt"
	"io/fs"
	"maps"
	"path"
	"slices"
	"strings"

	"github.com/bakelite/bakelite/builders/tree/treefs"
)

// Remove takes packages out of a tree: files that no other package has,
// folders that are empty then, their entries in dpkg's database, and links
// that lead nowhere then. What keep says is not theirs stays.
func Remove(t *treefs.FS, packages []string, keep func(place string) bool) error {
	gone := map[string]bool{}
	for _, name := range packages {
		gone[name] = true
	}
	if err := removeFiles(t, gone, keep); err != nil {
		return fmt.Errorf("removing packages: %w", err)
	}
	if err := removeEntries(t, gone); err != nil {
		return fmt.Errorf("removing packages from the database: %w", err)
	}
	return removeLinks(t, keep)
}

func removeFiles(t *treefs.FS, gone map[string]bool, keep func(string) bool) error {
	theirs, err := lists(t, func(pkg string) bool { return gone[pkg] })
	if err != nil {
		return err
	}
	others, err := lists(t, func(pkg string) bool { return !gone[pkg] })
	if err != nil {
		return err
	}
	places, stays := placer{t, map[string]string{}}, map[string]bool{".": true}
	for _, paths := range others {
		if err := places.add(stays, paths); err != nil {
			return err
		}
	}
	goes := map[string]bool{}
	for _, paths := range theirs {
		if err := places.add(goes, paths); err != nil {
			return err
		}
	}
	maps.DeleteFunc(goes, func(place string, _ bool) bool { return stays[place] || keep(place) })
	// What is in a folder goes before the folder.
	for _, place := range slices.Backward(slices.Sorted(maps.Keys(goes))) {
		if err := t.RemoveEmpty(place); err != nil {
			return err
		}
	}
	return nil
}

// removeEntries removes what dpkg notes of packages.
func removeEntries(t *treefs.FS, gone map[string]bool) error {
	folder, names, err := notes(t)
	if err != nil {
		return err
	}
	for _, name := range names {
		if gone[packageOf(name)] {
			if err := t.Remove(path.Join(folder, name)); err != nil {
				return err
			}
		}
	}
	place, all, err := readStatus(t)
	if err != nil || place == "" {
		return err
	}
	var b strings.Builder
	for _, p := range all {
		if !gone[field(p, "Package")] {
			b.WriteString(p + "\n\n")
		}
	}
	return t.Rewrite(place, []byte(b.String()))
}

// linked are the folders in which links may lead to what was removed. Those of
// the alternatives system go before what leads to them.
func linked() []string {
	return []string{"etc/alternatives", "usr/bin", "usr/sbin", "usr/lib", "usr/share"}
}

// removeLinks removes links that lead nowhere, until none is left.
func removeLinks(t *treefs.FS, keep func(string) bool) error {
	for again := true; again; {
		again = false
		for _, folder := range linked() {
			dangling, err := dangling(t, folder)
			if err != nil {
				return err
			}
			for _, link := range dangling {
				if keep(link) {
					continue
				}
				if err := t.Remove(link); err != nil {
					return err
				}
				again = true
			}
		}
	}
	return nil
}

// elsewhere are the folders that are filled when the image runs; /dev/null
// masks a unit.
func elsewhere() []string { return []string{"dev", "proc", "run", "sys"} }

// dangling lists the links below a folder whose first step leads nowhere.
func dangling(t *treefs.FS, folder string) ([]string, error) {
	if there, err := t.Is(folder, fs.ModeDir); err != nil || !there {
		return nil, err
	}
	links, err := t.Links(folder)
	if err != nil {
		return nil, err
	}
	var found []string
	for link, target := range links {
		nowhere, err := leadsNowhere(t, link, target)
		if err != nil {
			return nil, err
		}
		if nowhere {
			found = append(found, link)
		}
	}
	slices.Sort(found)
	return found, nil
}

func leadsNowhere(t *treefs.FS, link, target string) (bool, error) {
	if !strings.HasPrefix(target, "/") {
		target = path.Dir("/"+link) + "/" + target
	}
	place, err := t.Place(target)
	if errors.Is(err, treefs.ErrLinks) {
		return false, nil
	}
	if err != nil {
		return false, err
	}
	if top, _, _ := strings.Cut(place, "/"); slices.Contains(elsewhere(), top) {
		return false, nil
	}
	info, err := t.Lstat(place)
	return info == nil, err
}
