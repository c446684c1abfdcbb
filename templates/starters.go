package templates

import (
	"fmt"
	"io/fs"
	"strings"
)

const starters = "starters"

// Starters returns the names of the starters, sorted.
func Starters() []string {
	entries, err := files.ReadDir(starters)
	if err != nil {
		panic(err)
	}
	names := make([]string, len(entries))
	for i, e := range entries {
		names[i] = e.Name()
	}
	return names
}

// Starter returns the folder of a starter: its app.yaml and what that names.
// A name that Starters does not list is an error that lists them.
func Starter(name string) (fs.FS, error) {
	for _, known := range Starters() {
		if known == name {
			return fs.Sub(files, starters+"/"+name)
		}
	}
	return nil, fmt.Errorf("no starter is called %q; there are %s", name, strings.Join(Starters(), ", "))
}
