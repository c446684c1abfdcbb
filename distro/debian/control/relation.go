package control

import (
	"fmt"
	"strings"

	version "github.com/knqyf263/go-deb-version"
)

// Relation is one alternative of a relationship field: a package and,
// where Op is not empty, the versions of it that count.
type Relation struct {
	Name string
	// Arch is the qualifier after the colon, such as "any".
	Arch string
	// Op is one of <<, <=, =, >= and >>.
	Op      string
	Version string
}

// ParseRelations reads a relationship field such as Depends: groups that
// must all hold, each a list of alternatives. Build profiles and architecture
// lists, which no binary package carries, are errors.
func ParseRelations(field string) ([][]Relation, error) {
	var groups [][]Relation
	for group := range strings.SplitSeq(field, ",") {
		if strings.TrimSpace(group) == "" {
			continue
		}
		var alternatives []Relation
		for text := range strings.SplitSeq(group, "|") {
			relation, err := parseRelation(strings.TrimSpace(text))
			if err != nil {
				return nil, err
			}
			alternatives = append(alternatives, relation)
		}
		groups = append(groups, alternatives)
	}
	return groups, nil
}

func parseRelation(text string) (Relation, error) {
	name, rest, versioned := strings.Cut(text, "(")
	var r Relation
	r.Name, r.Arch, _ = strings.Cut(strings.TrimSpace(name), ":")
	if !ValidName(r.Name) {
		return r, fmt.Errorf("relation %.60q names no package", text)
	}
	if !versioned {
		return r, nil
	}
	inner, tail, closed := strings.Cut(rest, ")")
	inner = strings.TrimSpace(inner)
	r.Op = inner[:len(inner)-len(strings.TrimLeft(inner, "<=>"))]
	r.Version = strings.TrimSpace(inner[len(r.Op):])
	switch r.Op {
	case "<<", "<=", "=", ">=", ">>":
	default:
		closed = false
	}
	if !closed || r.Version == "" || strings.TrimSpace(tail) != "" {
		return r, fmt.Errorf("relation %.60q has no valid version", text)
	}
	return r, nil
}

// ValidName says whether name can be a package's name by Debian Policy 5.6.7.
func ValidName(name string) bool {
	if len(name) < 2 || len(name) > 200 {
		return false
	}
	for i, c := range []byte(name) {
		alnum := c >= 'a' && c <= 'z' || c >= '0' && c <= '9'
		if !alnum && (i == 0 || c != '+' && c != '-' && c != '.') {
			return false
		}
	}
	return true
}

// Accepts says whether the version v satisfies r's version condition; a
// version that does not parse satisfies none.
func (r Relation) Accepts(v string) bool {
	if r.Op == "" {
		return true
	}
	have, err1 := version.NewVersion(v)
	want, err2 := version.NewVersion(r.Version)
	if err1 != nil || err2 != nil {
		return false
	}
	c := have.Compare(want)
	switch r.Op {
	case "<<":
		return c < 0
	case "<=":
		return c <= 0
	case "=":
		return c == 0
	case ">=":
		return c >= 0
	default:
		return c > 0
	}
}

// Compare orders two versions as dpkg does; one that does not parse comes
// before all that do.
func Compare(a, b string) int {
	if a == b {
		return 0
	}
	va, err1 := version.NewVersion(a)
	vb, err2 := version.NewVersion(b)
	switch {
	case err1 != nil && err2 != nil:
		return strings.Compare(a, b)
	case err1 != nil:
		return -1
	case err2 != nil:
		return 1
	}
	return va.Compare(vb)
}
