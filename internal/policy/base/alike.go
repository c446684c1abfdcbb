package base

import (
	"fmt"
	"slices"
	"strings"
)

// alike says in which way a name that is not known looks like a known one, or
// "". Both are ASCII in lower case. strictness is the least length of a known
// name at which one wrong letter counts; at half as much again two do.
func alike(name, known string, strictness int) string {
	switch {
	case name == known:
		return ""
	case skeleton(name) == skeleton(known):
		return "is written with other letters that look the same as those of"
	case bare(name) == bare(known):
		return "differs only in separators from"
	case len(name) == len(known) && len(known) >= 4 && swapped(name, known):
		return "swaps two letters of"
	}
	most := 0
	if len(known) >= strictness {
		most = 1
	}
	if len(known) >= strictness*3/2+1 {
		most = 2
	}
	if d := distance(name, known, most); d <= most {
		return fmt.Sprintf("is %s away from", letters(d))
	}
	return ""
}

func letters(n int) string {
	if n == 1 {
		return "one letter"
	}
	return fmt.Sprintf("%d letters", n)
}

// skeleton makes letters equal that look alike in common fonts.
func skeleton(name string) string {
	return strings.NewReplacer("rn", "m", "vv", "w", "0", "o", "1", "l", "i", "l").Replace(name)
}

// bare is a name without its separators.
func bare(name string) string { return strings.NewReplacer("-", "", "_", "", ".", "").Replace(name) }

// swapped says whether b is a with two neighbouring letters swapped.
func swapped(a, b string) bool {
	for i := range len(a) - 1 {
		if a[i] != b[i] {
			return a[i] == b[i+1] && a[i+1] == b[i] && a[i+2:] == b[i+2:]
		}
	}
	return false
}

// distance returns the restricted Damerau distance of a and b: insertions,
// removals, replacements and swaps of neighbours; it stops early with more
// than most where the lengths alone tell.
func distance(a, b string, most int) int {
	if d := len(a) - len(b); d > most || -d > most {
		return most + 1
	}
	before, above, row := make([]int, len(b)+1), make([]int, len(b)+1), make([]int, len(b)+1)
	for j := range above {
		above[j] = j
	}
	for i := 1; i <= len(a); i++ {
		row[0] = i
		for j := 1; j <= len(b); j++ {
			cost := 1
			if a[i-1] == b[j-1] {
				cost = 0
			}
			row[j] = min(above[j]+1, row[j-1]+1, above[j-1]+cost)
			if i > 1 && j > 1 && a[i-1] == b[j-2] && a[i-2] == b[j-1] {
				row[j] = min(row[j], before[j-2]+1)
			}
		}
		before, above, row = above, row, before
	}
	return above[len(b)]
}

// nearest returns the known name that name looks like and in which way.
func nearest(name string, known []string, strictness int) (like, how string) {
	if slices.Contains(known, name) {
		return "", ""
	}
	best := 3
	for _, k := range known {
		how2 := alike(name, k, strictness)
		if how2 == "" {
			continue
		}
		if d := distance(name, k, 2); like == "" || d < best {
			like, how, best = k, how2, d
		}
	}
	return like, how
}
