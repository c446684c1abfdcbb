package policy

import (
	"flag"
	"reflect"
	"strings"
	"testing"

	"github.com/invopop/jsonschema"

	"github.com/bakelite/bakelite/internal/strict/stricttest"
)

var update = flag.Bool("update", false, "write generated files anew")

func TestSchemaIsCurrent(t *testing.T) { form().Current(t, Schema, schemaFile, *update) }

func TestSchemaIsStrict(t *testing.T) { form().Strict(t, 7) }

func form() stricttest.Form {
	return stricttest.Form{Type: reflect.TypeFor[Policy](), Package: "internal/policy", Title: "Bakelite policy file", Refine: refine}
}

// refine adds what the validator's own tables say.
func refine(property func(definition, name string) *jsonschema.Schema) {
	property("Policy", "apiVersion").Const = APIVersion
	property("Policy", "kind").Const = Kind
	property("Bases", "archives").Items.Pattern = archiveName.String()
	property("Gate", "mode").Enum = stricttest.Words(Modes())
	property("Vulnerabilities", "failOn").Enum = stricttest.Words(append(Severities(), None))
	property("Vulnerabilities", "unknownAs").Enum = stricttest.Words(Severities())
	property("Patches", "maxHours").PropertyNames = &jsonschema.Schema{Enum: stricttest.Words(Severities())}
	property("Vulnerabilities", "graceDays").PropertyNames = &jsonschema.Schema{Enum: stricttest.Words(Severities())}
	property("Waiver", "expires").Format = "date"
	property("Gate", "requiredControls").Items.Pattern = "^(none|level 1|level 2|" + strings.Trim(controlID.String(), "^$") + ")$"
	share := property("Gate", "minHardening")
	share.Minimum, share.Maximum = "0", "100"
}
