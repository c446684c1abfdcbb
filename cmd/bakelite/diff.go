package main

import (
	"context"
	"encoding/json"
	"fmt"
	"io"
	"os"

	"github.com/spf13/cobra"

	"github.com/bakelite/bakelite/pipelines/look"
)

func diffCommand() *cobra.Command {
	var by signerFlags
	var asJSON, files bool
	c := &cobra.Command{
		Use:   "diff A B",
		Short: "Show how two images differ: packages, files, findings, hardening",
		Long: `Compares two images or disks (references, layouts, disk files), by what is
stated about them; what is not stated about a layout or disk of this machine is
scanned. Files are compared with --files, for which both are read. Policy and
database are what you name; a bakelite.yaml that lies in the folder does not
choose them.`,
		Args: checked(cobra.ExactArgs(2)),
		RunE: func(c *cobra.Command, args []string) error {
			return withReader(c, by, append(scannerKeys(), policyKey), func(ctx context.Context, r look.Reader, _ policyInForce) error {
				d, err := r.Diff(ctx, args[0], args[1], files)
				if err != nil {
					return err
				}
				if asJSON {
					return json.NewEncoder(os.Stdout).Encode(d)
				}
				printDifference(os.Stdout, d)
				return nil
			})
		},
	}
	by.add(c)
	c.Flags().BoolVar(&files, "files", false, "compare files too")
	c.Flags().BoolVar(&asJSON, "json", false, "print the result as JSON")
	return c
}

func printDifference(w io.Writer, d look.Difference) {
	fmt.Fprintf(w, "--- %s\n+++ %s\n", d.A, d.B)
	if d.Same() {
		fmt.Fprintln(w, "no difference")
	}
	for _, part := range []struct {
		name string
		all  []look.Differs
	}{{"packages", d.Packages}, {"findings", d.Findings}, {"hardening", d.Controls}, {"files", d.Files}} {
		if len(part.all) == 0 {
			continue
		}
		fmt.Fprintf(w, "%s: %d\n", part.name, len(part.all))
		for _, one := range part.all {
			switch {
			case one.A == "":
				fmt.Fprintf(w, "  + %s %s\n", one.Name, one.B)
			case one.B == "":
				fmt.Fprintf(w, "  - %s %s\n", one.Name, one.A)
			default:
				fmt.Fprintf(w, "  ~ %s %s -> %s\n", one.Name, one.A, one.B)
			}
		}
	}
}
