package dockerfile

import (
	"maps"
	"os"
	"strings"

	"github.com/moby/buildkit/frontend/dockerfile/parser"
)

// variables are those whose value the Dockerfile itself gives.
type variables map[string]string

func (v variables) clone() variables { return maps.Clone(v) }

// declare takes the values of an ARG or ENV line.
func (v *variables) declare(line *parser.Node) {
	if *v == nil {
		*v = variables{}
	}
	all := words(line)
	if strings.EqualFold(line.Value, "env") {
		for ; len(all) >= 3; all = all[3:] { // name, value, and what stood between
			(*v)[all[0]] = v.expand(unquoted(all[1]))
		}
		return
	}
	for _, word := range all {
		if name, value, given := strings.Cut(word, "="); given {
			(*v)[name] = v.expand(unquoted(value))
		}
	}
}

// expand puts values in place of names; what is not known stays nothing.
func (v variables) expand(text string) string {
	return os.Expand(text, func(name string) string {
		name, otherwise, _ := strings.Cut(name, ":-")
		if value, known := v[name]; known {
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
