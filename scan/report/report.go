// Package report makes one page of what was stated about an app's artifacts:
// for people as HTML that fetches nothing, for programs as JSON, JUnit and
// SARIF. It judges nothing anew, and takes all text in what was stated for
// that of a stranger: bounded, plain and escaped.
package report

import (
	"time"

	"github.com/bakelite/bakelite/scan"
	"github.com/bakelite/bakelite/scan/controls"
	"github.com/bakelite/bakelite/scan/gate"
)

const (
	// APIVersion is the version of the page's form.
	APIVersion = "bakelite.dev/v1"
	// Kind is the kind that every page states.
	Kind = "ArtifactReport"
)

// Page is what is reported of an app.
type Page struct {
	APIVersion string     `json:"apiVersion"`
	Kind       string     `json:"kind"`
	App        string     `json:"app"`
	Artifacts  []Artifact `json:"artifacts"`
}

// Artifact is what is reported of one artifact.
type Artifact struct {
	Facts
	// Failures are what the verdict, the tests and, without a verdict, the
	// controls hold against it, in the order of the verdict's rules.
	Failures []Failure `json:"failures"`
	// Hardening are the controls by their area.
	Hardening []Section `json:"hardening"`
}

// Facts are what was stated about one artifact; what nobody states is nil or
// empty.
type Facts struct {
	// Name is the reference or file, Kind "container" or "disk".
	Name   string `json:"name"`
	Kind   string `json:"kind"`
	Digest string `json:"digest,omitempty"`
	Trust  Trust  `json:"trust"`
	Built  *Built `json:"built,omitempty"`
	// Verdict is the gate's, Scan the scanner's report.
	Verdict *gate.Verdict `json:"verdict,omitempty"`
	Scan    *scan.Report  `json:"scan,omitempty"`
	// Tests are the declared ones and those built in.
	Tests        []Test `json:"tests"`
	TestsSkipped bool   `json:"testsSkipped"`
	// BootSeconds is from power on to the service, and MemoryBytes the most
	// that was used, where it was measured.
	BootSeconds float64           `json:"bootSeconds,omitempty"`
	MemoryBytes int64             `json:"memoryBytes,omitempty"`
	Controls    []controls.Result `json:"-"`
	// Sizes are those of its packages as the archive has them, the largest
	// first.
	Sizes []Size `json:"sizes"`
	// Changes are those since an earlier artifact.
	Changes *Changes `json:"changes,omitempty"`
	// Verify and Run are commands that do so.
	Verify []string `json:"verify"`
	Run    []string `json:"run"`
}

// Trust says whose word the facts are.
type Trust struct {
	// Verified is true where somebody vouches who counts: By. Reasons say why
	// not.
	Verified bool     `json:"verified"`
	By       []string `json:"by,omitempty"`
	Reasons  []string `json:"reasons,omitempty"`
}

// Built says how an artifact came about.
type Built struct {
	By       string    `json:"by,omitempty"`
	Bakelite string    `json:"bakelite,omitempty"`
	Release  string    `json:"release,omitempty"`
	Source   string    `json:"source,omitempty"`
	Lock     string    `json:"lock,omitempty"`
	Started  time.Time `json:"started,omitzero"`
	Finished time.Time `json:"finished,omitzero"`
	// Inputs counts what it was made from, each by digest; 0 where unknown.
	Inputs int `json:"inputs,omitempty"`
}

// Test is one test and how it ended.
type Test struct {
	Name    string  `json:"name"`
	Passed  bool    `json:"passed"`
	Seconds float64 `json:"seconds,omitempty"`
	Detail  string  `json:"detail,omitempty"`
}

// Size is a package and its size in bytes.
type Size struct {
	Package string `json:"package"`
	Bytes   int64  `json:"bytes"`
}

// Changes are what differs from an earlier artifact, Since.
type Changes struct {
	Since string `json:"since"`
	// Verified says that the earlier one is vouched for too.
	Verified bool     `json:"verified"`
	Packages []Change `json:"packages"`
	Findings []Change `json:"findings"`
	Controls []Change `json:"hardening"`
}

// Change is one thing that was From and is To; "" is nothing.
type Change struct {
	Name string `json:"name"`
	From string `json:"from,omitempty"`
	To   string `json:"to,omitempty"`
}

// Failure is one thing that is wrong.
type Failure struct {
	// What names it, and Rule is the gate's, "tests" or "hardening".
	What     string `json:"what"`
	Rule     string `json:"rule"`
	Severity string `json:"severity,omitempty"`
	Observed string `json:"observed"`
	Expected string `json:"expected"`
	// Place is the file or package, "" where it is the whole artifact.
	Place string `json:"place,omitempty"`
	Fix   string `json:"fix"`
	// Exception is what in the policy would let it through, in YAML; "" where
	// nothing does.
	Exception string `json:"exception,omitempty"`
}

// Section is one area of hardening.
type Section struct {
	Title    string    `json:"title"`
	Controls []Control `json:"controls"`
}

// Control is a control, what it sets and whether it holds.
type Control struct {
	controls.Result
	Sets       []string `json:"sets,omitempty"`
	References []string `json:"references,omitempty"`
}

// New makes a page of facts; the catalogue of controls tells what results
// without a title are about.
func New(app string, all []Facts, catalogue []controls.Control) Page {
	p := Page{APIVersion: APIVersion, Kind: Kind, App: app, Artifacts: []Artifact{}}
	for _, f := range all {
		f.Controls = titled(f.Controls, catalogue)
		p.Artifacts = append(p.Artifacts, Artifact{Facts: f, Failures: failuresOf(f, catalogue), Hardening: sections(f.Controls, catalogue)})
	}
	return p
}

// Outcome sums an artifact up in one of the verdict's outcomes, or "untested"
// or "unjudged" where nothing is wrong and nobody judged.
func (a Artifact) Outcome() string {
	switch {
	case a.Verdict != nil && a.Verdict.Outcome != gate.OutcomePassed && a.Verdict.Outcome != gate.OutcomeReported, a.Verdict == nil && len(a.Failures) > 0:
		return gate.OutcomeFailed
	case a.Verdict != nil:
		return a.Verdict.Outcome
	case a.TestsSkipped:
		return "untested"
	}
	return "unjudged"
}
