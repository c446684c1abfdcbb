package app

import (
	"flag"
	"path/filepath"
	"reflect"
	"testing"

	"github.com/invopop/jsonschema"

	"github.com/bakelite/bakelite/internal/disk/format"
	"github.com/bakelite/bakelite/internal/strict/stricttest"
	"github.com/bakelite/bakelite/internal/units"
	"github.com/bakelite/bakelite/internal/update"
)

var rewrite = flag.Bool("update", false, "write generated files anew")

func TestSchemaIsCurrent(t *testing.T) {
	form().Current(t, Schema, filepath.Join("../../templates", schemaFile), *rewrite)
}

func TestSchemaIsStrict(t *testing.T) { form().Strict(t, 11) }

func form() stricttest.Form {
	return stricttest.Form{Type: reflect.TypeFor[App](), Package: "internal/app", Title: "Bakelite app file", Map: mapType, Refine: refine}
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
	}
	return nil
}

// refine adds what the validator's own tables say.
func refine(property func(definition, name string) *jsonschema.Schema) {
	property("App", "apiVersion").Const = APIVersion
	property("App", "name").Pattern = dnsLabel.String()
	property("App", "packages").Items.Pattern = packageName.String()
	property("Base", "debian").Enum = stricttest.Words(Suites())
	property("File", "mode").Pattern = `^[0-1]?[0-7]{3,4}$`
	property("Service", "user").Pattern = userName.String()
	property("Service", "stopSignal").Enum = stricttest.Words(StopSignals())
	property("Service", "secrets").Items.Pattern = givenName.String()
	property("Service", "config").Items.Pattern = givenName.String()
	property("Prepare", "when").Enum = stricttest.Words([]string{WhenEmpty, WhenUpdate})
	property("Service", "allow").Items.Enum = stricttest.Words(Allowances())
	property("Container", "format").Enum = stricttest.Words(ContainerFormats())
	property("VM", "formats").Items.Enum = stricttest.Words(format.Names())
	property("VM", "modules").Items.Pattern = moduleName.String()
	property("VM", "packages").Items.Pattern = packageName.String()
	property("Hardening", "level").Enum = []any{defaultLevel, maxLevel}
	property("Test", "on").Enum = stricttest.Words([]string{"container", "disk"})
	property("Update", "trigger").Items.Enum = stricttest.Words(update.Triggers())
	property("Update", "severity").Enum = stricttest.Words(Severities())
	property("Update", "urgent").Enum = stricttest.Words(append(Severities(), UrgentNone))
}
