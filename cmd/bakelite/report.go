package main

import (
	"context"
	"errors"
	"os"
	"path/filepath"
	"slices"
	"strings"

	"github.com/spf13/cobra"

	"github.com/bakelite/bakelite/internal/fault"
	"github.com/bakelite/bakelite/internal/lock"
	"github.com/bakelite/bakelite/pipelines/look"
	"github.com/bakelite/bakelite/pipelines/pin"
	"github.com/bakelite/bakelite/scan/report"
)

func reportCommand() *cobra.Command {
	var by signerFlags
	var form, since string
	c := &cobra.Command{
		Use:   "report APP|REF|FILE",
		Short: "Write a page of what was tested, found and judged, for people to read",
		Long: `Writes one page of what was stated about an artifact: its verdict, what failed
with what to do about it, findings, hardening, tests, sizes, changes, and how to
verify and run it. Nothing is judged anew.

Of an app it is about the newest build, by what this machine's state folder
vouches for. Of a reference, layout or disk file it is about what is attached,
and says first whether the policy's signers vouch for it; the policy is what you
name, as for verify.

  html    one file that fetches nothing, of at most 500 kB
  json    all of it
  junit   rules, tests and controls, for continuous integration
  sarif   findings and controls that fail, for code scanning`,
		Example: "  bakelite report examples/web >report.html\n  bakelite report --since registry.example.com/team/web:1.4.1 registry.example.com/team/web >report.html",
		Args:    checked(cobra.ExactArgs(1)),
		RunE: func(c *cobra.Command, args []string) error {
			if !slices.Contains(report.Forms(), form) {
				return fault.New(fault.Invalid, "--format %s: want %s", form, strings.Join(report.Forms(), ", "))
			}
			p, err := reportOn(c, by, args[0], since)
			if err != nil {
				return err
			}
			return report.Write(os.Stdout, p, form)
		},
	}
	by.add(c)
	c.Flags().StringVar(&form, "format", "html", strings.Join(report.Forms(), ", "))
	c.Flags().StringVar(&since, "since", "", "an earlier version, a reference or file: what changed since is on the page")
	_ = c.RegisterFlagCompletionFunc("format", cobra.FixedCompletions(report.Forms(), cobra.ShellCompDirectiveNoFileComp))
	return c
}

// reportOn gathers what is to be said, and ends the display before anything is
// printed.
func reportOn(c *cobra.Command, by signerFlags, name, since string) (p report.Page, err error) {
	if isApp(name) {
		return reportOnApp(c, by, name, since)
	}
	err = withReader(c, by, []string{policyKey}, func(ctx context.Context, r look.Reader, _ policyInForce) (err error) {
		p, err = r.Report(ctx, name, since)
		return err
	})
	return p, err
}

// isApp says whether a name is that of an app: a folder that is no layout, or
// a YAML file.
func isApp(name string) bool {
	info, err := os.Stat(name)
	if err != nil {
		return false
	}
	if info.IsDir() {
		_, err = os.Stat(filepath.Join(name, "oci-layout"))
		return err != nil
	}
	return slices.Contains([]string{".yaml", ".yml"}, filepath.Ext(name))
}

func reportOnApp(c *cobra.Command, by signerFlags, name, since string) (report.Page, error) {
	a, err := oneApp([]string{name})
	if err != nil {
		return report.Page{}, err
	}
	if since != "" { // which others may have made
		if _, err := loadNamed(c, policyKey); err != nil {
			return report.Page{}, err
		}
	}
	s, err := load(c)
	if err != nil {
		return report.Page{}, err
	}
	f, ctx, end, err := newFlows(c, s)
	if err != nil {
		return report.Page{}, err
	}
	defer end()
	l, err := lock.Read(pin.Path(a))
	if err != nil && !errors.Is(err, os.ErrNotExist) {
		return report.Page{}, err
	}
	f.Reader.Policy = by.apply(f.Reader.Policy)
	return f.Reader.ReportBuilt(ctx, f.Baker.Folder, a.Name, nameOf(a), l, since)
}
