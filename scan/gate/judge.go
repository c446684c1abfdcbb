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
// lock was there for, or nobody says what the app file asks for. A report that is missing, foreign, from the future or
// not what the lock says, and a failed test, fail in every mode.
func Judge(in Input) (Verdict, Passed, bool) {
	c := newEvaluator(in)
	v := Verdict{
		APIVersion: APIVersion, Kind: Kind, App: in.App, ArtifactKind: in.ArtifactKind, Subject: in.Digest,
		Policy: in.Policy.Digest(), Mode: c.policy.Gate.Mode, Judged: c.now, Database: databaseOf(in.Report, c.now),
		Rules: c.rules(in),
	}
	v.Waivers, v.Unused, v.Expired = c.waivers.lists()
	v.VEX = c.vex.used()
	v.Outcome = outcome(v.Rules, v.Mode)
	if v.Outcome == OutcomeFailed || in.Locked == nil || in.Asked == nil {
		return v, Passed{}, false
	}
	return v, Passed{digest: in.Digest, verdict: v.clone()}, true
}

// rules judges rule by rule, in the order of the verdict.
func (e *evaluator) rules(in Input) []Rule {
	report := e.report(in)
	rules := []Rule{report}
	if report.Outcome == Pass {
		rules = append(rules, e.unlocked(in), e.database(in.Report.Database), e.vulnerabilities(in.Report.Findings),
			e.secrets(in.Report.Secrets), e.packages(in.Report.Packages), e.licences(in.Report.Packages))
	} else {
		for _, name := range []string{
			policy.RuleUnlocked, policy.RuleDatabase, policy.RuleVulnerabilities, policy.RuleSecrets, policy.RulePackages, policy.RuleLicences,
		} {
			rules = append(rules, notAsked(name, "there is no report to judge"))
		}
	}
	return append(rules, e.altered(in), e.rights(in), e.hardening(in.Hardening), e.tests(in.Tests), e.expiry())
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

// evaluator holds what all rules share.
type evaluator struct {
	policy policy.Policy
	now    time.Time
	// updated is the date of the database behind the report.
	updated time.Time
	waivers *waivers
	vex     *statements
}

func newEvaluator(in Input) *evaluator {
	p := policy.WithDefaults(in.Policy)
	now := in.Now.UTC().Truncate(time.Second)
	return &evaluator{
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
