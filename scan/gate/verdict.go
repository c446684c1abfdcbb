package gate

import (
	"encoding/json"
	"maps"
	"slices"
	"time"

	"github.com/bakelite/bakelite/internal/fault"
)

const (
	// APIVersion is the version of the verdict's form.
	APIVersion = "bakelite.dev/v1"
	// Kind is the kind that every verdict states.
	Kind = "Verdict"
)

// Outcomes of a verdict.
const (
	// OutcomePassed: no rule failed.
	OutcomePassed = "passed"
	// OutcomeFailed: nothing is published.
	OutcomeFailed = "failed"
	// OutcomeReported: a rule failed and the policy only reports.
	OutcomeReported = "reported"
)

// Outcomes of a rule.
const (
	Pass     = "pass"
	Fail     = "fail"
	Waived   = "waived"    // all that would have failed is waived
	NotAsked = "not-asked" // the policy does not ask, or there is no report
)

// Verdict is what the gate saw and said, rule by rule. The same input gives
// the same bytes, in whatever order findings come.
type Verdict struct {
	APIVersion   string `json:"apiVersion"`
	Kind         string `json:"kind"`
	App          string `json:"app"`
	ArtifactKind string `json:"artifactKind"`
	// Subject is the digest of the artifact.
	Subject string `json:"subject"`
	// Policy is the digest of the policy with the files that it names.
	Policy string `json:"policy"`
	// Mode is the policy's: "enforce" or "report-only".
	Mode    string `json:"mode"`
	Outcome string `json:"outcome"`
	// Judged is when, in UTC.
	Judged   time.Time `json:"judged"`
	Database Database  `json:"database"`
	// Rules are all rules, those too that were not asked.
	Rules []Rule `json:"rules"`
	// Waivers let something through; Unused ones apply to this app and found
	// nothing; Expired ones fail the verdict.
	Waivers []Waiver `json:"waivers"`
	Unused  []Waiver `json:"unusedWaivers"`
	Expired []Waiver `json:"expiredWaivers"`
	// VEX are the statements that suppressed findings.
	VEX []Statement `json:"vex"`
}

// Database is a scan.Database as verdicts are written: with its age for where
// it came from.
type Database struct {
	Digest  string    `json:"digest"`
	Updated time.Time `json:"updated"`
	// AgeSeconds is its age when it was judged.
	AgeSeconds int64 `json:"ageSeconds"`
}

// Rule is what one rule said.
type Rule struct {
	// Name is one of package policy's Rule names.
	Name    string `json:"name"`
	Outcome string `json:"outcome"`
	// Saw says in words what the rule saw.
	Saw string `json:"saw"`
	// Counts are the numbers behind the words.
	Counts map[string]int `json:"counts,omitempty"`
	// Violations are those that fail the rule, the worst first, at most 100.
	Violations []Violation `json:"offenders,omitempty"`
	// MoreViolations counts those that are not listed.
	MoreViolations int `json:"moreOffenders,omitempty"`

	// hard fails whatever the mode says.
	hard bool
}

// Violation is one thing that fails a rule.
type Violation struct {
	// ID is a finding's or control's identifier, a secret's rule, or else the
	// name of the rule.
	ID           string `json:"id"`
	Package      string `json:"package,omitempty"`
	Version      string `json:"version,omitempty"`
	FixedVersion string `json:"fixedVersion,omitempty"`
	Severity     string `json:"severity,omitempty"`
	Path         string `json:"path,omitempty"`
	// Detail says what is wrong where the rest does not.
	Detail string `json:"detail,omitempty"`

	// line is where Path ends with a line.
	line int
}

// Waiver is a waiver of the policy and how much it matched.
type Waiver struct {
	ID      string `json:"id"`
	Package string `json:"package,omitempty"`
	Path    string `json:"path,omitempty"`
	Reason  string `json:"reason"`
	Owner   string `json:"owner"`
	// Expires is the last day that it holds, UTC.
	Expires string `json:"expires"`
	Matched int    `json:"matched"`
}

// Statement is a VEX statement and how much it suppressed.
type Statement struct {
	// Document is the document's identifier, or the name of its file.
	Document      string `json:"document"`
	Author        string `json:"author"`
	Vulnerability string `json:"vulnerability"`
	Status        string `json:"status"`
	Justification string `json:"justification,omitempty"`
	Matched       int    `json:"matched"`
}

// JSON returns the verdict's canonical bytes.
func (v Verdict) JSON() ([]byte, error) {
	data, err := json.Marshal(v)
	if err != nil {
		return nil, fault.New(fault.Internal, "writing verdict: %w", err)
	}
	return append(data, '\n'), nil
}

// clone copies v, so that nobody changes what was proven.
func (v Verdict) clone() Verdict {
	v.Rules = slices.Clone(v.Rules)
	for i := range v.Rules {
		v.Rules[i].Counts = maps.Clone(v.Rules[i].Counts)
		v.Rules[i].Violations = slices.Clone(v.Rules[i].Violations)
	}
	v.Waivers, v.Unused, v.Expired = slices.Clone(v.Waivers), slices.Clone(v.Unused), slices.Clone(v.Expired)
	v.VEX = slices.Clone(v.VEX)
	return v
}
