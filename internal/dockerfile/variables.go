package dockerfile

import (
	"maps"
	"os"
	"strings"

	"github.com/moby/buildkit/frontend/dockerfile/parser"
)

// variables are those whose value the Dockerfile itself gives. All of one
// Dockerfile share their room; full says that it did not suffice.
type variables struct {
	values  map[string]string
	longest int
	room    *room
	full    *error
}

func noVariables() variables {
	return variables{values: map[string]string{}, room: &room{MaxBytes}, full: new(error)}
}

func (v variables) clone() variables {
	v.values = maps.Clone(v.values)
	return v
}

func (v *variables) set(name, value string) {
	v.values[name], v.longest = value, max(v.longest, len(value))
}

// take says whether there is room for so many bytes more.
func (v variables) take(size int) bool {
	if err := v.room.take(size); err != nil {
		*v.full = err
		return false
	}
	return true
}

// declare takes the values of an ARG or ENV line.
func (v *variables) declare(line *parser.Node) {
	all := words(line)
	if strings.EqualFold(line.Value, "env") {
		for ; len(all) >= 3; all = all[3:] { // name, value, and what stood between
			v.set(all[0], v.expand(unquoted(all[1])))
		}
		return
	}
	for _, word := range all {
		if name, value, given := strings.Cut(word, "="); given {
			v.set(name, v.expand(unquoted(value)))
		}
	}
}

// expand puts values in place of names; what is not known stays nothing.
func (v variables) expand(text string) string {
	if !v.take(mayBecome(text, v.longest)) {
		return ""
	}
	return os.Expand(text, func(name string) string {
		name, otherwise, _ := strings.Cut(name, ":-")
		if value, known := v.values[name]; known {
			return value
		}
		return otherwise
	})
}

func unquoted(text string) string {
	if n := len(text); n >= 2 && (text[0] == '"' || text[0] == '\'') && text[n-1] == text[0] {
		return text[1 : n-1]
	}
	return text
}
