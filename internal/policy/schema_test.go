package policy

import (
	"bytes"
	"encoding/json"
	"flag"
	"os"
	"reflect"
	"strings"
	"testing"

	"github.com/invopop/jsonschema"

	"github.com/bakelite/bakelite/internal/units"
)

var update = flag.Bool("update", false, "write generated files anew")

// TestSchemaIsCurrent generates the schema from the types and the comments in
// the source, and compares it with the file that the program carries.
func TestSchemaIsCurrent(t *testing.T) {
	want := generateSchema(t)
	if *update {
		if err := os.WriteFile(schemaFile, want, 0o644); err != nil {
			t.Fatal(err)
		}
		return
	}
	got, err := Schema()
	if err != nil {
		t.Fatal(err)
	}
	if !bytes.Equal(got, want) {
		t.Error("the schema differs from the types; run: go generate ./internal/policy")
	}
}

func generateSchema(t *testing.T) []byte {
	t.Helper()
	r := &jsonschema.Reflector{FieldNameTag: "yaml", Anonymous: true, ExpandedStruct: true, Mapper: mapType}
	if err := r.AddGoComments("github.com/bakelite/bakelite/internal/policy", "."); err != nil {
		t.Fatal(err)
	}
	for key, comment := range r.CommentMap {
		r.CommentMap[key] = strings.Join(strings.Fields(comment), " ")
	}
	s := r.Reflect(&Policy{})
	s.Title = "Bakelite policy file"
	refine(t, s)
	data, err := json.MarshalIndent(s, "", "  ")
	if err != nil {
		t.Fatal(err)
	}
	return append(data, '\n')
}

func mapType(t reflect.Type) *jsonschema.Schema {
	if t == reflect.TypeFor[units.Duration]() {
		return &jsonschema.Schema{Type: "string", Pattern: `^([0-9]+(\.[0-9]+)?(ns|us|µs|ms|s|m|h))+$`}
	}
	return nil
}

// refine adds what the validator's own tables say.
func refine(t *testing.T, s *jsonschema.Schema) {
	t.Helper()
	property := func(definition, name string) *jsonschema.Schema {
		owner := s
		if definition != "Policy" {
			owner = s.Definitions[definition]
		}
		p, ok := owner.Properties.Get(name)
		if !ok {
			t.Fatalf("%s has no property %s", definition, name)
		}
		return p
	}
	property("Policy", "apiVersion").Const = APIVersion
	property("Policy", "kind").Const = Kind
	property("Bases", "archives").Items.Pattern = archiveName.String()
	property("Gate", "mode").Enum = words(Modes())
	property("Vulnerabilities", "failOn").Enum = words(append(Severities(), None))
	property("Vulnerabilities", "unknownAs").Enum = words(Severities())
	property("Patches", "maxHours").PropertyNames = &jsonschema.Schema{Enum: words(Severities())}
	property("Vulnerabilities", "graceDays").PropertyNames = &jsonschema.Schema{Enum: words(Severities())}
	property("Waiver", "expires").Format = "date"
	share := property("Gate", "minHardening")
	share.Minimum, share.Maximum = "0", "100"
}

func words(values []string) []any {
	enum := make([]any, len(values))
	for i, v := range values {
		enum[i] = v
	}
	return enum
}

// TestSchemaIsStrict holds the schema to what Load does: no unknown keys, and
// every key explained.
func TestSchemaIsStrict(t *testing.T) {
	var s map[string]any
	if err := json.Unmarshal(generateSchema(t), &s); err != nil {
		t.Fatal(err)
	}
	objects := map[string]any{"Policy": s}
	definitions, _ := s["$defs"].(map[string]any)
	for name, d := range definitions {
		objects[name] = d
	}
	if len(objects) < 7 {
		t.Errorf("only %d objects", len(objects))
	}
	for name, o := range objects {
		object := o.(map[string]any)
		if object["additionalProperties"] != false {
			t.Errorf("%s allows unknown keys", name)
		}
		properties, _ := object["properties"].(map[string]any)
		for key, p := range properties {
			property := p.(map[string]any)
			if _, isReference := property["$ref"]; property["description"] == nil && !isReference {
				t.Errorf("%s.%s has no description", name, key)
			}
		}
	}
}
