package strict

import (
	"slices"
	"strings"
)

// Locate gives each problem its file and the place of its key, or of the nearest key above
// it that stands in the file.
func Locate(path string, places Places, problems Problems) Problems {
	for i := range problems {
		p := &problems[i]
		p.File = path
		for key := p.Key; ; key = parent(key) {
			if place, ok := places[key]; ok {
				p.Line, p.Column = place.Line, place.Column
				break
			}
			if key == "" {
				break
			}
		}
	}
	return problems
}

// Unrelated returns the problems that cannot come from the known ones: those
// whose key is not above, at or below a key that was not read. A key that was
// written wrongly stands for the one that was meant.
func Unrelated(problems, known Problems) Problems {
	var unread []string
	for _, k := range known {
		unread = append(unread, k.Key)
		if k.Suggestion != "" {
			unread = append(unread, strings.TrimPrefix(parent(k.Key)+"."+k.Suggestion, "."))
		}
	}
	return slices.DeleteFunc(problems, func(p Problem) bool {
		return slices.ContainsFunc(unread, func(key string) bool {
			return isAtOrBelow(p.Key, key) || isAtOrBelow(key, p.Key)
		})
	})
}

// isAtOrBelow says whether key is outer or stands below it.
func isAtOrBelow(key, outer string) bool {
	rest, ok := strings.CutPrefix(key, outer)
	return ok && (rest == "" || rest[0] == '.' || rest[0] == '[' || outer == "")
}

func parent(key string) string {
	return key[:max(0, strings.LastIndexAny(key, ".["))]
}
