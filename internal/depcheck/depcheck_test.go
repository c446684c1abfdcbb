// Package depcheck holds the import rules of this module as data and tests
// them. It has no code of its own and nobody imports it.
package depcheck

import (
	"bytes"
	"fmt"
	"go/parser"
	"go/token"
	"io/fs"
	"maps"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"testing"
)

const module = "github.com/bakelite/bakelite"

// root is the module's folder, and fewest is less than it has ever had
// packages since this test was written.
const (
	root   = "../.."
	fewest = 30
)

type pkg struct {
	name                 string // the path below the module
	imports, testImports []string
	// files and lines are counted without tests.
	files, lines int
}

// all are the imports of the package and of its tests.
func (p *pkg) all() []string { return slices.Concat(p.imports, p.testImports) }

func TestLayers(t *testing.T) {
	for _, p := range list(t) {
		from := row(p.name)
		if from < 0 {
			t.Errorf("%s is in no layer: add it to layers in this file", p.name)
			continue
		}
		for _, path := range p.imports {
			if !ours(path) {
				continue
			}
			if to := row(relative(path)); to < from {
				t.Errorf("%s (%s) imports %s (%s): imports point down", p.name, layers()[from].name, relative(path), layers()[to].name)
			}
		}
	}
}

func TestBans(t *testing.T) {
	for _, p := range list(t) {
		for _, path := range p.imports {
			for _, b := range bans() {
				if ours(path) && fits(b.from, p.name) > 0 && fits(b.to, relative(path)) > 0 && p.name != relative(path) {
					t.Errorf("%s imports %s: %s", p.name, relative(path), b.why)
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
			if !slices.Contains(d.openers, p.name) {
				t.Errorf("%s imports %s: only %s may", p.name, path, strings.Join(d.openers, ", "))
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
					t.Errorf("%s imports %s: %s", p.name, path, why)
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

// list returns every package of the module. It reads the files itself: the
// go command caches a test's result by the files that the test itself opened.
func list(t *testing.T) []*pkg {
	t.Helper()
	byPath := map[string]*pkg{}
	err := filepath.WalkDir(root, func(file string, entry fs.DirEntry, err error) error {
		switch {
		case err != nil:
			return err
		case entry.IsDir() && file != root && skipped(entry.Name()):
			return filepath.SkipDir
		case entry.IsDir() || filepath.Ext(file) != ".go":
			return nil
		}
		return add(byPath, file)
	})
	if err != nil {
		t.Fatal(err)
	}
	if len(byPath) < fewest {
		t.Fatalf("%d packages found: the rules were not tested", len(byPath))
	}
	return slices.SortedFunc(maps.Values(byPath), func(a, b *pkg) int { return strings.Compare(a.name, b.name) })
}

func skipped(dir string) bool {
	return dir == "testdata" || dir == "bin" || dir == "dist" || strings.HasPrefix(dir, ".") || strings.HasPrefix(dir, "_")
}

// add notes the imports of a file, whatever its build constraints say.
func add(byPath map[string]*pkg, file string) error {
	parsed, err := parser.ParseFile(token.NewFileSet(), file, nil, parser.ImportsOnly)
	if err != nil {
		return fmt.Errorf("reading imports: %w", err)
	}
	dir, err := filepath.Rel(root, filepath.Dir(file))
	if err != nil {
		return fmt.Errorf("reading imports: %w", err)
	}
	p := byPath[dir]
	if p == nil {
		p = &pkg{name: filepath.ToSlash(dir)}
		byPath[dir] = p
	}
	if !strings.HasSuffix(file, "_test.go") {
		text, err := os.ReadFile(file)
		if err != nil {
			return fmt.Errorf("counting lines: %w", err)
		}
		p.files++
		p.lines += bytes.Count(text, []byte("\n"))
	}
	for _, spec := range parsed.Imports {
		path, err := strconv.Unquote(spec.Path.Value)
		if err != nil {
			return fmt.Errorf("reading imports of %s: %w", file, err)
		}
		if strings.HasSuffix(file, "_test.go") {
			p.testImports = append(p.testImports, path)
		} else {
			p.imports = append(p.imports, path)
		}
	}
	return nil
}
