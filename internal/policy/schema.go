package policy

import "embed"

//go:generate go test -run TestSchemaIsCurrent . -update

// schemaFile is generated from the types and their comments.
const schemaFile = "policy.schema.json"

//go:embed policy.schema.json
var files embed.FS

// Schema returns the JSON Schema (draft 2020-12) of the policy file. It says
// what an editor can check; Validate says the rest. Its error is always nil
// while the program carries the file.
func Schema() ([]byte, error) { return files.ReadFile(schemaFile) }
