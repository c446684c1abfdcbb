package main

import (
	"fmt"

	"github.com/spf13/cobra"

	"github.com/bakelite/bakelite/internal/app"
	"github.com/bakelite/bakelite/internal/fault"
	"github.com/bakelite/bakelite/internal/policy"
)

func schemaCommand() *cobra.Command {
	return &cobra.Command{
		Use:   "schema [app|policy]",
		Short: "Print the JSON Schema of the app file or of the policy",
		Long: `Prints the JSON Schema (draft 2020-12) of the app file, or of the policy, for
editors and as the reference of every key. An editor with the YAML language
server uses it where the file begins with:
# yaml-language-server: $schema=app.schema.json`,
		Example:           "  bakelite schema > app.schema.json\n  bakelite schema policy > policy.schema.json",
		Args:              checked(cobra.MaximumNArgs(1)),
		ValidArgsFunction: cobra.FixedCompletions([]string{"app", "policy"}, cobra.ShellCompDirectiveNoFileComp),
		RunE: func(c *cobra.Command, args []string) error {
			text, err := schemaOf(args)
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

func schemaOf(args []string) ([]byte, error) {
	switch {
	case len(args) == 0 || args[0] == "app":
		return app.Schema()
	case args[0] == "policy":
		return policy.Schema()
	}
	return nil, fault.New(fault.Invalid, "there is no schema of %q: want app or policy", args[0])
}
