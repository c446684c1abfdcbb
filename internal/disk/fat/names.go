package fat

import (
	"fmt"
	"strings"

	"github.com/bakelite/bakelite/internal/fault"
)

// maxName is the most UTF-16 units that a long name can have.
const maxName = 255

// shortName is a name of 8 and 3 characters, padded with spaces, no dot.
type shortName [11]byte

func checkName(s string) error {
	bad := strings.IndexFunc(s, func(r rune) bool {
		return r < ' ' || r > '~' || strings.ContainsRune(`"*/:<>?\|`, r)
	})
	if bad >= 0 || len(s) > maxName || strings.HasPrefix(s, " ") || strings.HasSuffix(s, " ") || strings.HasSuffix(s, ".") {
		return fault.Hint(fault.New(fault.Invalid, "%.40q is no name that FAT can hold", s),
			`use up to %d printable ASCII characters, none of "*/:<>?\|, with no dot or space at the end`, maxName)
	}
	return nil
}

// nameChildren gives each node of a folder a short name of its own.
func nameChildren(children []*node) error {
	taken := map[shortName]bool{}
	for _, c := range children {
		if isShort(c.name) {
			c.short = pad(splitName(c.name))
			taken[c.short] = true
		}
	}
	for _, c := range children {
		if isShort(c.name) {
			continue
		}
		short, err := alias(c.name, taken)
		if err != nil {
			return err
		}
		c.short, taken[short] = short, true
	}
	return nil
}

// isShort tells whether name needs no long name beside it.
func isShort(name string) bool {
	base, ext := splitName(name)
	return name == shortChars(base)+dot(name)+shortChars(ext) &&
		len(base) >= 1 && len(base) <= 8 && len(ext) <= 3
}

func dot(name string) string {
	if strings.Contains(name, ".") {
		return "."
	}
	return ""
}

func splitName(name string) (base, ext string) {
	if i := strings.LastIndexByte(name, '.'); i > 0 {
		return name[:i], name[i+1:]
	}
	return name, ""
}

// shortChars returns s with what a short name cannot hold dropped or replaced.
func shortChars(s string) string {
	return strings.Map(func(r rune) rune {
		switch {
		case r == ' ' || r == '.':
			return -1
		case strings.ContainsRune("+,;=[]", r):
			return '_'
		}
		return r
	}, strings.ToUpper(s))
}

// alias returns the first of NAME~1, NAME~2, … that is not taken.
func alias(name string, taken map[shortName]bool) (shortName, error) {
	base, ext := splitName(name)
	base, ext = shortChars(base), shortChars(ext)
	for i := 1; i <= MaxFiles; i++ {
		tail := fmt.Sprintf("~%d", i)
		short := pad(base[:min(len(base), 8-len(tail))]+tail, ext[:min(len(ext), 3)])
		if !taken[short] {
			return short, nil
		}
	}
	return shortName{}, fault.New(fault.Invalid, "%s: no short name is free", name)
}

func pad(base, ext string) shortName {
	var s shortName
	copy(s[:], fmt.Sprintf("%-8s%-3s", base, ext))
	return s
}
