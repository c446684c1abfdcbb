package stricttest

import (
	"bytes"
	"encoding/json"
	"os"
	"reflect"
	"strings"
	"testing"

	"github.com/invopop/jsonschema"

	"github.com/bakelite/bakelite/internal/units"
)

// Form is the form of a file, of which a schema is made by the types and the
// comments in their source.
type Form struct {
	// Type is that of the whole file, and Package where it is, as the import
	// path within this module; the test runs there.
	Type    reflect.Type
	Package string
	Title   string
	// Map gives a type with a text form of its own its schema, nil for others;
	// it may be nil.
	Map func(reflect.Type) *jsonschema.Schema
	// Refine adds what the validator's own tables say; property finds what a
	// type's key is described by.
	Refine func(property func(definition, name string) *jsonschema.Schema)
}

// Schema makes the form's schema, as JSON.
func (f Form) Schema(t *testing.T) []byte {
	t.Helper()
	r := &jsonschema.Reflector{FieldNameTag: "yaml", Anonymous: true, ExpandedStruct: true, Mapper: f.mapType}
	if err := r.AddGoComments("github.com/bakelite/bakelite/"+f.Package, "."); err != nil {
		t.Fatal(err)
	}
	for key, comment := range r.CommentMap {
		r.CommentMap[key] = strings.Join(strings.Fields(comment), " ")
	}
	s := r.ReflectFromType(f.Type)
	s.Title = f.Title
	f.Refine(func(definition, name string) *jsonschema.Schema {
		t.Helper()
		owner := s
		if definition != f.Type.Name() {
			owner = s.Definitions[definition]
		}
		p, ok := owner.Properties.Get(name)
		if !ok {
			t.Fatalf("%s has no property %s", definition, name)
		}
		return p
	})
	data, err := json.MarshalIndent(s, "", "  ")
	if err != nil {
		t.Fatal(err)
	}
	return append(data, '\n')
}

func (f Form) mapType(t reflect.Type) *jsonschema.Schema {
	if t == reflect.TypeFor[units.Duration]() {
		return &jsonschema.Schema{Type: "string", Pattern: `^([0-9]+(\.[0-9]+)?(ns|us|µs|ms|s|m|h))+$`}
	}
	if f.Map == nil {
		return nil
	}
	return f.Map(t)
}

// Current compares the schema that the program carries with the form's, and
// writes the file anew where that is asked for.
func (f Form) Current(t *testing.T, carried func() ([]byte, error), file string, rewrite bool) {
	t.Helper()
	want := f.Schema(t)
	if rewrite {
		if err := os.WriteFile(file, want, 0o644); err != nil {
			t.Fatal(err)
		}
		return
	}
	got, err := carried()
	if err != nil {
		t.Fatal(err)
	}
	if !bytes.Equal(got, want) {
		t.Errorf("the schema differs from the types; run: go generate ./%s", f.Package)
	}
}

// Strict holds the schema to what loading does: no unknown keys, and every key
// of at least so many objects explained.
func (f Form) Strict(t *testing.T, objects int) {
	t.Helper()
	var s map[string]any
	if err := json.Unmarshal(f.Schema(t), &s); err != nil {
		t.Fatal(err)
	}
	if s["$schema"] != "https://json-schema.org/draft/2020-12/schema" {
		t.Errorf("$schema is %v", s["$schema"])
	}
	all := map[string]any{f.Type.Name(): s}
	definitions, _ := s["$defs"].(map[string]any)
	for name, d := range definitions {
		all[name] = d
	}
	if len(all) < objects {
		t.Errorf("only %d objects", len(all))
	}
	for name, o := range all {
		strictObject(t, name, o.(map[string]any))
	}
}

func strictObject(t *testing.T, name string, s map[string]any) {
	t.Helper()
	if s["additionalProperties"] != false {
		t.Errorf("%s allows unknown keys", name)
	}
	properties, _ := s["properties"].(map[string]any)
	for key, p := range properties {
		property := p.(map[string]any)
		if _, isReference := property["$ref"]; property["description"] == nil && !isReference {
			t.Errorf("%s.%s has no description", name, key)
		}
	}
}

// Words are values for an enum.
func Words(values []string) []any {
	enum := make([]any, len(values))
	for i, v := range values {
		enum[i] = v
	}
	return enum
}
