// Package plain makes text of strangers safe to show: names in images, words of
// files, answers of registries. What moves a terminal's cursor, changes its
// colours or turns the direction of a line is no character to see.
package plain

import (
	"strings"
	"unicode"
)

// Line returns a text as one line, each unseen character as U+FFFD.
func Line(text string) string {
	return strings.Map(func(r rune) rune {
		switch {
		case unicode.IsSpace(r):
			return ' '
		case !unicode.IsPrint(r):
			return unicode.ReplacementChar
		}
		return r
	}, text)
}

// Text is Line for several lines: their ends and tabs stay.
func Text(text string) string {
	return strings.Map(func(r rune) rune {
		if r == '\n' || r == '\t' || unicode.IsPrint(r) {
			return r
		}
		return unicode.ReplacementChar
	}, text)
}
