package main

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"slices"
	"text/tabwriter"
	"time"

	"github.com/spf13/cobra"

	"github.com/bakelite/bakelite/cmd/internal/compose"
	"github.com/bakelite/bakelite/internal/artifact"
	"github.com/bakelite/bakelite/internal/digests"
	"github.com/bakelite/bakelite/internal/fault"
	"github.com/bakelite/bakelite/internal/policy"
	"github.com/bakelite/bakelite/pipelines/look"
	"github.com/bakelite/bakelite/publish/attest"
)

// signerFlags name one signer on the command line, in place of the policy's.
type signerFlags struct{ key, issuer, subject string }

func (f *signerFlags) add(c *cobra.Command) {
	c.Flags().StringVar(&f.key, "public-key", "", "PEM file of the key that must have signed, in place of the policy's signers")
	c.Flags().StringVar(&f.issuer, "issuer", "", "URL of the OIDC issuer of the identity that must have signed, with --subject")
	c.Flags().StringVar(&f.subject, "subject", "", "the identity that must have signed")
}

// apply puts the signer of the flags in place of the policy's.
func (f signerFlags) apply(p policy.Policy) policy.Policy {
	signer := policy.Signer{Issuer: f.issuer, Subject: f.subject}
	if f.key != "" {
		p.Dir, signer.Key = filepath.Dir(f.key), filepath.Base(f.key)
	}
	if signer != (policy.Signer{}) {
		p.Verify.SignedBy, p.Verify.ReleasedBy = []policy.Signer{signer}, nil
	}
	return p
}

// askedFlags say what is asked of an artifact beside the policy.
type askedFlags struct{ app, kind, minVersion, since, policy, channel, record string }

func (f *askedFlags) add(c *cobra.Command) {
	c.Flags().StringVar(&f.app, "app", "", "the app that it must be, in place of what its name says")
	c.Flags().StringVar(&f.kind, "kind", "", "what it must be: container or disk")
	c.Flags().StringVar(&f.minVersion, "min-version", "", "the least version that it must have been published as")
	c.Flags().StringVar(&f.since, "since", "", "the day (2026-11-28, UTC) or time (RFC 3339) that it must not be made before")
	c.Flags().StringVar(&f.policy, "policy-digest", "", "digest of the policy that its verdict must be by")
	c.Flags().StringVar(&f.channel, "channel", "", "the channel that must lead to it, in place of the policy's verify.channel")
	c.Flags().StringVar(&f.record, "channel-record", "", "file with the channel's record, in place of the repository's")
	_ = c.RegisterFlagCompletionFunc("kind", cobra.FixedCompletions([]string{artifact.Container, artifact.Disk}, cobra.ShellCompDirectiveNoFileComp))
}

// read checks the flags.
func (f askedFlags) read() (asked look.Asked, err error) {
	asked = look.Asked{App: f.app, Kind: f.kind, MinVersion: f.minVersion}
	if f.kind != "" && f.kind != artifact.Container && f.kind != artifact.Disk {
		err = errors.Join(err, fault.New(fault.Invalid, "--kind %s: want container or disk", f.kind))
	}
	if f.minVersion != "" {
		if bad := attest.CheckVersion(f.minVersion); bad != nil {
			err = errors.Join(err, fmt.Errorf("--min-version: %w", bad))
		}
	}
	if f.policy != "" && !digests.Valid(f.policy) {
		err = errors.Join(err, fault.New(fault.Invalid, "--policy-digest %s: want sha256: and 64 hexadecimal digits", f.policy))
	}
	if f.since == "" {
		return asked, err
	}
	for _, form := range []string{time.DateOnly, time.RFC3339} {
		if at, bad := time.Parse(form, f.since); bad == nil {
			asked.Since = at
			return asked, err
		}
	}
	return asked, errors.Join(err, fault.New(fault.Invalid, "--since %s: want a day, such as 2026-11-28, or a time, such as 2026-11-28T12:00:00Z", f.since))
}

func verifyCommand() *cobra.Command {
	var by signerFlags
	var ask askedFlags
	var asJSON bool
	c := &cobra.Command{
		Use:   "verify REF|FILE",
		Short: "Ask of a published image what the policy asks",
		Long: `Verifies an image or a disk before it is run: who signed it, that an SBOM and
provenance from the expected builder and source are there, that the gate let it
through, that its scan report is young enough, that a disk file is the one that
was signed, and that it is the app and kind that its name says. REF is a
reference in a registry, or oci: and a layout folder; FILE is a disk with its
bundles beside it (FILE.sigstore.jsonl). All reasons to refuse are shown at
once. An older version of the same app passes where it is young enough: ask for
a version or a time with --min-version or --since, or for what a channel leads to
with --channel, where a reference without tag and digest is what it leads to.
What was revoked is refused, and so is a channel's record that is past its time
or older than one that was seen before.

The policy is what you name: by --policy, BAKELITE_POLICY, or a settings file
with --config or BAKELITE_CONFIG. A bakelite.yaml that lies in the folder does
not choose it.`,
		Example: "  bakelite verify --policy policy.yaml registry.example.com/team/web:1.4.2\n  bakelite verify --public-key bakelite.pub dist/web.qcow2",
		Args:    checked(cobra.ExactArgs(1)),
		RunE: func(c *cobra.Command, args []string) error {
			asked, err := ask.read()
			if err != nil {
				return err
			}
			return withFlows(c, by, []string{policyKey}, func(ctx context.Context, f compose.Flows, by policyInForce) error {
				if ask.policy != "" {
					f.Reader.Policy.Verify.Policies = []string{ask.policy}
				}
				v, err := ask.verify(ctx, f, args[0], asked)
				if err != nil {
					return err
				}
				return printSummary(os.Stdout, by, v, asJSON)
			})
		},
	}
	by.add(c)
	ask.add(c)
	c.Flags().BoolVar(&asJSON, "json", false, "print the result as JSON")
	return c
}

// lookAt finds what name names and hands it on with a reader and its policy.
func lookAt(c *cobra.Command, by signerFlags, name string, do func(context.Context, look.Reader, policyInForce, look.Target) error) error {
	return withReader(c, by, []string{policyKey}, func(ctx context.Context, r look.Reader, policy policyInForce) error {
		t, err := r.Find(ctx, name)
		if err != nil {
			return err
		}
		return do(ctx, r, policy, t)
	})
}

// policyKey and scannerKeys are the settings that looking commands judge by.
const policyKey = "policy"

func scannerKeys() []string { return []string{"scanner.database", "scanner.digest"} }

// withReader is withFlows for those that read.
func withReader(c *cobra.Command, by signerFlags, keys []string, do func(ctx context.Context, r look.Reader, policy policyInForce) error) error {
	return withFlows(c, by, keys, func(ctx context.Context, f compose.Flows, policy policyInForce) error {
		return do(ctx, f.Reader, policy)
	})
}

// withFlows does something about what was published, by the policy in force,
// which is shown, as it is before the flags' signer is put in it. It believes
// of keys only what was named.
func withFlows(c *cobra.Command, by signerFlags, keys []string, do func(ctx context.Context, f compose.Flows, policy policyInForce) error) error {
	s, err := loadNamed(c, keys...)
	if err != nil {
		return err
	}
	f, ctx, end, err := newFlows(c, s)
	if err != nil {
		return err
	}
	defer end()
	policy := inForce(f.Reader.Policy)
	fmt.Fprintf(c.ErrOrStderr(), "policy: %s\n", policy)
	f.Reader.Policy = by.apply(f.Reader.Policy)
	return do(ctx, f, policy)
}

// uncounted says what is attached besides, which others may have added.
func uncounted(s attest.Summary) []string { return slices.Concat(s.Untrusted, s.Broken) }

func printSummary(w io.Writer, by policyInForce, v verified, asJSON bool) error {
	t, s := v.target, v.summary
	if asJSON {
		return json.NewEncoder(w).Encode(map[string]any{
			"channel": v.leads(), "name": t.Name, "digest": s.Digest, "file": t.File, "app": s.App, "kind": s.Kind, "version": s.Version, "judgedBy": s.Policy,
			"signers": s.Signers, "judged": s.Judged, "scanned": s.Scanned, "ignored": s.Ignored, "uncounted": uncounted(s), "policy": by,
		})
	}
	fmt.Fprintf(w, "%s is what the policy asks for\n", t.Name)
	table := tabwriter.NewWriter(w, 0, 4, 2, ' ', 0)
	for _, row := range [][2]string{{"app", s.App}, {"kind", s.Kind}, {"version", s.Version}, {"judged by", s.Policy}} {
		if row[1] != "" {
			fmt.Fprintf(table, "%s\t%s\n", row[0], row[1])
		}
	}
	for _, signer := range s.Signers {
		fmt.Fprintf(table, "signed by\t%s\n", signer)
	}
	if c := v.leads(); c != nil {
		fmt.Fprintf(table, "channel\t%s, record %d, until %s, by %s\n", c.Channel, c.Sequence, c.NotAfter.Format("2006-01-02 15:04 MST"), c.Signer)
	}
	for _, v := range s.Statements {
		fmt.Fprintf(table, "stated\t%s\n", v.PredicateType)
	}
	for _, why := range uncounted(s) {
		fmt.Fprintf(table, "not counted\t%s\n", why)
	}
	if !s.Judged.IsZero() {
		fmt.Fprintf(table, "judged\t%s\n", s.Judged.UTC().Format("2006-01-02 15:04 MST"))
	}
	if !s.Scanned.IsZero() {
		fmt.Fprintf(table, "scanned\t%s\n", s.Scanned.UTC().Format("2006-01-02 15:04 MST"))
	}
	return table.Flush()
}
