// Package depcheck holds the import rules of this module as data and tests
// them. It has no code of its own and nobody imports it.
package depcheck

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os/exec"
	"slices"
	"strings"
	"testing"
)

const module = "github.com/bakelite/bakelite"

type pkg struct {
	ImportPath                         string
	Imports, TestImports, XTestImports []string
}

func (p pkg) name() string { return relative(p.ImportPath) }

// all are the imports of the package and of its tests.
func (p pkg) all() []string { return slices.Concat(p.Imports, p.TestImports, p.XTestImports) }

func TestLayers(t *testing.T) {
	for _, p := range list(t) {
		from := row(p.name())
		if from < 0 {
			t.Errorf("%s is in no layer: add it to layers in this file", p.name())
			continue
		}
		for _, path := range p.Imports {
			if !ours(path) {
				continue
			}
			if to := row(relative(path)); to < from {
				t.Errorf("%s (%s) imports %s (%s): imports point down", p.name(), layers()[from].name, relative(path), layers()[to].name)
			}
		}
	}
}

func TestBans(t *testing.T) {
	for _, p := range list(t) {
		for _, path := range p.Imports {
			for _, b := range bans() {
				if ours(path) && fits(b.from, p.name()) > 0 && fits(b.to, relative(path)) > 0 && p.ImportPath != path {
					t.Errorf("%s imports %s: %s", p.name(), relative(path), b.why)
				}
			}
		}
	}
}

func TestDoors(t *testing.T) {
	used := map[string]bool{}
	for _, p := range list(t) {
		for _, path := range p.all() {
			d, ok := doorOf(path)
			if !ok {
				continue
			}
			used[d.prefix] = true
			if !slices.Contains(d.openers, p.name()) {
				t.Errorf("%s imports %s: only %s may", p.name(), path, strings.Join(d.openers, ", "))
			}
		}
	}
	for _, d := range doors() {
		if !used[d.prefix] {
			t.Errorf("nobody imports %s: remove its door", d.prefix)
		}
	}
}

func TestNever(t *testing.T) {
	for _, p := range list(t) {
		for _, path := range p.all() {
			for prefix, why := range never() {
				if path == prefix || strings.HasSuffix(prefix, "/") && strings.HasPrefix(path+"/", prefix) {
					t.Errorf("%s imports %s: %s", p.name(), path, why)
				}
			}
		}
	}
}

func doorOf(path string) (found door, ok bool) {
	for _, d := range doors() {
		if strings.HasPrefix(path+"/", strings.TrimSuffix(d.prefix, "/")+"/") && len(d.prefix) > len(found.prefix) {
			found, ok = d, true
		}
	}
	return found, ok
}

// row returns the index of the package's layer, or -1.
func row(name string) int {
	best, found := 0, -1
	for i, l := range layers() {
		if n := fits(l.packages, name); n > best {
			best, found = n, i
		}
	}
	return found
}

// fits returns the length of the longest of patterns that name fits, or 0.
func fits(patterns []string, name string) int {
	best := 0
	for _, p := range patterns {
		if name == p || strings.HasSuffix(p, "/") && strings.HasPrefix(name, p) {
			best = max(best, len(p))
		}
	}
	return best
}

func ours(path string) bool { return path == module || strings.HasPrefix(path, module+"/") }

func relative(path string) string { return strings.TrimPrefix(path, module+"/") }

// list returns every package of the module as the go command sees it.
func list(t *testing.T) []pkg {
	t.Helper()
	command := exec.Command("go", "list", "-e", "-json=ImportPath,Imports,TestImports,XTestImports", module+"/...")
	var stderr bytes.Buffer
	command.Stderr = &stderr
	out, err := command.Output()
	if err != nil {
		t.Fatalf("listing packages: %v\n%s", err, stderr.Bytes())
	}
	all, err := parse(bytes.NewReader(out))
	if err != nil {
		t.Fatal(err)
	}
	if len(all) < 10 {
		t.Fatalf("the go command lists %d packages: the rules were not tested", len(all))
	}
	return all
}

func parse(in io.Reader) ([]pkg, error) {
	var all []pkg
	for decoder := json.NewDecoder(in); ; {
		var p pkg
		err := decoder.Decode(&p)
		if errors.Is(err, io.EOF) {
			return all, nil
		}
		if err != nil {
			return nil, fmt.Errorf("reading the list of packages: %w", err)
		}
		all = append(all, p)
	}
}
