package intoto

import (
	"encoding/json"
	"time"

	"github.com/bakelite/bakelite/internal/channel"
	"github.com/bakelite/bakelite/internal/fault"
	"github.com/bakelite/bakelite/internal/lock"
	"github.com/bakelite/bakelite/internal/update"
	"github.com/bakelite/bakelite/scan"
	"github.com/bakelite/bakelite/scan/controls"
)

// CycloneDX states a CycloneDX document, given as JSON.
func CycloneDX(document []byte) Statement {
	return Statement{PredicateType: CycloneDXType, Predicate: json.RawMessage(document)}
}

// SPDX states an SPDX 2 document, given as JSON.
func SPDX(document []byte) Statement {
	return Statement{PredicateType: SPDXType, Predicate: json.RawMessage(document)}
}

// Scan states what the scanner saw.
func Scan(report scan.Report) Statement {
	return Statement{PredicateType: ScanType, Predicate: report}
}

// BuildProvenance states how the artifact was made.
func BuildProvenance(p Provenance) Statement {
	return Statement{PredicateType: ProvenanceType, Predicate: p}
}

// Tests are the results of the declared tests.
type Tests struct {
	APIVersion string `json:"apiVersion"` // "bakelite.dev/v1"
	Kind       string `json:"kind"`       // "Tests"
	// Skipped says that the declared tests were left out.
	Skipped bool         `json:"skipped"`
	Ran     time.Time    `json:"ran,omitzero"`
	Results []TestResult `json:"results"`
	// Hardening is whether each control holds in the image, and Booted in the
	// running machine; a control's name is its identifier.
	Hardening []TestResult `json:"hardening,omitempty"`
	Booted    []TestResult `json:"booted,omitempty"`
}

// TestResult is one declared test, or one control, as the statement is written:
// a controls.Result without its title, which the catalogue has.
type TestResult struct {
	Name string `json:"name"`
	// Level is a control's.
	Level int `json:"level,omitempty"`
	// Passed is true too where NotApplicable says that a control has nothing to
	// do.
	Passed        bool    `json:"passed"`
	NotApplicable bool    `json:"notApplicable,omitempty"`
	Seconds       float64 `json:"seconds,omitempty"`
	Message       string  `json:"message,omitempty"`
}

// StatedControls is what a statement says of controls.
func StatedControls(found []controls.Result) []TestResult {
	var all []TestResult
	for _, r := range found {
		all = append(all, TestResult{Name: r.ID, Level: r.Level, Passed: r.Passed, NotApplicable: r.NotApplicable, Message: r.Detail})
	}
	return all
}

// Controls returns whether each control held in the image and in the running
// machine, without titles.
func (t Tests) Controls() []controls.Result {
	return controls.Merge(heldControls(t.Hardening), heldControls(t.Booted))
}

func heldControls(stated []TestResult) []controls.Result {
	var all []controls.Result
	for _, r := range stated {
		all = append(all, controls.Result{ID: r.Name, Level: r.Level, Passed: r.Passed, NotApplicable: r.NotApplicable, Detail: r.Message})
	}
	return all
}

// TestResults states the results of the declared tests.
func TestResults(t Tests) Statement {
	t.APIVersion, t.Kind = scan.APIVersion, "Tests"
	if t.Results == nil {
		t.Results = []TestResult{}
	}
	return Statement{PredicateType: TestsType, Predicate: t}
}

// Lock states what was built from, in the lock file's form with JSON for YAML.
func Lock(l lock.Lock) Statement { return Statement{PredicateType: LockType, Predicate: l} }

// StatedLock reads a lock as it was stated; what later versions add to it is no
// harm. What is no lock is fault.Integrity.
func StatedLock(predicate json.RawMessage) (lock.Lock, error) {
	var l lock.Lock
	if err := json.Unmarshal(predicate, &l); err != nil {
		return l, fault.New(fault.Integrity, "reading the lock that was stated: %w", err)
	}
	if l.APIVersion != lock.APIVersion || l.Kind != lock.Kind {
		return l, fault.New(fault.Integrity, "the lock that was stated is of the form %.40q %.40q", l.APIVersion, l.Kind)
	}
	return l, nil
}

// Notices are statements about an artifact that was published before. None of
// them lets anything through, so they take no proof of the gate.
func Notices() []string { return []string{ChannelType, RevocationType, ClockType} }

// ChannelRecord states where a channel leads.
func ChannelRecord(r channel.Record) Statement {
	return Statement{PredicateType: ChannelType, Predicate: r}
}

// Revocation states that something is not to be run any more.
func Revocation(v channel.Revocation) Statement {
	return Statement{PredicateType: RevocationType, Predicate: v}
}

// Clock states how long fixes took to reach an artifact.
func Clock(c update.Clock) Statement { return Statement{PredicateType: ClockType, Predicate: c} }
