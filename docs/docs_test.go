// Package docs_test keeps the documents from rotting: links lead somewhere,
// indexes are whole, and nothing committed names a mirror's host.
package docs_test

import (
	"go/ast"
	"go/parser"
	"go/token"
	"io/fs"
	"os"
	"path/filepath"
	"reflect"
	"regexp"
	"slices"
	"strings"
	"testing"

	"github.com/bakelite/bakelite/internal/artifact"
	"github.com/bakelite/bakelite/internal/update"
	"github.com/bakelite/bakelite/pipelines/fleet"
	"github.com/bakelite/bakelite/pipelines/results"
	"github.com/bakelite/bakelite/runners/probe"
)

const root = ".."

// maxFile bounds the files that are looked at, in bytes.
const maxFile = 4 << 20

func TestLinks(t *testing.T) {
	link := regexp.MustCompile(`\]\(([^)#\s]+)`)
	each(t, func(path, text string) {
		if filepath.Ext(path) != ".md" {
			return
		}
		for _, found := range link.FindAllStringSubmatch(text, -1) {
			if strings.Contains(found[1], "://") {
				continue
			}
			if _, err := os.Stat(filepath.Join(filepath.Dir(path), found[1])); err != nil {
				t.Errorf("%s: the link to %s leads nowhere", path, found[1])
			}
		}
	})
}

// TestThreatModelNamesTests: what is said to be tested is, in the package that
// is named.
func TestThreatModelNamesTests(t *testing.T) {
	tests := map[string]string{} // the tests of a folder
	each(t, func(path, text string) {
		if strings.HasSuffix(path, "_test.go") {
			dir, _ := filepath.Rel(root, filepath.Dir(path))
			tests[dir] += text
			tests[""] += text
		}
	})
	named := 0
	for row := range strings.Lines(read(t, "threat-model.md")) {
		cells := strings.Split(row, " | ")
		if len(cells) < 4 {
			continue
		}
		in := ""
		for _, found := range regexp.MustCompile("`([^`]+)`").FindAllStringSubmatch(cells[3], -1) {
			switch name := found[1]; {
			case strings.HasPrefix(name, "Test") || strings.HasPrefix(name, "Fuzz"):
				named++
				if !strings.Contains(tests[in], "func "+name+"(") {
					t.Errorf("there is no %s in %q: %s", name, in, cells[1])
				}
			default:
				in = name
				if _, err := os.Stat(filepath.Join(root, name)); err != nil {
					t.Errorf("%v: %s", err, cells[1])
				}
			}
		}
	}
	if named < 100 {
		t.Errorf("it names %d tests", named)
	}
}

// TestEveryPackageHasItsRow: where a line of code lies, the page of the house
// says what is done there.
func TestEveryPackageHasItsRow(t *testing.T) {
	rooms := roomsOf(t)
	each(t, func(path, _ string) {
		name, _ := filepath.Rel(root, filepath.Dir(path))
		if filepath.Ext(path) != ".go" || strings.Contains(path, "testdata") || strings.HasSuffix(name, "test") && strings.Contains(name, "/") || slices.Contains(rooms, name) {
			return
		}
		if !slices.ContainsFunc(rooms, func(room string) bool {
			top, all := strings.CutSuffix(room, "/…")
			return all && (name == top || strings.HasPrefix(name, top+"/"))
		}) {
			t.Errorf("docs/architecture.md has no row for %s (%s)", name, path)
		}
	})
}

// roomsOf are the packages that the page names in its table and before it, of
// which "…/x" is below or beside the one before it.
func roomsOf(t *testing.T) (all []string) {
	t.Helper()
	_, text, _ := strings.Cut(read(t, "architecture.md"), "## The packages")
	text, _, _ = strings.Cut(text, "\n## ")
	last := ""
	for _, found := range regexp.MustCompile("`([^`]+)`").FindAllStringSubmatch(text, -1) {
		name, short := strings.CutPrefix(found[1], "…/")
		switch {
		case short:
			all = append(all, last+"/"+name, filepath.Dir(last)+"/"+name)
		case !strings.Contains(name, "/") && !strings.HasPrefix(name, "bakelite"):
			all = append(all, name, last+"/"+name)
			if _, err := os.Stat(filepath.Join(root, name)); err == nil {
				last = name
			}
		default:
			all, last = append(all, name), name
		}
	}
	return all
}

func TestDecisionsAreListed(t *testing.T) {
	index := read(t, "decisions/README.md")
	records, err := filepath.Glob("decisions/[0-9]*.md")
	if err != nil || len(records) == 0 {
		t.Fatalf("no records: %v", err)
	}
	for _, record := range records {
		title, _, _ := strings.Cut(read(t, record), "\n")
		_, title, _ = strings.Cut(title, ": ")
		if !strings.Contains(index, "("+filepath.Base(record)+") | "+title) {
			t.Errorf("decisions/README.md does not list %s as %q", record, title)
		}
	}
}

func TestGlossaryIsSorted(t *testing.T) {
	var words []string
	for _, found := range regexp.MustCompile(`(?m)^\| \*\*([^*]+)\*\*`).FindAllStringSubmatch(read(t, "glossary.md"), -1) {
		words = append(words, strings.ToLower(found[1]))
	}
	if len(words) < 10 || !slices.IsSorted(words) {
		t.Errorf("want sorted words: %q", words)
	}
}

func TestJSONNamesEveryKey(t *testing.T) {
	text := read(t, "json.md")
	for _, value := range []any{artifact.Artifact{}, probe.Result{}, results.Publication{}} {
		kind := reflect.TypeOf(value)
		for i := range kind.NumField() {
			key, _, _ := strings.Cut(kind.Field(i).Tag.Get("json"), ",")
			if key != "-" && !strings.Contains(text, `"`+key+`":`) {
				t.Errorf("json.md does not show the key %q of %s", key, kind)
			}
		}
	}
}

// TestJSONNamesEveryKeyOfUpdates holds what outdated and plans print against
// the tables.
func TestJSONNamesEveryKeyOfUpdates(t *testing.T) {
	text := read(t, "json.md")
	_, text, _ = strings.Cut(text, "## `outdated --json`")
	for _, value := range []any{
		update.Change{}, update.Decision{}, update.Advisory{}, update.Unknown{}, update.Plan{}, update.Planned{}, update.Left{}, fleet.Attempt{}, fleet.Advisory{}, update.Took{}, update.Breach{},
	} {
		kind := reflect.TypeOf(value)
		for i := range kind.NumField() {
			key, _, _ := strings.Cut(kind.Field(i).Tag.Get("json"), ",")
			if key != "" && key != "-" && !strings.Contains(text, "."+key+"`") && !strings.Contains(text, "`"+key+"`") {
				t.Errorf("json.md does not name the key %q of %s", key, kind)
			}
		}
	}
}

// TestNamedPathsExist: what a document or a comment calls by its path in the
// repository is there.
func TestNamedPathsExist(t *testing.T) {
	rooms := "cmd|pipelines|publish|scan|builders|runners|distro|internal|templates|test|bench|scripts"
	path := regexp.MustCompile("(?:^|[^\\w./-])((?:" + rooms + `)/[a-z0-9_-]+(?:/[\w-]+)*(?:\.[a-z]+)*)`)
	named := 0
	each(t, func(file, text string) {
		var lines []string
		for line := range strings.Lines(text) {
			code, comment, _ := strings.Cut(line, "//")
			switch {
			case filepath.Ext(file) == ".md":
				lines = append(lines, line)
			case filepath.Ext(file) == ".go" && strings.TrimSpace(code) == "":
				lines = append(lines, comment)
			}
		}
		for _, line := range lines {
			for _, found := range path.FindAllStringSubmatch(line, -1) {
				named++
				if _, err := os.Stat(filepath.Join(root, found[1])); err != nil {
					t.Errorf("%s names %s, which is not there", file, found[1])
				}
			}
		}
	})
	if named < 100 {
		t.Errorf("%d paths are named", named)
	}
}

// TestNamedSymbolsExist: what a document calls `package.Name` is declared there.
func TestNamedSymbolsExist(t *testing.T) {
	declared, packages := map[string]bool{}, map[string]bool{}
	each(t, func(path, text string) {
		if filepath.Ext(path) != ".go" {
			return
		}
		file, err := parser.ParseFile(token.NewFileSet(), path, text, parser.SkipObjectResolution)
		if err != nil {
			t.Fatal(err)
		}
		packages[file.Name.Name] = true
		ast.Inspect(file, func(n ast.Node) bool {
			switch n := n.(type) {
			case *ast.FuncDecl:
				declared[file.Name.Name+"."+n.Name.Name] = true
			case *ast.TypeSpec:
				declared[file.Name.Name+"."+n.Name.Name] = true
			case *ast.ValueSpec:
				for _, name := range n.Names {
					declared[file.Name.Name+"."+name.Name] = true
				}
			}
			return true
		})
	})
	named, symbol := 0, regexp.MustCompile("`([a-z]+)\\.([A-Z]\\w+)`")
	each(t, func(path, text string) {
		if filepath.Ext(path) != ".md" {
			return
		}
		for _, found := range symbol.FindAllStringSubmatch(text, -1) {
			if !packages[found[1]] {
				continue
			}
			if named++; !declared[found[1]+"."+found[2]] {
				t.Errorf("%s names %s.%s, which is not declared", path, found[1], found[2])
			}
		}
	})
	if named < 5 {
		t.Errorf("the documents name %d symbols", named)
	}
}

// TestNamedTestsExist: a document that says what tests a claim names a real one.
func TestNamedTestsExist(t *testing.T) {
	function, name := regexp.MustCompile(`(?m)^func (Test\w+)\(`), regexp.MustCompile("`(Test[A-Z]\\w+)`")
	there, named := map[string]bool{}, map[string]string{}
	each(t, func(path, text string) {
		switch {
		case strings.HasSuffix(path, "_test.go"):
			for _, found := range function.FindAllStringSubmatch(text, -1) {
				there[found[1]] = true
			}
		case filepath.Ext(path) == ".md":
			for _, found := range name.FindAllStringSubmatch(text, -1) {
				named[found[1]] = path
			}
		}
	})
	for test, path := range named {
		if !there[test] {
			t.Errorf("%s names %s, which is no test", path, test)
		}
	}
	if len(named) < 10 {
		t.Errorf("the documents name %d tests", len(named))
	}
}

// TestDifferencesAreExplained: service.md says why a service sees something else
// on the disk, for all that was found to differ and nothing more.
func TestDifferencesAreExplained(t *testing.T) {
	_, table, _ := strings.Cut(read(t, "service.md"), "## What differs")
	explained := map[string]bool{}
	for line := range strings.Lines(table) {
		first, _, _ := strings.Cut(strings.TrimPrefix(line, "| "), " | ")
		for _, found := range regexp.MustCompile("`([^`]+)`").FindAllStringSubmatch(first, -1) {
			explained[found[1]] = true
		}
	}
	for line := range strings.Lines(read(t, "../test/testdata/witness/differences.txt")) {
		subject, _, _ := strings.Cut(line, ": ")
		if !explained[subject] {
			t.Errorf("service.md does not explain %q", subject)
		}
		delete(explained, subject)
	}
	for subject := range explained {
		t.Errorf("service.md explains %q, which does not differ", subject)
	}
}

// TestTypicalChanges: where CONTRIBUTING says that a change goes is where the
// last one of its kind is, and nowhere else.
func TestTypicalChanges(t *testing.T) {
	_, table, _ := strings.Cut(read(t, "../CONTRIBUTING.md"), "## Where does it go?")
	table, _, _ = strings.Cut(table, "\n## ")
	for change, example := range map[string]string{
		"A key of the app file":                `\bservice\.prepare\b|\.Prepare\b|"prepare"`,
		"A hardening control":                  `BK-FS-02`,
		"A setting":                            `"sign\.rekor"`,
		"A command":                            `keygenCommand`,
		"A format that reports are printed in": `[sS]arif`,
		"A step of the root filesystem":        `"initrd\.sh"|container-trim`,
		"A disk format":                        `"vhd"|writeVHD`,
		"A kind of declared test":              `TCP != nil`,
		"A rule of the policy":                 `RuleLicences`,
		"A statement about an artifact":        `\bTestsType\b`,
		"A form of signing key":                `\bpkcs8\.`,
	} {
		row := regexp.MustCompile(`(?m)^\| ` + regexp.QuoteMeta(change) + ` \| (.*) \|$`).FindStringSubmatch(table)
		if row == nil {
			t.Errorf("CONTRIBUTING does not say where this goes: %s", change)
			continue
		}
		places := regexp.MustCompile("`([a-z][^`]*)`").FindAllStringSubmatch(row[1], -1)
		found := regexp.MustCompile(example)
		files := 0
		each(t, func(path, text string) {
			name, _ := filepath.Rel(root, path)
			made := strings.HasPrefix(name, "templates/schema/")
			if strings.HasSuffix(name, "_test.go") || made || filepath.Ext(name) != ".go" && !strings.HasPrefix(name, "templates/") || !found.MatchString(text) {
				return
			}
			files++
			if !slices.ContainsFunc(places, func(p []string) bool { return name == p[1] || strings.HasPrefix(name, p[1]+"/") }) {
				t.Errorf("%s: CONTRIBUTING does not name %s, where %s is", change, name, example)
			}
		})
		if files == 0 {
			t.Errorf("%s: there is no %s", change, example)
		}
	}
}

// TestNoMirror: archives have names, and mirrors are settings. The key ring's
// comments and addresses of people are no mirrors.
func TestNoMirror(t *testing.T) {
	host := regexp.MustCompile(`(deb|security|ftp|snapshot|archive|mirrors?)\.([a-z]{2}\.)?(debian|ubuntu)\.(org|com)`)
	each(t, func(path, text string) {
		if found := host.FindString(text); found != "" {
			t.Errorf("%s names a mirror's host: %s", path, found)
		}
	})
}

// each calls f with every text file of the repository.
func each(t *testing.T, f func(path, text string)) {
	t.Helper()
	files := 0
	err := filepath.WalkDir(root, func(path string, entry fs.DirEntry, err error) error {
		if err != nil {
			return err
		}
		if entry.IsDir() {
			if name := entry.Name(); path != root && (name == ".git" || name == "bin" || name == "dist") {
				return filepath.SkipDir
			}
			return nil
		}
		info, err := entry.Info()
		if err != nil || !info.Mode().IsRegular() || info.Size() > maxFile {
			return err
		}
		files++
		f(path, read(t, path))
		return nil
	})
	if err != nil || files < 100 {
		t.Fatalf("looked at %d files: %v", files, err)
	}
}

func read(t *testing.T, path string) string {
	t.Helper()
	text, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	return string(text)
}
