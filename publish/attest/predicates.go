package attest

import (
	"encoding/json"
	"time"

	"github.com/bakelite/bakelite/internal/lock"
	"github.com/bakelite/bakelite/scan"
	"github.com/bakelite/bakelite/scan/gate"
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

// Verdict states what the gate said.
func Verdict(v gate.Verdict) Statement { return Statement{PredicateType: VerdictType, Predicate: v} }

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

// TestResult is one declared test, or one control.
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

// TestResults states the results of the declared tests.
func TestResults(t Tests) Statement {
	t.APIVersion, t.Kind = gate.APIVersion, "Tests"
	if t.Results == nil {
		t.Results = []TestResult{}
	}
	return Statement{PredicateType: TestsType, Predicate: t}
}

// Lock states what was built from, in the lock file's form with JSON for YAML.
func Lock(l lock.Lock) Statement {
	return Statement{PredicateType: LockType, Predicate: lockPredicate(l)}
}

// lockDocument is a lock.Lock with JSON's names; a test keeps both the same.
type lockDocument struct {
	APIVersion string        `json:"apiVersion"`
	Kind       string        `json:"kind"`
	App        string        `json:"app"`
	Bakelite   string        `json:"bakelite"`
	Platform   string        `json:"platform"`
	Inputs     string        `json:"inputs"`
	Base       *lockImage    `json:"base,omitempty"`
	Images     []lockImage   `json:"images,omitempty"`
	Archives   []lockArchive `json:"archives"`
	Rollback   []lockStep    `json:"rollback,omitempty"`
	Files      []lockFile    `json:"files,omitempty"`
	Packages   lockLayers    `json:"packages"`
}

type lockImage struct {
	Ref    string `json:"ref"`
	Digest string `json:"digest"`
}

type lockArchive struct {
	Name      string    `json:"name"`
	Suite     string    `json:"suite"`
	InRelease string    `json:"inRelease"`
	Date      time.Time `json:"date"`
}

type lockStep struct {
	Of   string `json:"of"`
	From string `json:"from"`
	To   string `json:"to"`
}

type lockFile struct {
	Path       string `json:"path"`
	SHA256     string `json:"sha256"`
	Executable bool   `json:"executable,omitempty"`
}

type lockLayers struct {
	Seed       []lockPin `json:"seed"`
	Base       []lockPin `json:"base,omitempty"`
	App        []lockPin `json:"app,omitempty"`
	Machine    []lockPin `json:"machine,omitempty"`
	MachineApp []lockPin `json:"machineApp,omitempty"`
	Tools      []lockPin `json:"tools,omitempty"`
}

type lockPin struct {
	Name    string `json:"name"`
	Version string `json:"version"`
	Arch    string `json:"arch"`
	Archive string `json:"archive"`
	Path    string `json:"path"`
	SHA256  string `json:"sha256"`
	Size    int64  `json:"size"`
}

func lockPredicate(l lock.Lock) lockDocument {
	d := lockDocument{
		APIVersion: l.APIVersion, Kind: l.Kind, App: l.App, Bakelite: l.Bakelite, Platform: l.Platform, Inputs: l.Inputs,
		Base:     (*lockImage)(l.Base),
		Images:   convert(l.Images, func(i lock.Image) lockImage { return lockImage(i) }),
		Archives: convert(l.Archives, func(a lock.Archive) lockArchive { return lockArchive(a) }),
		Rollback: convert(l.Rollback, func(s lock.Step) lockStep { return lockStep(s) }),
		Files:    convert(l.Files, func(f lock.File) lockFile { return lockFile(f) }),
	}
	pin := func(pins []lock.Pin) []lockPin { return convert(pins, func(p lock.Pin) lockPin { return lockPin(p) }) }
	p := l.Packages
	d.Packages = lockLayers{
		Seed: pin(p.Seed), Base: pin(p.Base), App: pin(p.App), Machine: pin(p.Machine), MachineApp: pin(p.MachineApp), Tools: pin(p.Tools),
	}
	return d
}

func convert[A, B any](from []A, one func(A) B) []B {
	to := make([]B, len(from))
	for i, a := range from {
		to[i] = one(a)
	}
	return to
}
