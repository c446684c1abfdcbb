package test

import (
	"encoding/json"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"

	"github.com/bakelite/bakelite/test/harness"
)

// TestJSONIsAsDocumented holds what commands print against docs/json.md: each
// key is there, and none at the top of an object that is not in the tables.
func TestJSONIsAsDocumented(t *testing.T) {
	s := harness.OpenShop(t)
	risky := filepath.Join(harness.Folder(t), "db")
	harness.MakeDatabase(t, risky, harness.DatabaseTime(), harness.Facts)
	host := harness.Serve(t, harness.MemoryRegistry(t)).Host
	o := s.Publish("--registry", host+"/team")
	ref := o.Result(t).Published[0].Ref
	for _, tt := range []struct {
		section string
		o       harness.Outcome
		absent  []string
	}{
		{"# JSON output", o, []string{"changes"}},
		{"## `inspect --json`", s.Run("inspect", "--json", "--public-key", s.Public, ref), []string{"file", "reasons", "notApplicable"}},
		{"## `report --format json`", s.Run("report", "--format", "json", "--public-key", s.Public, ref), []string{"bootSeconds", "memoryBytes", "changes", "failures[]"}},
		{"## `check --json`", s.Run("check", "--json", ref), []string{"notApplicable", "detail"}},
		{"## `verify --json`", s.Verify("--json", "--public-key", s.Public, ref), nil},
		{"## `diff --json`", s.Run("diff", "--json", "--database", s.Database, ref, filepath.Join(s.Out, "web.oci")), []string{"packages"}},
		{"## `scan --format json`", s.Run("scan", "--format", "json", "--database", risky, ref), []string{"fixedSince", "published", "rule", "path"}},
	} {
		t.Run(tt.section, func(t *testing.T) {
			var printed any
			if err := json.Unmarshal([]byte(tt.o.Want(t, 0).Stdout), &printed); err != nil {
				t.Fatal(err)
			}
			keys := documented(t, tt.section)
			for _, key := range keys {
				if parts := strings.Split(key, "."); !has(printed, parts) && !slices.ContainsFunc(parts, func(p string) bool {
					return slices.Contains(tt.absent, strings.TrimSuffix(p, "[]"))
				}) {
					t.Errorf("%q is documented and not printed", key)
				}
			}
			object, _ := printed.(map[string]any)
			for key := range object {
				if !slices.ContainsFunc(keys, func(k string) bool {
					return k == key || strings.HasPrefix(k, key+".") || strings.HasPrefix(k, key+"[")
				}) {
					t.Errorf("%q is printed and not documented", key)
				}
			}
		})
	}
}

// documented lists the keys in the table of a section of docs/json.md; a key
// that follows another in one cell stands beside it.
func documented(t *testing.T, section string) (keys []string) {
	t.Helper()
	_, text, ok := strings.Cut(harness.Read(t, "../docs/json.md"), section+"\n")
	text, _, _ = strings.Cut(text, "\n## ")
	quoted := regexp.MustCompile("`([^`]+)`")
	for line := range strings.Lines(text) {
		cells := strings.Split(line, "|")
		if len(cells) < 4 {
			continue
		}
		parent := ""
		for i, name := range quoted.FindAllStringSubmatch(cells[1], -1) {
			if i == 0 {
				parent = name[1][:strings.LastIndex(name[1], ".")+1]
				keys = append(keys, name[1])
			} else {
				keys = append(keys, parent+name[1])
			}
		}
	}
	if !ok || len(keys) == 0 {
		t.Fatalf("docs/json.md has no table below %q", section)
	}
	return keys
}

// has says whether a value has a key, by the names on the way to it; one of
// the elements of a list is enough.
func has(value any, path []string) bool {
	if len(path) == 0 {
		return true
	}
	name, list := strings.CutSuffix(path[0], "[]")
	if name != "" {
		object, _ := value.(map[string]any)
		if value = object[name]; object == nil {
			return false
		}
		if _, there := object[name]; !there {
			return false
		}
	}
	if !list {
		return has(value, path[1:])
	}
	elements, _ := value.([]any)
	return len(path) == 1 && elements != nil || slices.ContainsFunc(elements, func(e any) bool { return has(e, path[1:]) })
}
