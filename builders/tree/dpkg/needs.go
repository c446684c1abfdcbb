package dpkg

import (
	"slices"
	"strings"

	"github.com/bakelite/bakelite/builders/tree/treefs"
)

// needed says whether a package is one that others cannot run without of all
// that they depend on: a library, or Perl.
func needed(name string) bool { return strings.HasPrefix(name, "lib") || name == "perl-base" }

// WithoutNeeded returns the names of remove, in their order, less those that a
// package which stays cannot run without, be it through another library.
func WithoutNeeded(t *treefs.FS, remove []string) ([]string, error) {
	_, all, err := readStatus(t)
	if err != nil {
		return nil, err
	}
	return withoutNeeded(all, remove), nil
}

func withoutNeeded(status, remove []string) []string {
	needs := map[string][]string{}
	for _, p := range status {
		name := field(p, "Package")
		needs[name] = append(needs[name], append(names(field(p, "Pre-Depends")), names(field(p, "Depends"))...)...)
	}
	gone := map[string]bool{}
	for _, name := range remove {
		gone[name] = true
	}
	var stay func(name string)
	stay = func(name string) {
		for _, library := range needs[name] {
			if gone[library] && needed(library) {
				delete(gone, library)
				stay(library)
			}
		}
	}
	for name := range needs {
		if !gone[name] {
			stay(name)
		}
	}
	return slices.DeleteFunc(slices.Clone(remove), func(name string) bool { return !gone[name] })
}

// names returns the packages that a field of dependencies names, each of its
// alternatives too.
func names(dependencies string) []string {
	all := strings.FieldsFunc(dependencies, func(c rune) bool { return c == ',' || c == '|' })
	for i, one := range all {
		one = strings.TrimSpace(one)
		if end := strings.IndexAny(one, " (:"); end >= 0 {
			one = one[:end]
		}
		all[i] = one
	}
	return all
}
