package controls

import (
	"slices"
	"strings"
)

// MatchesName says whether a name fits a pattern, in which "*" stands for any
// text and nothing else is special.
func MatchesName(pattern, name string) bool {
	first, rest, more := strings.Cut(pattern, "*")
	if !more {
		return pattern == name
	}
	name, ok := strings.CutPrefix(name, first)
	if !ok {
		return false
	}
	for i := range len(name) + 1 {
		if MatchesName(rest, name[i:]) {
			return true
		}
	}
	return false
}

// HasWord returns the first of some words that a line has, "" for none and for
// a comment.
func HasWord(line string, words []string) string {
	fields := strings.Fields(line)
	if len(fields) > 0 && strings.HasPrefix(fields[0], "#") {
		return ""
	}
	for _, field := range fields {
		if slices.Contains(words, field) {
			return field
		}
	}
	return ""
}

// imageMark begins the names by which a layer of an image hides what is below
// it (OCI image specification, layer.md, Whiteouts).
const imageMark = ".wh."

// IsImageName says whether an image format takes the last part of a path for a
// mark of its own.
func IsImageName(base string) bool { return strings.HasPrefix(base, imageMark) }

// IsImageAttribute says whether a runtime's file system takes an extended
// attribute for a mark of its own (the kernel's overlayfs.rst).
func IsImageAttribute(name string) bool {
	return strings.HasPrefix(name, "trusted.overlay.") || strings.HasPrefix(name, "user.overlay.")
}
