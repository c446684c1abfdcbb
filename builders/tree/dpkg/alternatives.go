package dpkg

import (
	"fmt"
	"path"
	"strings"

	"github.com/bakelite/bakelite/builders/tree/treefs"
)

// choices is the folder of what update-alternatives(1) notes of each name.
const choices = "var/lib/dpkg/alternatives"

// Alternatives returns the names that lead to one of several programs, as
// absolute paths. A note has a line for each, among them the programs that
// they may lead to, which do no harm here.
func Alternatives(t *treefs.FS) (all []string, err error) {
	folder, names, err := filesOf(t, choices)
	if err != nil {
		return nil, err
	}
	for _, name := range names {
		text, err := t.ReadFile(path.Join(folder, name), maxStatus)
		if err != nil {
			return nil, fmt.Errorf("reading the alternatives of %s: %w", treefs.Show(name), err)
		}
		for line := range strings.Lines(string(text)) {
			if strings.HasPrefix(line, "/") {
				all = append(all, path.Clean(strings.TrimSuffix(line, "\n")))
			}
		}
	}
	return all, nil
}
