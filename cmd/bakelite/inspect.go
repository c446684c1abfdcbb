package main

import (
	"context"
	"encoding/json"
	"fmt"
	"io"
	"maps"
	"os"
	"slices"
	"strings"
	"text/tabwriter"

	"github.com/spf13/cobra"

	"github.com/bakelite/bakelite/pipelines/look"
	"github.com/bakelite/bakelite/publish/intoto"
	"github.com/bakelite/bakelite/scan"
)

func inspectCommand() *cobra.Command {
	var by signerFlags
	var asJSON bool
	c := &cobra.Command{
		Use:   "inspect REF|FILE",
		Short: "Show what an image is made of and how it came about",
		Long: `Shows what is stated about a published image or disk: who built it from what,
its packages, findings, verdict, tests and hardening. Whether anybody vouches
for the statements is shown first; verify decides by it. The policy is what you
name; a bakelite.yaml that lies in the folder does not choose it.`,
		Args: checked(cobra.ExactArgs(1)),
		RunE: func(c *cobra.Command, args []string) error {
			return lookAt(c, by, args[0], func(ctx context.Context, r look.Reader, by policyInForce, t look.Target) error {
				i, err := r.Inspect(ctx, t)
				if err != nil {
					return err
				}
				if asJSON {
					return json.NewEncoder(os.Stdout).Encode(inspected{i, by})
				}
				return printInspected(os.Stdout, i)
			})
		},
	}
	by.add(c)
	c.Flags().BoolVar(&asJSON, "json", false, "print all of it as JSON")
	return c
}

// inspected is the form of inspect --json.
type inspected struct {
	look.Inspected
	Policy policyInForce `json:"policy"`
}

func printInspected(w io.Writer, i look.Inspected) error {
	table := tabwriter.NewWriter(w, 0, 4, 2, ' ', 0)
	row := func(name, format string, args ...any) {
		fmt.Fprintf(table, "%s\t%s\n", name, fmt.Sprintf(format, args...))
	}
	row("name", "%s", i.Name)
	row("digest", "%s", i.Digest)
	if i.Verified {
		row("verified", "yes, signed by %s", strings.Join(i.Signers, ", "))
	}
	for _, reason := range i.Reasons {
		row("NOT verified", "%s", reason)
	}
	for _, kind := range slices.Sorted(maps.Keys(i.Statements)) {
		row("stated", "%s (%d)", kind, i.Statements[kind])
	}
	if p := i.Provenance; p != nil {
		row("built by", "%s, Bakelite %s", p.RunDetails.Builder.ID, p.RunDetails.Builder.Version["bakelite"])
		row("built", "%s to %s", p.RunDetails.Metadata.StartedOn.Format("2006-01-02 15:04:05"), p.RunDetails.Metadata.FinishedOn.Format("15:04:05 MST"))
		row("source", "%s", orNone(p.SourceURI()))
		row("app", "%s for %s", p.BuildDefinition.ExternalParameters.App.Name, p.BuildDefinition.InternalParameters.Platform)
		row("lock", "%s", p.BuildDefinition.InternalParameters.Lock)
		row("made from", "%d pinned things", len(p.BuildDefinition.ResolvedDependencies))
	}
	if r := i.Report; r != nil {
		row("system", "%s %s, %d packages", r.OS.Family, r.OS.Name, len(r.Packages))
		row("findings", "%s", severities(r.Findings))
		row("scanned", "%s with the database of %s", r.Scanned.Format("2006-01-02 15:04 MST"), r.Database.Updated.Format("2006-01-02"))
	}
	if v := i.Verdict; v != nil {
		row("verdict", "%s by policy %s", v.Outcome, v.Policy)
		for _, waiver := range v.Waivers {
			what := waiver.ID
			if waiver.Package != "" {
				what += " of " + waiver.Package
			}
			if waiver.Path != "" {
				what += " in " + waiver.Path
			}
			row("waived", "%s until %s: %s (%s)", what, waiver.Expires, waiver.Reason, waiver.Owner)
		}
	}
	if t := i.Tests; t != nil {
		row("tests", "%s", passed(t.Results, t.Skipped))
		row("hardening", "%s", passed(t.Hardening, len(t.Hardening) == 0))
		if len(t.Booted) > 0 {
			row("when booted", "%s", passed(t.Booted, false))
		}
	}
	return table.Flush()
}

func orNone(text string) string {
	if text == "" {
		return "not stated"
	}
	return text
}

func severities(findings []scan.Finding) string {
	counts := map[string]int{}
	for _, f := range findings {
		counts[f.Severity]++
	}
	var words []string
	for _, severity := range slices.Backward(scan.Severities()) {
		if counts[severity] > 0 {
			words = append(words, fmt.Sprintf("%d %s", counts[severity], severity))
		}
	}
	if len(words) == 0 {
		return "none"
	}
	return strings.Join(words, ", ")
}

func passed(results []intoto.TestResult, skipped bool) string {
	if skipped {
		return "left out"
	}
	held := 0
	var failed []string
	for _, r := range results {
		if r.Passed {
			held++
		} else {
			failed = append(failed, r.Name)
		}
	}
	text := fmt.Sprintf("%d of %d", held, len(results))
	if len(failed) > 0 {
		text += ", not " + strings.Join(failed, ", ")
	}
	return text
}
