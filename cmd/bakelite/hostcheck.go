package main

import (
	"context"
	"encoding/json"
	"fmt"
	"io"
	"os"
	"slices"
	"strings"
	"time"

	"github.com/spf13/cobra"
	"golang.org/x/term"

	"github.com/bakelite/bakelite/internal/fault"
	"github.com/bakelite/bakelite/pipelines/look"
	"github.com/bakelite/bakelite/scan"
	"github.com/bakelite/bakelite/scan/controls"
	"github.com/bakelite/bakelite/scan/gate"
	"github.com/bakelite/bakelite/scan/host"
	"github.com/bakelite/bakelite/scan/show"
	"github.com/bakelite/bakelite/scan/tree"
)

// hostChecked is the form of host-check --format json.
type hostChecked struct {
	Root    string         `json:"root"`
	Score   controls.Score `json:"score"`
	Results []host.Result  `json:"results"`
	// Rule is what the policy says of the results.
	Rule gate.Rule `json:"rule"`
}

type hostOptions struct {
	root, form string
	sockets    []string
	level      int
	judge      bool
}

func hostCheckCommand() *cobra.Command {
	var o hostOptions
	c := &cobra.Command{
		Use:   "host-check",
		Short: "Show how a machine that runs containers is secured, by the CIS Docker Benchmark",
		Long: `Judges the host, the daemon, its files and the containers that run, by what a
program can read of the CIS Docker Benchmark v1.6.0 (sections 1, 2, 3 and 5), for
Docker, containerd and Podman, and says what to change. It changes nothing: files
are read, and an engine that listens is asked with GET alone. What cannot be read
fails; run it as root.

With --judge the exit code is 6 where a control fails that the policy requires:
all of level 1, where no policy says otherwise. Waivers of the policy let through
what they name, as CIS-DOCKER-2.13, with a reason, an owner and a last day.`,
		Example: "  sudo bakelite host-check\n  sudo bakelite host-check --judge --policy policy.yaml --format junit >host.xml",
		Args:    checked(cobra.NoArgs), ValidArgsFunction: cobra.NoFileCompletions,
		RunE: func(c *cobra.Command, _ []string) error {
			if !slices.Contains(hostForms(), o.form) || o.level < 1 || o.level > 2 {
				return fault.New(fault.Invalid, "--format %s --level %d: want %s, and 1 or 2", o.form, o.level, strings.Join(hostForms(), ", "))
			}
			if o.root != "/" && !c.Flags().Changed("socket") {
				o.sockets = nil // those of this machine are not its
			}
			found, err := checkHost(c, o)
			if err != nil {
				return err
			}
			if err := writeHost(os.Stdout, found, o.form); err != nil || !o.judge || found.Rule.Outcome != gate.Fail {
				return err
			}
			return gate.Verdict{App: "this machine", ArtifactKind: "host", Rules: []gate.Rule{found.Rule}, Outcome: gate.OutcomeFailed}.Err()
		},
	}
	c.Flags().StringVar(&o.form, "format", "table", strings.Join(hostForms(), ", "))
	c.Flags().IntVar(&o.level, "level", 2, "the highest level of the controls to check: 1 or 2")
	c.Flags().BoolVar(&o.judge, "judge", false, "also judge by the policy, exit code 6 where it fails")
	c.Flags().StringVar(&o.root, "root", "/", "the folder that the machine's files are in")
	c.Flags().StringArrayVar(&o.sockets, "socket", host.Sockets(), "socket of an engine, again for more")
	_ = c.RegisterFlagCompletionFunc("format", cobra.FixedCompletions(hostForms(), cobra.ShellCompDirectiveNoFileComp))
	return c
}

func hostForms() []string { return []string{"table", "json", "junit", "sarif"} }

func checkHost(c *cobra.Command, o hostOptions) (found hostChecked, err error) {
	all, err := host.Load()
	if err != nil {
		return found, err
	}
	root, err := tree.OpenFolder(o.root)
	if err != nil {
		return found, fault.As(fault.Missing, fmt.Errorf("opening the machine's root: %w", err))
	}
	defer root.Close()
	err = withReader(c, signerFlags{}, []string{policyKey}, func(ctx context.Context, r look.Reader, _ policyInForce) error {
		results := host.Judge(ctx, host.Machine{Tree: root, Sockets: o.sockets}, all, o.level)
		plain := host.Controls(results)
		rule := gate.Hardening(gate.Input{App: "host", Hardening: plain, Policy: r.Policy, Now: time.Now()})
		found = hostChecked{Root: o.root, Score: controls.ScoreOf(plain), Results: results, Rule: rule}
		return ctx.Err()
	})
	return found, err
}

func writeHost(w io.Writer, found hostChecked, form string) error {
	switch form {
	case "json":
		return json.NewEncoder(w).Encode(found)
	case "junit":
		suite := show.Suite{Name: "host"}
		for _, r := range found.Results {
			one := show.Case{Name: r.ID + " " + r.Title}
			if !r.Passed {
				one.Failure = r.Detail + ". " + r.Fix
			} else if r.NotApplicable {
				one.Skipped = r.Detail
			}
			suite.Cases = append(suite.Cases, one)
		}
		return show.JUnit(w, []show.Suite{suite})
	case "sarif":
		checks := show.Checks{Kind: "host", Ref: found.Root}
		for _, r := range found.Results {
			severity := map[int]string{1: scan.High, 2: scan.Medium}[r.Level]
			checks.All = append(checks.All, show.Check{ID: r.ID, Title: r.Title, Passed: r.Passed, Severity: severity, Message: r.Detail, Place: r.Place, Fix: r.Fix})
		}
		return show.SARIF(w, nil, show.Options{App: "host", Checks: []show.Checks{checks}})
	}
	return hostTable(w, found)
}

// hostTable has what fails first, each with what to do.
func hostTable(w io.Writer, found hostChecked) error {
	width, _, _ := term.GetSize(int(os.Stdout.Fd())) // 0 where there is no terminal
	if err := show.Controls(w, host.Controls(found.Results), show.Options{Width: width}); err != nil {
		return err
	}
	title := "\nto change:\n"
	for _, r := range found.Results {
		if r.Passed {
			continue
		}
		if _, err := fmt.Fprintf(w, "%s  %s: %s\n", title, r.ID, r.Fix); err != nil {
			return fmt.Errorf("writing result: %w", err)
		}
		title = ""
	}
	return nil
}
