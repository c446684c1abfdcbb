package main

import (
	"fmt"

	"github.com/spf13/cobra"

	"github.com/bakelite/bakelite/internal/app"
)

func schemaCommand() *cobra.Command {
	return &cobra.Command{
		Use:   "schema",
		Short: "Print the JSON Schema of the app file",
		Long: `Prints the JSON Schema (draft 2020-12) of the app file, for editors and as the
reference of every key. An editor with the YAML language server uses it where
the app file begins with: # yaml-language-server: $schema=app.schema.json`,
		Example:           "  bakelite schema > app.schema.json",
		Args:              checked(cobra.NoArgs),
		ValidArgsFunction: cobra.NoFileCompletions,
		RunE: func(c *cobra.Command, _ []string) error {
			text, err := app.Schema()
			if err != nil {
				return err
			}
			if _, err := c.OutOrStdout().Write(text); err != nil {
				return fmt.Errorf("printing schema: %w", err)
			}
			return nil
		},
	}
}
