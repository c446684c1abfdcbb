package main

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"text/tabwriter"

	"github.com/spf13/cobra"

	"github.com/bakelite/bakelite/cmd/internal/compose"
	"github.com/bakelite/bakelite/cmd/internal/settings"
	"github.com/bakelite/bakelite/internal/app"
	"github.com/bakelite/bakelite/internal/artifact"
	"github.com/bakelite/bakelite/internal/fault"
	"github.com/bakelite/bakelite/pipelines/bake"
	"github.com/bakelite/bakelite/pipelines/release"
	"github.com/bakelite/bakelite/pipelines/results"
	"github.com/bakelite/bakelite/runners/probe"
)

func buildCommand() *cobra.Command {
	var o bake.Options
	var asJSON bool
	var target string
	c := &cobra.Command{
		Use:   "build [APP...]",
		Short: "Bake an app's container image and disk, and test both",
		Long: `Bakes the images of each app file (a file, or a folder with an app.yaml; the
working folder by default). The lock beside the app file decides the packages;
where there is none, or the app file asks for others, it is written. Nothing
gets its final name before the declared tests have passed.`,
		Example: "  bakelite build examples/web\n  bakelite build --target container --json examples/web",
		RunE: func(c *cobra.Command, paths []string) error {
			var err error
			if o.Targets, err = targetsOf(target); err != nil {
				return err
			}
			return bakeAll(c, paths, asJSON, nil, func(ctx context.Context, f compose.Flows, a app.App, s *settings.Settings) (*results.Built, error) {
				o := o
				o.Frozen = s.Frozen
				return f.Baker.Build(ctx, a, o)
			})
		},
	}
	buildFlags(c, &o, &target, &asJSON)
	return c
}

func buildFlags(c *cobra.Command, o *bake.Options, target *string, asJSON *bool) {
	c.Flags().StringVar(target, "target", "", "make one kind only: container or disk")
	c.Flags().BoolVar(&o.SkipTests, "skip-tests", false, "leave the declared tests out; the receipt says so")
	c.Flags().BoolVar(asJSON, "json", false, "print the result as JSON on stdout, one object per app")
	rollbackFlag(c, &o.Rollback)
	_ = c.RegisterFlagCompletionFunc("target", cobra.FixedCompletions([]string{artifact.Container, artifact.Disk}, cobra.ShellCompDirectiveNoFileComp))
}

func targetsOf(target string) ([]string, error) {
	switch target {
	case "":
		return nil, nil
	case artifact.Container, artifact.Disk:
		return []string{target}, nil
	}
	return nil, fault.New(fault.Invalid, "--target %s: want container or disk", target)
}

// making makes one app's artifacts.
type making func(ctx context.Context, f compose.Flows, a app.App, s *settings.Settings) (*results.Built, error)

// bakeAll bakes each app and prints the results, in the order in which they
// are done. Nothing is baked where it could not be published as asked, which p
// says unless it is nil.
func bakeAll(c *cobra.Command, paths []string, asJSON bool, p *release.Options, do making) error {
	s, err := load(c)
	if err != nil {
		return err
	}
	if p != nil {
		if err := errors.Join(p.Check(), compose.CheckDestination(s), compose.CheckSigner(s)); err != nil {
			return err
		}
	}
	bakeOne := func(ctx context.Context, f compose.Flows, a app.App, out io.Writer) error {
		built, err := do(ctx, f, a, s)
		if err != nil {
			return err
		}
		var judgedBy *policyInForce
		if p != nil {
			by := inForce(f.Publisher.Policy)
			judgedBy = &by
		}
		return printResult(out, built, judgedBy, asJSON)
	}
	return round{settings: s, paths: paths, logged: true, do: bakeOne}.eachApp(c.Context())
}

// result is the form of --json; docs/json.md describes it.
type result struct {
	App        string              `json:"app"`
	LockDigest string              `json:"lockDigest"`
	Rebuilt    bool                `json:"rebuilt"`
	Changes    []change            `json:"changes,omitempty"`
	Artifacts  []artifact.Artifact `json:"artifacts"`
	Tests      []probe.Result      `json:"tests"`
	Steps      any                 `json:"steps"`
	// Receipt is the digest of the receipt's file, for publish --receipt.
	Receipt   string        `json:"receipt"`
	Published []publication `json:"published,omitempty"`
	// Policy is what was judged by, where publishing was asked for.
	Policy *policyInForce `json:"policy,omitempty"`
}

// publication is one artifact that was published.
type publication struct {
	results.Publication
	// Again says that it was all there already.
	Again bool `json:"again"`
}

type change struct {
	Package string `json:"package"`
	From    string `json:"from,omitempty"`
	To      string `json:"to,omitempty"`
	// Downgrade says that To is older.
	Downgrade bool `json:"downgrade,omitempty"`
}

func printResult(w io.Writer, b *results.Built, judgedBy *policyInForce, asJSON bool) error {
	if asJSON {
		r := jsonResult(b)
		r.Policy = judgedBy
		return json.NewEncoder(w).Encode(r)
	}
	if !b.Rebuilt {
		fmt.Fprintf(w, "%s is up to date\n", b.App)
	}
	table := tabwriter.NewWriter(w, 0, 4, 2, ' ', 0)
	for _, a := range b.Artifacts {
		fmt.Fprintf(table, "%s\t%s\t%.1f MB\t%s\t%s\n", a.Kind, a.Format, float64(a.Size)/1e6, a.Digest, a.Path)
	}
	for _, p := range b.Published {
		word := "published"
		if b.Again {
			word = "is there"
		}
		fmt.Fprintf(table, "%s\t%s\t%.1f MB\t%s\t%s\n", p.Kind, word, float64(p.Uploaded)/1e6, p.Verdict, p.Ref)
	}
	if judgedBy != nil {
		fmt.Fprintf(table, "policy\t%s\n", judgedBy)
	}
	return table.Flush()
}

func jsonResult(b *results.Built) result {
	r := result{
		App: b.App, LockDigest: b.LockDigest, Rebuilt: b.Rebuilt, Artifacts: b.Artifacts, Tests: []probe.Result{}, Steps: b.Steps,
		Receipt: b.Digest(),
	}
	for _, kind := range []string{artifact.Container, artifact.Disk} {
		r.Tests = append(r.Tests, b.Tests[kind].Results...)
	}
	for _, p := range b.Published {
		r.Published = append(r.Published, publication{p, b.Again})
	}
	for _, ch := range b.Changes {
		r.Changes = append(r.Changes, change{Package: ch.Package, From: ch.From, To: ch.To, Downgrade: ch.Downgrade})
	}
	return r
}
