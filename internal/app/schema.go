package app

import "github.com/bakelite/bakelite/templates"

//go:generate go test -run TestSchemaIsCurrent . -update

// schemaFile is generated from the types and their comments.
const schemaFile = "schema/app.schema.json"

// Schema returns the JSON Schema (draft 2020-12) of the app file. It says
// what an editor can check; Validate says the rest.
func Schema() ([]byte, error) {
	return []byte(templates.Text(schemaFile)), nil
}
