package app

import (
	"bytes"
	"encoding/json"
	"flag"
	"os"
	"path/filepath"
	"reflect"
	"strings"
	"testing"

	"github.com/invopop/jsonschema"

	"github.com/bakelite/bakelite/internal/units"
	"github.com/bakelite/bakelite/internal/update"
)

var rewrite = flag.Bool("update", false, "write generated files anew")

// TestSchemaIsCurrent generates the schema from the types and the comments in
// the source, and compares it with the file that the program carries.
func TestSchemaIsCurrent(t *testing.T) {
	want := generateSchema(t)
	if *rewrite {
		if err := os.WriteFile(filepath.Join("../../templates", schemaFile), want, 0o644); err != nil {
			t.Fatal(err)
		}
		return
	}
	got, err := Schema()
	if err != nil {
		t.Fatal(err)
	}
	if !bytes.Equal(got, want) {
		t.Error("the schema differs from the types; run: go generate ./internal/app")
	}
}

func generateSchema(t *testing.T) []byte {
	t.Helper()
	r := &jsonschema.Reflector{FieldNameTag: "yaml", Anonymous: true, ExpandedStruct: true, Mapper: mapType}
	if err := r.AddGoComments("github.com/bakelite/bakelite/internal/app", "."); err != nil {
		t.Fatal(err)
	}
	for key, comment := range r.CommentMap {
		r.CommentMap[key] = strings.Join(strings.Fields(comment), " ")
	}
	s := r.Reflect(&App{})
	s.Title = "Bakelite app file"
	refine(t, s)
	data, err := json.MarshalIndent(s, "", "  ")
	if err != nil {
		t.Fatal(err)
	}
	return append(data, '\n')
}

// mapType gives the types with a text form of their own their pattern.
func mapType(t reflect.Type) *jsonschema.Schema {
	switch t {
	case reflect.TypeFor[Port]():
		return &jsonschema.Schema{OneOf: []*jsonschema.Schema{
			{Type: "integer", Minimum: "1", Maximum: "65535"},
			{Type: "string", Pattern: `^[0-9]{1,5}(/(tcp|udp))?$`},
		}}
	case reflect.TypeFor[units.Size]():
		return &jsonschema.Schema{OneOf: []*jsonschema.Schema{
			{Type: "integer", Minimum: "1"},
			{Type: "string", Pattern: `^[0-9]+[KMG]?$`},
		}}
	case reflect.TypeFor[units.Duration]():
		return &jsonschema.Schema{Type: "string", Pattern: `^([0-9]+(\.[0-9]+)?(ns|us|µs|ms|s|m|h))+$`}
	}
	return nil
}

// refine adds what the validator's own tables say.
func refine(t *testing.T, s *jsonschema.Schema) {
	t.Helper()
	property := func(definition, name string) *jsonschema.Schema {
		owner := s
		if definition != "App" {
			owner = s.Definitions[definition]
		}
		p, ok := owner.Properties.Get(name)
		if !ok {
			t.Fatalf("%s has no property %s", definition, name)
		}
		return p
	}
	property("App", "apiVersion").Const = APIVersion
	property("App", "name").Pattern = dnsLabel.String()
	property("App", "packages").Items.Pattern = packageName.String()
	property("Base", "debian").Enum = words(Suites())
	property("File", "mode").Pattern = `^[0-1]?[0-7]{3,4}$`
	property("Service", "user").Pattern = userName.String()
	property("Service", "stopSignal").Enum = words(StopSignals())
	property("Service", "secrets").Items.Pattern = givenName.String()
	property("Service", "config").Items.Pattern = givenName.String()
	property("Prepare", "when").Enum = words([]string{WhenEmpty, WhenUpdate})
	property("Service", "allow").Items.Enum = words(Allowances())
	property("Container", "format").Enum = words(ContainerFormats())
	property("VM", "formats").Items.Enum = words(DiskFormats())
	property("VM", "modules").Items.Pattern = moduleName.String()
	property("VM", "packages").Items.Pattern = packageName.String()
	property("Hardening", "level").Enum = []any{defaultLevel, maxLevel}
	property("Test", "on").Enum = words([]string{"container", "disk"})
	property("Update", "trigger").Items.Enum = words(update.Triggers())
	property("Update", "severity").Enum = words(Severities())
	property("Update", "urgent").Enum = words(append(Severities(), UrgentNone))
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
	if s["$schema"] != "https://json-schema.org/draft/2020-12/schema" {
		t.Errorf("$schema is %v", s["$schema"])
	}
	strictObject(t, "App", s)
	definitions, _ := s["$defs"].(map[string]any)
	for name, d := range definitions {
		strictObject(t, name, d.(map[string]any))
	}
	if len(definitions) < 10 {
		t.Errorf("only %d definitions", len(definitions))
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
		_, isReference := property["$ref"]
		if property["description"] == nil && !isReference {
			t.Errorf("%s.%s has no description", name, key)
		}
	}
}
