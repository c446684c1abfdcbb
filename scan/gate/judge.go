package gate

import (
	"slices"
	"time"

	"github.com/bakelite/bakelite/internal/policy"
	"github.com/bakelite/bakelite/scan"
)

// Judge says whether an artifact may be published, and makes the proof where
// it may. The proof is there for verdicts that passed and for those that a
// report-only policy lets through, which Outcome tells apart, but for what no
// lock was there for. A report that is missing, foreign, from the future or
// not what the lock says, and a failed test, fail in every mode.
func Judge(in Input) (Verdict, Passed, bool) {
	c := newCourt(in)
	v := Verdict{
		APIVersion: APIVersion, Kind: Kind, App: in.App, ArtifactKind: in.ArtifactKind, Subject: in.Digest,
		Policy: in.Policy.Digest(), Mode: c.policy.Gate.Mode, Judged: c.now, Database: databaseOf(in.Report, c.now),
		Rules: c.rules(in),
	}
	v.Waivers, v.Unused, v.Expired = c.waivers.lists()
	v.VEX = c.vex.used()
	v.Outcome = outcome(v.Rules, v.Mode)
	if v.Outcome == OutcomeFailed || in.Locked == nil {
		return v, Passed{}, false
	}
	return v, Passed{digest: in.Digest, verdict: v.clone()}, true
}

// rules judges rule by rule, in the order of the verdict.
func (c *court) rules(in Input) []Rule {
	report := c.report(in)
	rules := []Rule{report}
	if report.Outcome == Pass {
		rules = append(rules, c.unlocked(in), c.database(in.Report.Database), c.vulnerabilities(in.Report.Findings),
			c.secrets(in.Report.Secrets), c.packages(in.Report.Packages), c.licences(in.Report.Packages))
	} else {
		for _, name := range []string{
			policy.RuleUnlocked, policy.RuleDatabase, policy.RuleVulnerabilities, policy.RuleSecrets, policy.RulePackages, policy.RuleLicences,
		} {
			rules = append(rules, notAsked(name, "there is no report to judge"))
		}
	}
	return append(rules, c.hardening(in.Hardening), c.tests(in.Tests), c.expiry())
}

func outcome(rules []Rule, mode string) string {
	failed := slices.ContainsFunc(rules, func(r Rule) bool { return r.Outcome == Fail })
	hard := slices.ContainsFunc(rules, func(r Rule) bool { return r.Outcome == Fail && r.hard })
	switch {
	case !failed:
		return OutcomePassed
	case mode == policy.ReportOnly && !hard:
		return OutcomeReported
	}
	return OutcomeFailed
}

// court holds what all rules share.
type court struct {
	policy policy.Policy
	now    time.Time
	// updated is the date of the database behind the report.
	updated time.Time
	waivers *waivers
	vex     *statements
}

func newCourt(in Input) *court {
	p := policy.WithDefaults(in.Policy)
	now := in.Now.UTC().Truncate(time.Second)
	return &court{
		policy: p, now: now, updated: databaseOf(in.Report, now).Updated,
		waivers: newWaivers(p.Waivers, in.App, now),
		vex:     newStatements(in, now),
	}
}

func databaseOf(r *scan.Report, now time.Time) Database {
	if r == nil {
		return Database{}
	}
	updated := r.Database.Updated.UTC()
	return Database{Digest: r.Database.Digest, Updated: updated, AgeSeconds: int64(now.Sub(updated) / time.Second)}
}
