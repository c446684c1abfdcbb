package base

import (
	"strings"
	"testing"
	"time"

	"github.com/bakelite/bakelite/internal/fault"
	"github.com/bakelite/bakelite/internal/policy"
	"github.com/bakelite/bakelite/internal/units"
)

// images returns a policy of base images.
func images(b policy.BaseImages) policy.Policy {
	return policy.Policy{Path: "p.yaml", Bases: policy.Bases{Images: b}}
}

func TestJudge(t *testing.T) {
	allow := images(policy.BaseImages{Allow: []string{"docker.io/library/debian", "quay.io/team/*"}})
	tests := []struct {
		name, ref string
		p         policy.Policy
		full      string // the reference in full
		reason    string // "" means allowed
		hint      string
	}{
		{"short", "debian" + digest, policy.Policy{}, "docker.io/library/debian" + digest, "", ""},
		{"tag and digest", "debian:13" + digest, policy.Policy{}, "docker.io/library/debian:13" + digest, "", ""},
		{"other name of the Hub", "registry-1.docker.io/library/debian" + digest, policy.Policy{}, "docker.io/library/debian" + digest, "", ""},
		{"host in capitals", "Docker.IO/debian" + digest, policy.Policy{}, "docker.io/library/debian" + digest, "", ""},
		{"port of https", "docker.io:443/debian" + digest, policy.Policy{}, "docker.io/library/debian" + digest, "", ""},
		{"tag alone", "debian:13", policy.Policy{}, "docker.io/library/debian:13", "not pinned", "add @sha256:"},
		{"tag allowed", "debian:13", images(policy.BaseImages{AllowTags: true}), "docker.io/library/debian:13", "", ""},
		{"nothing", "debian", policy.Policy{}, "docker.io/library/debian", "not pinned", ""},
		{"sha512", "debian@sha512:" + strings.Repeat("0", 128), policy.Policy{}, "docker.io/library/debian@sha512:" + strings.Repeat("0", 128), "only sha256", ""},
		{"allowed", "debian" + digest, allow, "docker.io/library/debian" + digest, "", ""},
		{"allowed below", "quay.io/team/a/b" + digest, allow, "quay.io/team/a/b" + digest, "", ""},
		{"beside the allowed", "quay.io/teammate/a" + digest, allow, "quay.io/teammate/a" + digest, "in none of the allowed", "add below bases.images.allow in p.yaml the line: - quay.io/teammate/a"},
		{"a pattern that ends in a word", "quay.io/teammate/a" + digest, images(policy.BaseImages{Allow: []string{"quay.io/team*"}}), "quay.io/teammate/a" + digest, "in none of the allowed", ""},
		{"not allowed", "nginx" + digest, allow, "docker.io/library/nginx" + digest, "in none of the allowed", "- docker.io/library/nginx"},
		{"like the allowed", "quay.io/te-am/a" + digest, allow, "quay.io/te-am/a" + digest, "looks like quay.io/team/a", "write quay.io/team/a"},
		{"official by policy", "nginx-official" + digest, images(policy.BaseImages{Official: []string{"docker.io/library/nginx-official"}}), "docker.io/library/nginx-official" + digest, "", ""},
		{"like what a policy adds", "registry.corp.exarnple/base/os" + digest, images(policy.BaseImages{Official: []string{"registry.corp.example/base/*"}}), "registry.corp.exarnple/base/os" + digest, "looks like registry.corp.example/base/os", "write registry.corp.example/base/os"},
		{"hint for a look-alike", "debain" + digest, policy.Policy{Path: "p.yaml"}, "docker.io/library/debain" + digest, "looks like", "add below bases.images.official in p.yaml the line: - docker.io/library/debain"},
		{"Cyrillic letter", "d\u0435bian" + digest, policy.Policy{}, "d\u0435bian" + digest, "looks like debian", "docker.io/library/debian"},
		{"full width", "ｄebian" + digest, policy.Policy{}, "ｄebian" + digest, "looks like debian", "docker.io/library/debian"},
		{"accent", "débian" + digest, policy.Policy{}, "débian" + digest, "looks like debian", "docker.io/library/debian"},
		{"zero width", "deb\u200bian" + digest, policy.Policy{}, "deb\u200bian" + digest, "looks like debian", "docker.io/library/debian"},
		{"slash that is none", "docker.io∕library/debian" + digest, policy.Policy{}, "docker.io∕library/debian" + digest, "looks like docker.io/library/debian", "docker.io/library/debian"},
		{"punycode", "xn--dcker-jua.io/debian" + digest, policy.Policy{}, "xn--dcker-jua.io/debian" + digest, "is the encoded form of \"d", ""},
		{"punycode below", "a.xn--80ak6aa92e.com/debian" + digest, policy.Policy{}, "a.xn--80ak6aa92e.com/debian" + digest, "encoded form", ""},
		{"user before host", "docker.io@evil.example/debian" + digest, policy.Policy{}, "docker.io@evil.example/debian" + digest, "an @ before", ""},
		{"user without digest", "docker.io@evil.example/debian", policy.Policy{}, "docker.io@evil.example/debian", "an @ before", ""},
		{"URL", "https://docker.io/debian", policy.Policy{}, "https://docker.io/debian", "is a URL", ""},
		{"space", "debian :13", policy.Policy{}, "debian :13", "holds a space", ""},
		{"empty", "", policy.Policy{}, "", "is empty", ""},
		{"long", strings.Repeat("a", 1025), policy.Policy{}, strings.Repeat("a", 1025), "longer than 1024", ""},
		{"capitals", "Debian" + digest, policy.Policy{}, "Debian" + digest, "must be lowercase", ""},
		{"capitals before a slash", "Someone/debian" + digest, policy.Policy{}, "Someone/debian" + digest, "lower case", ""},
		{"layout", "oci:base", policy.Policy{}, "oci:base", "", ""},
		{"layout, others allowed", "oci:base", allow, "oci:base", "in none of the allowed", "set bases.images.allowLayouts: true in p.yaml"},
		{"layout allowed", "oci:base", images(policy.BaseImages{Allow: []string{"quay.io/a"}, AllowLayouts: true}), "oci:base", "", ""},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			d := Judge(tt.ref, tt.p)
			if d.Allowed != (tt.reason == "") || !strings.Contains(strings.Join(d.Reasons, "; "), tt.reason) || d.Ref != tt.full {
				t.Errorf("%q allowed %v: %q, not %q", d.Ref, d.Allowed, d.Reasons, tt.reason)
			}
			if hint := fault.HintOf(d.Err()); !strings.Contains(hint, tt.hint) || !d.Allowed && hint == "" {
				t.Errorf("the hint is %q, not %q", hint, tt.hint)
			}
		})
	}
}

func TestJudgeGivesAllReasons(t *testing.T) {
	d := Judge("debain:13", images(policy.BaseImages{Allow: []string{"docker.io/library/debian"}}))
	if len(d.Reasons) != 2 {
		t.Errorf("got %q", d.Reasons)
	}
	if (Decision{}).Err() == nil {
		t.Error("a decision that nobody made lets a base in")
	}
}

// TestLookAlikeIsNotPinned: nothing that is said to be done makes the
// look-alike itself acceptable, but for naming it in the policy.
func TestLookAlikeIsNotPinned(t *testing.T) {
	const named = "; only if docker.io/library/debain is really meant, add below bases.images.official in p.yaml the line: - docker.io/library/debain"
	tags := images(policy.BaseImages{AllowTags: true})
	for ref, want := range map[string]struct {
		p     policy.Policy
		write string
	}{
		"debain":          {images(policy.BaseImages{}), "docker.io/library/debian@sha256:… with the digest of that image"},
		"debain:13":       {images(policy.BaseImages{}), "docker.io/library/debian:13@sha256:… with the digest of that image"},
		"debain" + digest: {images(policy.BaseImages{}), "docker.io/library/debian@sha256:… with the digest of that image"},
		"debain@sha512:" + strings.Repeat("0", 128): {images(policy.BaseImages{}), "docker.io/library/debian@sha256:… with the digest of that image"},
		"debain:trixie":        {tags, "docker.io/library/debian:trixie"},
		"debain:13.1" + digest: {tags, "docker.io/library/debian:13.1@sha256:… with the digest of that image"},
	} {
		if got := fault.HintOf(Judge(ref, want.p).Err()); got != "write "+want.write+named {
			t.Errorf("%s: %s", ref, got)
		}
	}
}

func TestJudgeFacts(t *testing.T) {
	now := time.Date(2026, 11, 24, 12, 0, 0, 0, time.UTC)
	key, other := policy.Signer{Key: "a.pub"}, policy.Signer{Issuer: "https://x.example", Subject: "y"}
	aged := images(policy.BaseImages{MaxAge: units.Duration(30 * 24 * time.Hour)})
	signed := images(policy.BaseImages{SignedBy: []policy.Signer{key, other}})
	ref := "debian" + digest
	tests := []struct {
		name, ref string
		facts     Facts
		p         policy.Policy
		reason    string
	}{
		{"nothing asked", ref, Facts{}, policy.Policy{}, ""},
		{"young", ref, Facts{Created: now.AddDate(0, 0, -29)}, aged, ""},
		{"exactly as old", ref, Facts{Created: now.AddDate(0, 0, -30)}, aged, ""},
		{"old", ref, Facts{Created: now.AddDate(0, 0, -31)}, aged, "was made on 2026-10-24"},
		{"no date", ref, Facts{}, aged, "does not say when"},
		{"the epoch", ref, Facts{Created: time.Unix(0, 0)}, aged, "does not say when"},
		{"from the future", ref, Facts{Created: now.Add(time.Hour)}, aged, "in the future"},
		{"clocks differ a little", ref, Facts{Created: now.Add(time.Minute)}, aged, ""},
		{"unsigned", ref, Facts{}, signed, "none of the signers that the policy names has signed it: key a.pub, y by https://x.example"},
		{"signed by the second", ref, Facts{Signed: []policy.Signer{other}}, signed, ""},
		{"signed by a stranger", ref, Facts{Signed: []policy.Signer{{Key: "b.pub"}}}, signed, "none of the signers"},
		{"layout unsigned", "oci:base", Facts{}, signed, "none of the signers"},
		{"layout allowed", "oci:base", Facts{}, images(policy.BaseImages{AllowLayouts: true, SignedBy: []policy.Signer{key}}), ""},
	}
	for _, tt := range tests {
		d := JudgeFacts(Judge(tt.ref, tt.p), tt.facts, tt.p, now)
		if d.Allowed != (tt.reason == "") || !strings.Contains(strings.Join(d.Reasons, "; "), tt.reason) {
			t.Errorf("%s: allowed %v: %q", tt.name, d.Allowed, d.Reasons)
		}
	}
	if d := JudgeFacts(Judge("debian", policy.Policy{}), Facts{Created: now}, aged, now); d.Allowed {
		t.Error("facts took a reason away")
	}
}

func TestJudgeArchives(t *testing.T) {
	p := policy.Policy{Bases: policy.Bases{Archives: []string{"debian", "debian-security"}}}
	if d := JudgeArchives([]string{"debian", "debian-security", "debian"}, p); !d.Allowed {
		t.Errorf("got %q", d.Reasons)
	}
	d := JudgeArchives([]string{"debian", "other", "another"}, p)
	if d.Allowed || len(d.Reasons) != 2 || !strings.Contains(fault.HintOf(d.Err()), "add below bases.archives in policy.yaml the line: - other") {
		t.Errorf("got %q, %q", d.Reasons, fault.HintOf(d.Err()))
	}
	if d := JudgeArchives([]string{"any"}, policy.Policy{}); !d.Allowed {
		t.Errorf("an empty policy refuses: %q", d.Reasons)
	}
}

// TestCatalogueIsClean holds the list to its form: each line once, as a policy
// would write it, and no name in it a look-alike of another by accident.
func TestCatalogueIsClean(t *testing.T) {
	c := newCatalogue(nil)
	seen := map[string]bool{}
	for _, pattern := range c.patterns {
		if seen[pattern] {
			t.Errorf("%s stands there twice", pattern)
		}
		seen[pattern] = true
	}
	p := images(policy.BaseImages{Official: c.patterns})
	p.APIVersion, p.Kind = policy.APIVersion, policy.Kind
	if problems := policy.Validate(p); len(problems) > 0 {
		t.Errorf("got %v", problems)
	}
	if len(c.images) < 170 || len(c.patterns) < 450 {
		t.Errorf("%d official images of %d names", len(c.images), len(c.patterns))
	}
}

func TestDistance(t *testing.T) {
	for _, tt := range []struct {
		a, b string
		want int
	}{{"", "", 0}, {"a", "", 1}, {"abc", "acb", 1}, {"ca", "abc", 3}, {"debian", "debain", 1}, {"abcdef", "abc", 3}, {"nginx", "ngnix", 1}} {
		if got := distance(tt.a, tt.b, 3); got != tt.want {
			t.Errorf("%s and %s: %d, not %d", tt.a, tt.b, got, tt.want)
		}
	}
}

// FuzzJudge: a decision for any text, always with a reason and a hint where
// it is against, and an allowed reference is read as the same one again.
func FuzzJudge(f *testing.F) {
	for _, ref := range []string{"debian" + digest, "oci:x", "a@b@c", "xn--/a", "://", "ｄ/b:c@d", "docker.io:443/a", "A/b", "[::1]:5000/x", "debain:1"} {
		f.Add(ref)
	}
	p := images(policy.BaseImages{AllowTags: true})
	f.Fuzz(func(t *testing.T, ref string) {
		for _, p := range []policy.Policy{{}, p} {
			d := Judge(ref, p)
			if d.Allowed != (len(d.Reasons) == 0) || d.Allowed != (len(d.Remedies) == 0) {
				t.Fatalf("%q: %+v", ref, d)
			}
			if !d.Allowed && (fault.KindOf(d.Err()) != fault.Policy || fault.HintOf(d.Err()) == "") {
				t.Fatalf("%q: %v", ref, d.Err())
			}
			if again := Judge(d.Ref, p); d.Allowed && (!again.Allowed || again.Ref != d.Ref) {
				t.Fatalf("%q: %q became %q %v", ref, d.Ref, again.Ref, again.Reasons)
			}
		}
	})
}
