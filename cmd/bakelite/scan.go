package main

import (
	"context"
	"fmt"
	"os"

	"github.com/spf13/cobra"
	"golang.org/x/term"

	"github.com/bakelite/bakelite/internal/fault"
	"github.com/bakelite/bakelite/pipelines/look"
	"github.com/bakelite/bakelite/scan"
	"github.com/bakelite/bakelite/scan/show"
)

func scanCommand() *cobra.Command {
	var by signerFlags
	var format string
	var judge bool
	c := &cobra.Command{
		Use:   "scan TARGET",
		Short: "Show what is known to be wrong with an image, disk, folder or SBOM",
		Long: `Compares the packages of TARGET with the database of vulnerabilities and looks
for secrets. TARGET is a disk that Bakelite made, a layout folder, a folder, an
SBOM (CycloneDX or SPDX, a .json file), or a reference in a registry. Content is
read by a process of its own, without keys, credentials and network.

What was published with an SBOM that the policy's signers vouch for is not
fetched: the SBOM is compared, which takes no time.

Policy and database are what you name; a bakelite.yaml that lies in the folder
does not choose them.`,
		Example: "  bakelite scan dist/web.qcow2\n  bakelite scan --format sarif dist/web.oci >findings.sarif\n  bakelite scan --judge --policy policy.yaml registry.example.com/team/web",
		Args:    checked(cobra.ExactArgs(1)),
		RunE: func(c *cobra.Command, args []string) error {
			write, ok := scanFormats()[format]
			if !ok {
				return fault.New(fault.Invalid, "--format %s: want table, json, sarif, cyclonedx or spdx", format)
			}
			seen, err := scanTarget(c, by, args[0])
			if err != nil {
				return err
			}
			if err := write(seen, args[0]); err != nil || !judge {
				return err
			}
			if err := show.Verdict(os.Stderr, seen.Verdict, show.Options{}); err != nil {
				return err
			}
			return seen.Verdict.Err()
		},
	}
	by.add(c)
	c.Flags().StringVar(&format, "format", "table", "table, json, sarif, cyclonedx or spdx")
	c.Flags().BoolVar(&judge, "judge", false, "also judge by the policy, exit code 6 where it fails; tests and hardening are known of what was published")
	_ = c.RegisterFlagCompletionFunc("format", cobra.FixedCompletions([]string{"table", "json", "sarif", "cyclonedx", "spdx"}, cobra.ShellCompDirectiveNoFileComp))
	return c
}

// scanTarget scans the target, and ends the display before anything is printed.
func scanTarget(c *cobra.Command, by signerFlags, target string) (seen look.Seen, err error) {
	err = withReader(c, by, append(scannerKeys(), policyKey), func(ctx context.Context, r look.Reader, _ policyInForce) (err error) {
		seen, err = r.Scan(ctx, target)
		return err
	})
	return seen, err
}

// scanFormats are the forms of a scan's result on stdout.
func scanFormats() map[string]func(seen look.Seen, target string) error {
	reports := func(s look.Seen) []scan.Report { return []scan.Report{s.Report} }
	return map[string]func(look.Seen, string) error{
		"table": func(s look.Seen, _ string) error {
			width, _, err := term.GetSize(int(os.Stdout.Fd()))
			if err != nil {
				width = 0
			}
			return show.Table(os.Stdout, reports(s), show.Options{Width: width})
		},
		"json": func(s look.Seen, _ string) error { return show.JSON(os.Stdout, reports(s)) },
		"sarif": func(s look.Seen, target string) error {
			return show.SARIF(os.Stdout, reports(s), show.Options{Refs: map[string]string{s.Report.Subject: target}})
		},
		"cyclonedx": func(s look.Seen, _ string) error {
			_, err := fmt.Printf("%s\n", s.CycloneDX)
			return err
		},
		"spdx": func(s look.Seen, _ string) error {
			_, err := fmt.Printf("%s\n", s.SPDX)
			return err
		},
	}
}
