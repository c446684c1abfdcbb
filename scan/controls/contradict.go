package controls

import (
	"fmt"
	"strings"
)

// contradictions finds what two controls claim differently: a key with two
// values, a file with two owners, a shared file that is there for one of its
// controls only.
func contradictions(cs []Control) []error {
	var errs []error
	first := map[string]claim{}
	for _, c := range cs {
		for _, s := range c.Sets {
			for _, next := range claims(c, s) {
				before, known := first[next.what]
				if known && (before.value != next.value || !before.repeats) {
					errs = append(errs, fmt.Errorf("%s: %s claims %s too", c.ID, before.id, next.what))
				}
				first[next.what] = next
			}
		}
	}
	return errs
}

// claim is what one control says about one thing; only some may be said twice.
type claim struct {
	id, what, value string
	repeats         bool
}

func claims(c Control, s Setting) []claim {
	var all []claim
	if k := kinds()[s.Name()]; k.shared != nil {
		all = append(all, claim{c.ID, "the file " + k.shared(s).path, c.Where, true})
	}
	if s.Kind == File {
		all = append(all, claim{c.ID, "the file " + s.Path, "", false})
	}
	for key, value := range s.Values {
		all = append(all, claim{c.ID, "the key " + s.Kind + " " + s.Syntax + " " + strings.ToLower(key), value, false})
	}
	for _, name := range s.Names {
		key, value, _ := strings.Cut(name, "=")
		all = append(all, claim{c.ID, "the name " + s.Kind + " " + key, value, false})
	}
	return all
}
