package docs_test

import (
	"regexp"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/bakelite/bakelite/scan/controls"

	"github.com/bakelite/bakelite/internal/fault"
	"github.com/bakelite/bakelite/internal/policy"
	"github.com/bakelite/bakelite/internal/policy/base"
	"github.com/bakelite/bakelite/pipelines/look"
	"github.com/bakelite/bakelite/scan"
	"github.com/bakelite/bakelite/scan/gate"
)

// TestTourShowsRefusals compares each refusal of the tour, but for digests and
// for what the commands put before and after it, with what is refused today.
func TestTourShowsRefusals(t *testing.T) {
	said := undated(strings.Join([]string{lookAlike(), unsignedBase(), secret(), unsignedFile(t)}, "\n"))
	tour := undated(read(t, "tour.md"))
	for line := range strings.Lines(said) {
		if !strings.Contains(tour, strings.TrimSuffix(line, "\n")+"\n") {
			t.Errorf("the tour does not show: %s", line)
		}
	}
	shown := regexp.MustCompile(`(?m)^(bakelite: |  next: ).*`).FindAllString(tour, -1)
	for _, line := range shown {
		if !slices.ContainsFunc(strings.Split(said, "\n"), func(one string) bool { return one != "" && strings.HasSuffix(line, one) }) {
			t.Errorf("nobody is refused like this: %s", line)
		}
	}
	if len(shown) < 8 {
		t.Errorf("the tour shows %d lines of refusals", len(shown))
	}
}

func undated(text string) string {
	return regexp.MustCompile(`sha256:[0-9a-f]{64}`).ReplaceAllString(text, "sha256:0")
}

// told is an error as the commands show it, without what they put before it.
func told(err error) string { return err.Error() + "\n" + fault.HintOf(err) }

func lookAlike() string {
	return told(base.Judge("docker.io/library/debain:trixie", policy.Policy{}).Err())
}

func unsignedBase() string {
	p := policy.Policy{Path: "team/policy.yaml"}
	p.Bases.Images.SignedBy = []policy.Signer{{Key: "team.pub"}}
	judged := base.Judge("oci:child/base@sha256:"+strings.Repeat("0", 64), p)
	return told(base.JudgeFacts(judged, base.Facts{}, p, time.Now()).Err())
}

func secret() string {
	digest := "sha256:" + strings.Repeat("0", 64)
	found := scan.Secret{Rule: "private-key", Severity: scan.High, Path: "/srv/web/handbook/sample.pem", Line: 2, Title: "Asymmetric Private Key"}
	system := scan.OS{Family: "debian", Name: "13"}
	packages := []scan.Package{{Type: system.Family, Name: "libc6", Version: "1", Arch: "amd64"}}
	v, _, _ := gate.Judge(gate.Input{
		App: "shop", ArtifactKind: "container", Digest: digest, Now: time.Now(),
		Report: &scan.Report{
			APIVersion: scan.APIVersion, Kind: "Report", Subject: digest, ArtifactKind: "container", Scanned: time.Now(),
			OS: system, Packages: packages, Secrets: []scan.Secret{found},
		},
		Asked: &controls.Asked{}, Locked: &gate.Locked{Distribution: system, Packages: packages},
	})
	v.Rules = slices.DeleteFunc(v.Rules, func(r gate.Rule) bool { return r.Name != policy.RuleSecrets })
	return told(v.Err())
}

func unsignedFile(t *testing.T) string {
	_, err := look.Reader{}.Verify(t.Context(), look.Target{Path: "team.pub"}, look.Asked{})
	return told(err)
}
