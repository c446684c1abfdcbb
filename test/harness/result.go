package harness

import (
	"encoding/json"
	"errors"
	"io"
	"strings"
	"testing"

	"github.com/bakelite/bakelite/internal/artifact"
	"github.com/bakelite/bakelite/pipelines/results"
	"github.com/bakelite/bakelite/runners/probe"
)

// Outcome is how a command ended.
type Outcome struct {
	Code           int
	Stdout, Stderr string
}

// Want fails the test where the exit code is another or stderr lacks a text.
func (o Outcome) Want(t *testing.T, code int, texts ...string) Outcome {
	t.Helper()
	if o.Code != code {
		t.Fatalf("exit code %d, want %d:\n%s", o.Code, code, Last(o.Stderr, 4<<10))
	}
	for _, text := range texts {
		if !strings.Contains(o.Stderr, text) {
			t.Errorf("stderr lacks %q:\n%s", text, Last(o.Stderr, 4<<10))
		}
	}
	return o
}

// Says fails the test where stdout lacks a text.
func (o Outcome) Says(t *testing.T, texts ...string) Outcome {
	t.Helper()
	for _, text := range texts {
		if !strings.Contains(o.Stdout, text) {
			t.Errorf("stdout lacks %q:\n%s", text, o.Stdout)
		}
	}
	return o
}

// Last is the end of a text, of at most n bytes.
func Last(text string, n int) string { return text[max(0, len(text)-n):] }

// Result is the documented form of --json.
type Result struct {
	App        string              `json:"app"`
	LockDigest string              `json:"lockDigest"`
	Rebuilt    bool                `json:"rebuilt"`
	Changes    []Change            `json:"changes"`
	Artifacts  []artifact.Artifact `json:"artifacts"`
	Tests      []probe.Result      `json:"tests"`
	Steps      []Step              `json:"steps"`
	// Receipt is the digest of the receipt's file.
	Receipt   string        `json:"receipt"`
	Published []Publication `json:"published"`
	// Policy is what was judged by.
	Policy *struct {
		Path   string `json:"path"`
		Digest string `json:"digest"`
	} `json:"policy"`
}

// Publication is what --json says of one artifact that was published.
type Publication struct {
	results.Publication
	Again bool `json:"again"`
}

// Step is one of a run's steps.
type Step struct {
	Name    string  `json:"name"`
	Seconds float64 `json:"seconds"`
	Cached  bool    `json:"cached"`
}

// Change is what a new lock does to a package.
type Change struct {
	Package string `json:"package"`
	From    string `json:"from"`
	To      string `json:"to"`
	// Downgrade says that To is older.
	Downgrade bool `json:"downgrade"`
}

// Result reads a successful command's stdout, which must be one JSON object
// of the documented form and nothing else.
func (o Outcome) Result(t *testing.T) Result {
	t.Helper()
	o.Want(t, 0)
	decoder := json.NewDecoder(strings.NewReader(o.Stdout))
	decoder.DisallowUnknownFields()
	var r Result
	if err := decoder.Decode(&r); err != nil {
		t.Fatalf("reading stdout: %v\n%s", err, o.Stdout)
	}
	if _, err := decoder.Token(); !errors.Is(err, io.EOF) {
		t.Fatalf("stdout holds more than one object:\n%s", o.Stdout)
	}
	return r
}

// Digest returns that of the artifact in a format, or fails the test.
func (r Result) Digest(t *testing.T, format string) string { return r.Artifact(t, format).Digest }

// Artifact returns that in a format, or fails the test.
func (r Result) Artifact(t *testing.T, format string) artifact.Artifact {
	t.Helper()
	for _, a := range r.Artifacts {
		if a.Format == format {
			return a
		}
	}
	t.Fatalf("no artifact is a %s: %+v", format, r.Artifacts)
	return artifact.Artifact{}
}
