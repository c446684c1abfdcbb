package main

import (
	"encoding/json"
	"fmt"
	"io"
	"text/tabwriter"

	"github.com/spf13/cobra"

	"github.com/bakelite/bakelite/cmd/internal/settings"
)

func configCommand() *cobra.Command {
	var asJSON bool
	c := &cobra.Command{
		Use:   "config",
		Short: "Show each setting in force and where it comes from",
		Long: `Shows each setting in force, its value and its source: a flag, else the
environment (BAKELITE_...), else bakelite.yaml, else the default. Secrets and
passwords in URLs are not shown.`,
		Example:           "  bakelite config\n  bakelite config --json",
		Args:              checked(cobra.NoArgs),
		ValidArgsFunction: cobra.NoFileCompletions,
		RunE: func(c *cobra.Command, _ []string) error {
			s, err := load(c)
			if err != nil {
				return err
			}
			return printSettings(c.OutOrStdout(), s.Effective(), asJSON)
		},
	}
	c.Flags().BoolVar(&asJSON, "json", false, "print the settings as JSON on stdout")
	return c
}

// setting is the form of one setting in config --json.
type setting struct {
	Key    string `json:"key"`
	Value  string `json:"value"`
	Source string `json:"source"`
}

func printSettings(w io.Writer, values []settings.Value, asJSON bool) error {
	if asJSON {
		shown := make([]setting, len(values))
		for i, v := range values {
			shown[i] = setting(v)
		}
		return printJSON(w, shown)
	}
	table := tabwriter.NewWriter(w, 0, 4, 2, ' ', 0)
	for _, v := range values {
		fmt.Fprintf(table, "%s\t%s\t%s\n", v.Key, v.Value, v.Source)
	}
	return table.Flush()
}

func printJSON(w io.Writer, value any) error {
	encoder := json.NewEncoder(w)
	encoder.SetIndent("", "  ")
	encoder.SetEscapeHTML(false)
	return encoder.Encode(value)
}
