package depcheck

import (
	"slices"
	"strings"
	"testing"
)

func TestChain(t *testing.T) {
	byName := map[string]*pkg{}
	for _, p := range list(t) {
		byName[p.name] = p
	}
	chains := map[string][]string{}
	for name := range byName {
		if c := chain(name, byName, chains); len(c) > maxChain {
			t.Errorf("%d packages import one another: %s", len(c), strings.Join(c, " → "))
		}
	}
}

// chain returns the longest way down from a package.
func chain(name string, byName map[string]*pkg, known map[string][]string) []string {
	if c, ok := known[name]; ok {
		return c
	}
	longest := []string{}
	if p := byName[name]; p != nil {
		for _, path := range p.imports {
			if !ours(path) {
				continue
			}
			if c := chain(relative(path), byName, known); len(c) > len(longest) {
				longest = c
			}
		}
	}
	known[name] = append([]string{name}, longest...)
	return known[name]
}

func TestPackageSize(t *testing.T) {
	listed := larger()
	for _, p := range list(t) {
		switch _, ok := listed[p.name]; {
		case p.files > maxFiles && !ok:
			t.Errorf("%s has %d files: make two packages of it, or say in larger why it is one", p.name, p.files)
		case p.files <= maxFiles && ok:
			t.Errorf("%s has %d files: take it out of larger", p.name, p.files)
		}
		delete(listed, p.name)
	}
	for name := range listed {
		t.Errorf("there is no %s: take it out of larger", name)
	}
}

func TestInternalIsNoHouse(t *testing.T) {
	inside, all := 0, 0
	for _, p := range list(t) {
		all += p.lines
		if strings.HasPrefix(p.name, "internal/") {
			inside += p.lines
		}
	}
	if inside*3 > all {
		t.Errorf("%d of %d lines are in internal: more than a third", inside, all)
	}
}

// TestRulesRefuse: what the tests of this package judge by tells right from wrong.
func TestRulesRefuse(t *testing.T) {
	for name, want := range map[string]string{
		"pipelines": "lines", "pipelines/fleet": "lines", "pipelines/bake": "flows", "publish/attest/sigstoretest": "publishing", "builders/engine": "stages",
		"internal/policy/base": "nouns", "internal/registry/registrytest": "nouns", "internal/registry": "leaves", "internal/limit": "ground",
	} {
		if got := row(name); got < 0 || layers()[got].name != want {
			t.Errorf("%s is in row %d, want %s", name, got, want)
		}
	}
	a, b := &pkg{name: "a", imports: []string{module + "/b", "fmt"}}, &pkg{name: "b", imports: []string{module + "/c"}}
	if c := chain("a", map[string]*pkg{"a": a, "b": b, "c": {name: "c"}}, map[string][]string{}); !slices.Equal(c, []string{"a", "b", "c"}) {
		t.Errorf("the chain from a is %v", c)
	}
}
