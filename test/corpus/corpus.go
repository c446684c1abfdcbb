// Package corpus is what people have: packaged services, and Dockerfiles of the
// shapes that public ones have, each a folder with an app file and a declared
// test. It bakes them with the program as a user does and says which pass. A
// case that is to be refused names in a file what the refusal must say.
package corpus

import (
	"fmt"
	"os"
	"path"
	"path/filepath"
	"slices"
	"strings"
	"time"
)

// refusalFile holds, line by line, what the error of a case that is to be
// refused must say. Without it a case is to pass.
const refusalFile = "refused.txt"

// Kinds are the folders of cases.
func Kinds() []string { return []string{"services", "dockerfiles"} }

// Case is one app.
type Case struct {
	// Name is its kind and its own name, "services/nginx".
	Name string
	// Dir is its folder.
	Dir string
	// Refused is what the error says where it is to be refused.
	Refused []string
}

// Cases reads the corpus in a folder, sorted by kind and name.
func Cases(dir string) ([]Case, error) {
	var all []Case
	for _, kind := range Kinds() {
		found, err := filepath.Glob(filepath.Join(dir, kind, "*", "app.yaml"))
		if err != nil {
			return nil, fmt.Errorf("looking for cases: %w", err)
		}
		for _, file := range found {
			c := Case{Dir: filepath.Dir(file)}
			c.Name = path.Join(kind, filepath.Base(c.Dir))
			text, err := os.ReadFile(filepath.Join(c.Dir, refusalFile))
			if err != nil && !os.IsNotExist(err) {
				return nil, fmt.Errorf("reading case: %w", err)
			}
			for line := range strings.Lines(string(text)) {
				c.Refused = append(c.Refused, strings.TrimSpace(line))
			}
			all = append(all, c)
		}
	}
	return all, nil
}

// Named returns the cases with some names, with or without their kind.
func Named(all []Case, names []string) ([]Case, error) {
	var chosen []Case
	for _, name := range names {
		i := slices.IndexFunc(all, func(c Case) bool { return c.Name == name || path.Base(c.Name) == name })
		if i < 0 {
			return nil, fmt.Errorf("%s is no case of the corpus", name)
		}
		chosen = append(chosen, all[i])
	}
	return chosen, nil
}

// Today returns n cases, others each day, until all have had their turn. Of
// neighbours by name none come together, so that a day has unlike ones.
func Today(all []Case, day time.Time, n int) []Case {
	if len(all) == 0 {
		return nil
	}
	days := int(day.Unix() / (24 * 60 * 60))
	stride := (len(all) + n - 1) / n // the days of one turn
	var chosen []Case
	for i := days % stride; i < len(all); i += stride {
		chosen = append(chosen, all[i])
	}
	return chosen
}
