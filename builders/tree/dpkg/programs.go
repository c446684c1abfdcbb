package dpkg

import (
	"io/fs"
	"maps"
	"slices"
	"strings"

	"github.com/bakelite/bakelite/builders/tree/treefs"
)

// code are the folders of /usr/share that interpreters load programs from; all
// else there is data.
func code() []string { return []string{"java", "nodejs", "perl", "perl5", "php", "python3", "ruby"} }

// data are the other folders of /usr that hold nothing that runs.
func data() []string { return []string{"include", "share", "src"} }

// chosen is the folder of links by which names lead to one of several programs.
const chosen = "etc/alternatives/"

// HoldsPrograms says whether programs, libraries and kernels lie at a place:
// anywhere below /usr but where data lies, in /boot, and among the links that
// choose programs.
func HoldsPrograms(place string) bool {
	top, below, _ := strings.Cut(place, "/")
	if top != "usr" {
		return top == "boot" && below != "" || strings.HasPrefix(place, chosen)
	}
	folder, rest, _ := strings.Cut(below, "/")
	if folder == "share" {
		of, _, deeper := strings.Cut(rest, "/")
		return deeper && slices.Contains(code(), of)
	}
	return rest != "" && folder != "local" && !slices.Contains(data(), folder)
}

// Programs returns the places of the files and links that packages brought by
// their lists and that run, sorted.
func Programs(t *treefs.FS) ([]string, error) {
	owned, err := Owned(t)
	if err != nil {
		return nil, err
	}
	maps.DeleteFunc(owned, func(place string, _ bool) bool { return !HoldsPrograms(place) })
	var all []string
	for _, place := range slices.Sorted(maps.Keys(owned)) {
		info, err := t.Lstat(place)
		if err != nil {
			return nil, err
		}
		if info != nil && info.Mode().Type()&^fs.ModeSymlink == 0 {
			all = append(all, place)
		}
	}
	return all, nil
}
