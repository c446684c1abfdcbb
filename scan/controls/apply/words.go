package apply

import (
	"slices"
	"strings"

	"github.com/bakelite/bakelite/scan/controls"
)

// words sets keys of a file with a key and a value on each line; the last
// counts for who reads it.
func (w *work) words(s controls.Setting) error {
	ok, err := w.isRegular(s.Path)
	if err == nil && !ok {
		err = w.fill(s.Path, 0o644, 0, 0, nil)
	}
	if err != nil {
		return err
	}
	for _, pair := range controls.Pairs(s.Values, "\t") {
		if err := w.rewrite(s.Path, func(lines []string) []string { return withKey(lines, pair) }); err != nil {
			return err
		}
	}
	return nil
}

func withKey(lines []string, pair string) []string {
	key, _, _ := strings.Cut(pair, "\t")
	var kept []string
	done := false
	for _, line := range lines {
		if fields := strings.Fields(line); len(fields) == 0 || fields[0] != key {
			kept = append(kept, line)
		} else if !done {
			kept, done = append(kept, pair), true
		}
	}
	if !done {
		kept = append(kept, pair)
	}
	return kept
}

// noWords takes words out of the lines of files, but for comments.
func (w *work) noWords(s controls.Setting) error {
	for _, name := range s.Paths {
		ok, err := w.isRegular(name)
		if err == nil && ok {
			err = w.rewrite(name, func(lines []string) []string { return without(lines, s.Names) })
		}
		if err != nil {
			return err
		}
	}
	return nil
}

func without(lines, words []string) []string {
	for i, line := range lines {
		if controls.HasWord(line, words) == "" {
			continue
		}
		kept := slices.DeleteFunc(strings.Fields(line), func(word string) bool { return slices.Contains(words, word) })
		lines[i] = strings.Join(kept, " ")
	}
	return lines
}
