package dockerfile

import (
	"fmt"
	"regexp"
	"strings"
)

const (
	// MaxBytes bounds a Dockerfile, as BuildKit does
	// (frontend/dockerui/context.go), and once more what comes into the places of
	// its variables: of lines that each name the last one twice forty are a
	// terabyte.
	MaxBytes = 16 << 20
	// maxLines, maxStages and maxSettings bound what is compared one with another.
	maxLines    = 10_000
	maxStages   = 1000
	maxSettings = 2000
	// maxNames bounds the variables in one word, and maxScript the text of one
	// RUN, in bytes: parsers go as deep as either says.
	maxNames  = 1000
	maxScript = 64 << 10
)

// Excess says that a Dockerfile or an image has more than is read.
type Excess struct {
	What string
	Most int
}

func (e *Excess) Error() string {
	return fmt.Sprintf("it has too many %s: at most %d are read", e.What, e.Most)
}

// room is how many bytes may still come into the places of variables.
type room struct{ left int }

// take takes what a word may become, before it is made.
func (r *room) take(size int) error {
	if r.left -= min(size, MaxBytes+1); r.left < 0 {
		r.left = 0
		return &Excess{"bytes in place of its variables", MaxBytes}
	}
	return nil
}

// replaces is a variable of which a part is replaced ("${NAME/old/new}").
var replaces = regexp.MustCompile(`\$\{\w+/`)

// mayBecome bounds from above, in bytes, what a word is with values of at most
// longest bytes in place of its names; more than MaxBytes is MaxBytes + 1.
func mayBecome(word string, longest int) int {
	names := strings.Count(word, "$")
	switch {
	case names == 0:
		return 0
	case names > maxNames:
		return MaxBytes + 1
	case !replaces.MatchString(word):
		return min(len(word)+names*longest, MaxBytes+1)
	}
	size := len(word)
	for ; names > 0 && size <= MaxBytes; names-- {
		size *= longest + 1
	}
	return min(size, MaxBytes+1)
}

// Bounded is nil, or an *Excess where there are more settings than anybody has:
// each is held against all others.
func (s Settings) Bounded() error {
	if len(s.Environment)+len(s.Labels)+len(s.Ports)+len(s.Volumes)+len(s.OnBuild) > maxSettings {
		return &Excess{"variables, labels, ports and folders", maxSettings}
	}
	return nil
}
