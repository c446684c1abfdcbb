package attest

import (
	"encoding/json"
	"slices"
	"strings"
	"time"

	"github.com/bakelite/bakelite/internal/fault"
	"github.com/bakelite/bakelite/internal/policy"
	"github.com/bakelite/bakelite/publish/intoto"
	"github.com/bakelite/bakelite/scan/gate"
)

// judgeProvenance asks every provenance for the builder and the source: two
// that disagree are no answer.
func (s *Summary) judgeProvenance(r *refusal, want policy.Verify) {
	all := s.of(intoto.ProvenanceType)
	if len(all) == 0 {
		r.add(fault.Policy, "there is no provenance (%s) by an allowed signer", intoto.ProvenanceType)
	}
	for _, v := range all {
		var p intoto.Provenance
		if err := json.Unmarshal(v.Predicate, &p); err != nil {
			r.add(fault.Policy, "the provenance cannot be read: %v", err)
			continue
		}
		if got := p.RunDetails.Builder.ID; want.Builder != "" && got != want.Builder {
			r.add(fault.Policy, "the provenance names the builder %q, not %q", got, want.Builder)
		}
		if got := p.SourceURI(); want.Source != "" && got != intoto.SourceURI(want.Source) {
			r.add(fault.Policy, "the provenance names the source %q, not %q", got, want.Source)
		}
		v.Job.judge(r, p, want)
	}
}

// judge compares a signer's provenance with what the certificate says of the
// job that signed: the one is the publisher's word, the other the authority's.
func (j Job) judge(r *refusal, p intoto.Provenance, want policy.Verify) {
	if got := intoto.SourceURI(j.Source); j.Source != "" {
		if stated := p.SourceURI(); stated != "" && stated != got {
			r.add(fault.Policy, "the provenance names the source %q, and the certificate %q", stated, got)
		}
		if want.Source != "" && got != intoto.SourceURI(want.Source) {
			r.add(fault.Policy, "the certificate names the source %q, not %q", got, want.Source)
		}
	}
	if stated := p.Commit(); j.Commit != "" && stated != "" && stated != j.Commit {
		r.add(fault.Policy, "the provenance names the commit %q, and the certificate %q", stated, j.Commit)
	}
	if len(j.Workflows) > 0 && want.Builder != "" && !slices.Contains(j.Workflows, want.Builder) {
		r.add(fault.Policy, "the certificate names the builder %q, not %q", j.Workflows[0], want.Builder)
	}
}

// judged is what counts in a gate.Verdict; what later versions add is no harm.
type judged struct {
	APIVersion string    `json:"apiVersion"`
	Kind       string    `json:"kind"`
	Subject    string    `json:"subject"`
	Policy     string    `json:"policy"`
	Outcome    string    `json:"outcome"`
	Judged     time.Time `json:"judged"`
}

// passes says whether the gate let it through; want tells what a report-only
// gate's word is worth.
func (j judged) passes(want All) bool {
	return j.Outcome == gate.OutcomePassed || want.AcceptReported && j.Outcome == gate.OutcomeReported
}

// judgeVerdict asks the newest verdict; of two of the same date, the one that
// did not pass counts.
func (s *Summary) judgeVerdict(r *refusal, want All) {
	var newest judged
	var pass bool
	for _, v := range s.of(intoto.VerdictType) {
		j, ok := verdictOf(v, r, want)
		if !ok || s.undated(r, "verdict", v, j.Judged, want) || j.Judged.Before(newest.Judged) {
			continue
		}
		pass = j.passes(want) && (pass || !j.Judged.Equal(newest.Judged))
		newest = j
	}
	s.Judged, s.Policy = newest.Judged, newest.Policy
	switch {
	case s.Judged.IsZero() && !want.Verify.WithoutVerdict:
		r.add(fault.Policy, "there is no verdict (%s) by an allowed signer", intoto.VerdictType)
	case s.Judged.IsZero():
	case !pass:
		r.add(fault.Policy, "the newest verdict, of %s, is %.40q", stamp(s.Judged), newest.Outcome)
	default:
		tooOld(r, "verdict", s.Judged, want)
	}
	if len(want.Verify.Policies) > 0 && !slices.Contains(want.Verify.Policies, s.Policy) {
		r.add(fault.Policy, "the newest verdict is by the policy %q, not by %s", s.Policy, strings.Join(want.Verify.Policies, " or "))
	}
}

// verdictOf reads a verdict about what is asked for.
func verdictOf(v Verified, r *refusal, want All) (j judged, ok bool) {
	if err := json.Unmarshal(v.Predicate, &j); err != nil || j.APIVersion != gate.APIVersion || j.Kind != gate.Kind || j.Judged.IsZero() {
		r.add(fault.Policy, "a verdict cannot be read")
		return j, false
	}
	if j.Subject != want.Digest {
		r.add(fault.Policy, "a verdict is about %.80q", j.Subject)
		return j, false
	}
	return j, true
}

// judgeReport asks the newest scan report for its age.
func (s *Summary) judgeReport(r *refusal, want All) {
	for _, v := range s.of(intoto.ScanType) {
		var report struct {
			Subject string    `json:"subject"`
			Scanned time.Time `json:"scanned"`
		}
		if err := json.Unmarshal(v.Predicate, &report); err != nil || report.Scanned.IsZero() {
			r.add(fault.Policy, "a scan report cannot be read")
			continue
		}
		if s.undated(r, "scan report", v, report.Scanned, want) {
			continue
		}
		if report.Scanned.After(s.Scanned) {
			s.Scanned = report.Scanned
		}
	}
	switch {
	case !s.Scanned.IsZero():
		tooOld(r, "scan report", s.Scanned, want)
	case !want.Verify.WithoutVerdict:
		r.add(fault.Policy, "there is no scan report (%s) by an allowed signer", intoto.ScanType)
	}
}

// undated refuses a date that is yet to come, or after the signature's own:
// such a statement would be the newest for ever.
func (s *Summary) undated(r *refusal, what string, v Verified, date time.Time, want All) bool {
	if date.After(want.Now.Add(maxSkew)) {
		r.add(fault.Policy, "a %s is of %s, which is yet to come", what, stamp(date))
		return true
	}
	if !v.SignedAt.IsZero() && date.After(v.SignedAt.Add(maxSkew)) {
		r.add(fault.Policy, "a %s is of %s, but was signed at %s", what, stamp(date), stamp(v.SignedAt))
		return true
	}
	return false
}

func tooOld(r *refusal, what string, date time.Time, want All) {
	max := time.Duration(want.Verify.MaxReportAge)
	if max == 0 {
		max = defaultReportAge
	}
	if age := want.Now.Sub(date); age > max {
		r.add(fault.Policy, "the newest %s is of %s, older than %s", what, stamp(date), max)
	}
}
