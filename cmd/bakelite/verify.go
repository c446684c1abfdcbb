package main

import (
	"encoding/json"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"slices"
	"text/tabwriter"

	"github.com/spf13/cobra"

	"github.com/bakelite/bakelite/internal/policy"
	"github.com/bakelite/bakelite/pipelines"
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
		p.Verify.SignedBy = []policy.Signer{signer}
	}
	return p
}

func verifyCommand() *cobra.Command {
	var by signerFlags
	var asJSON bool
	c := &cobra.Command{
		Use:   "verify REF|FILE",
		Short: "Ask of a published image what the policy asks",
		Long: `Verifies an image or a disk before it is run: who signed it, that an SBOM and
provenance from the expected builder and source are there, that the gate let it
through, that its scan report is young enough, and that a disk file is the one
that was signed. REF is a reference in a registry, or oci: and a layout folder;
FILE is a disk with its bundles beside it (FILE.sigstore.jsonl). All reasons to
refuse are shown at once.

The policy is what you name: by --policy, BAKELITE_POLICY, or a settings file
with --config or BAKELITE_CONFIG. A bakelite.yaml that lies in the folder does
not choose it.`,
		Example: "  bakelite verify --policy policy.yaml registry.example.com/team/web:1.4.2\n  bakelite verify --public-key bakelite.pub dist/web.qcow2",
		Args:    checked(cobra.ExactArgs(1)),
		RunE: func(c *cobra.Command, args []string) error {
			return lookAt(c, by, args[0], func(k pipelines.Kitchen, by policyInForce, t pipelines.Target) error {
				summary, err := k.Verify(c.Context(), t)
				if err != nil {
					return err
				}
				return printSummary(os.Stdout, t, by, summary, asJSON)
			})
		},
	}
	by.add(c)
	c.Flags().BoolVar(&asJSON, "json", false, "print the result as JSON")
	return c
}

// lookAt finds what name names and hands it on with a kitchen and its policy.
func lookAt(c *cobra.Command, by signerFlags, name string, do func(pipelines.Kitchen, policyInForce, pipelines.Target) error) error {
	k, policy, err := lookKitchen(c, by, policyKey)
	if err != nil {
		return err
	}
	defer k.Progress.Close()
	t, err := k.Find(c.Context(), name)
	if err != nil {
		return err
	}
	return do(k, policy, t)
}

// policyKey and scannerKeys are the settings that looking commands judge by.
const policyKey = "policy"

func scannerKeys() []string { return []string{"scanner.database", "scanner.digest"} }

// lookKitchen is a kitchen for commands that look at what was published, and
// the policy that they judge by, which it shows, before the flags' signer is
// put in it. They believe of keys only what was named.
func lookKitchen(c *cobra.Command, by signerFlags, keys ...string) (pipelines.Kitchen, policyInForce, error) {
	s, err := loadNamed(c, keys...)
	if err != nil {
		return pipelines.Kitchen{}, policyInForce{}, err
	}
	k, err := newKitchen(s, os.Stderr)
	if err != nil {
		return k, policyInForce{}, err
	}
	policy := inForce(k.Policy)
	fmt.Fprintf(c.ErrOrStderr(), "policy: %s\n", policy)
	k.Policy = by.apply(k.Policy)
	return k, policy, nil
}

// uncounted says what is attached besides, which others may have added.
func uncounted(s attest.Summary) []string { return slices.Concat(s.Strangers, s.Broken) }

func printSummary(w io.Writer, t pipelines.Target, by policyInForce, s attest.Summary, asJSON bool) error {
	if asJSON {
		return json.NewEncoder(w).Encode(map[string]any{
			"name": t.Name, "digest": s.Digest, "file": t.File, "signers": s.Signers, "judged": s.Judged, "scanned": s.Scanned, "ignored": s.Ignored,
			"uncounted": uncounted(s),
			"policy":    by,
		})
	}
	fmt.Fprintf(w, "%s is what the policy asks for\n", t.Name)
	table := tabwriter.NewWriter(w, 0, 4, 2, ' ', 0)
	for _, signer := range s.Signers {
		fmt.Fprintf(table, "signed by\t%s\n", signer)
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
