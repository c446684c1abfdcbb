package strict

import (
	"cmp"
	"fmt"
	"slices"
	"strings"
)

// Problem is one mistake in a file: where it stands and what is wrong.
type Problem struct {
	File string
	// Line and Column count from 1, columns in characters; 0 means the file
	// as a whole.
	Line, Column int
	// Key is the path of the key, as in "service.ports[1]", or "".
	Key string
	// Message says what is wrong.
	Message string
	// Suggestion is what was probably meant, or "".
	Suggestion string
}

// missing is the message of a key that has to be there.
const missing = "this key is missing"

// Missing says that the problem is a key that has to be there and is not.
func (p Problem) Missing() bool { return p.Message == missing }

// String returns the problem as one line: file:line:col: key: message.
func (p Problem) String() string {
	var b strings.Builder
	b.WriteString(p.File)
	if p.Line > 0 {
		fmt.Fprintf(&b, ":%d:%d", p.Line, p.Column)
	}
	if p.File != "" {
		b.WriteString(": ")
	}
	if p.Key != "" {
		b.WriteString(p.Key + ": ")
	}
	b.WriteString(p.Message)
	if p.Suggestion != "" {
		fmt.Fprintf(&b, "; did you mean %q?", p.Suggestion)
	}
	return b.String()
}

// Problems is every mistake in a file, in the order of the file.
type Problems []Problem

// maxShown bounds the lines of an error's text; the value holds them all.
const maxShown = 100

// Error returns one line per problem, at most 100 and how many more there are.
func (ps Problems) Error() string {
	lines := make([]string, 0, len(ps))
	for i, p := range ps {
		if i == maxShown {
			lines = append(lines, fmt.Sprintf("and %d more problems", len(ps)-i))
			break
		}
		lines = append(lines, p.String())
	}
	return strings.Join(lines, "\n")
}

// Sorted returns the problems in the order of the file; problems in one place
// keep their order.
func (ps Problems) Sorted() Problems {
	sorted := slices.Clone(ps)
	slices.SortStableFunc(sorted, func(a, b Problem) int {
		return cmp.Or(cmp.Compare(a.Line, b.Line), cmp.Compare(a.Column, b.Column))
	})
	return sorted
}
