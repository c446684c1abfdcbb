package main

import (
	"context"

	"github.com/spf13/cobra"

	"github.com/bakelite/bakelite/cmd/internal/compose"
	"github.com/bakelite/bakelite/cmd/internal/settings"
	"github.com/bakelite/bakelite/internal/app"
	"github.com/bakelite/bakelite/internal/digests"
	"github.com/bakelite/bakelite/internal/fault"
	"github.com/bakelite/bakelite/pipelines/bake"
	"github.com/bakelite/bakelite/pipelines/release"
	"github.com/bakelite/bakelite/pipelines/results"
)

func publishCommand() *cobra.Command {
	var o bake.Options
	var p release.Options
	var asJSON bool
	var target string
	c := &cobra.Command{
		Use:   "publish [APP...]",
		Short: "Bake, scan, judge, sign and publish an app's images",
		Long: `Bakes each app as build does, then reads what is in both images (Trivy, in a
process without keys or network), judges it by the policy, and signs each
image with its SBOM, provenance, scan report, verdict, test results and lock.
Only then does it send them to the registry, by digest, and move the names
last. Where the policy fails nothing is sent; report and verdict stay beside
the images. Running the same command again finishes what was interrupted, and
does nothing where all is there.

What the output folder holds counts where the state folder's own key vouches for
it. With --receipt nothing is baked: what another machine made, and put into the
output folder with its receipt, is compared with that receipt byte by byte. Get
the digest by a way that who can write to the folder cannot write to.`,
		Example: "  bakelite publish --key cosign.key --registry registry.example.com/team web\n  bakelite publish --keyless --version 1.4.2 web",
		RunE: func(c *cobra.Command, paths []string) error {
			var err error
			if o.Targets, err = targetsOf(target); err != nil {
				return err
			}
			if o.Receipt != "" && !digests.Valid(o.Receipt) {
				return fault.New(fault.Invalid, "--receipt %s: want sha256: and 64 hexadecimal digits", o.Receipt)
			}
			return bakeAll(c, paths, asJSON, &p, func(ctx context.Context, f compose.Flows, a app.App, s *settings.Settings) (*results.Built, error) {
				o := o
				o.Frozen = s.Frozen || o.Receipt != ""
				return line(f).Publish(ctx, a, o, p)
			})
		},
	}
	buildFlags(c, &o, &target, &asJSON)
	publishFlags(c, &p)
	c.Flags().StringVar(&o.Receipt, "receipt", "", "bake nothing: publish what a build elsewhere made, whose receipt has this digest (build --json tells it)")
	return c
}

func publishFlags(c *cobra.Command, p *release.Options) {
	c.Flags().StringVar(&p.Version, "version", "", "a tag that is set once and never moves")
	c.Flags().BoolVar(&p.ContainerDisk, "containerdisk", false, "also publish the disk as KubeVirt boots it, as APP-containerdisk")
}
