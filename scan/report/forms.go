package report

import (
	"cmp"
	"encoding/json"
	"fmt"
	"io"

	"github.com/bakelite/bakelite/internal/fault"
	"github.com/bakelite/bakelite/scan"
	"github.com/bakelite/bakelite/scan/gate"
	"github.com/bakelite/bakelite/scan/show"
)

// Forms are the names of the forms that a page is written in.
func Forms() []string { return []string{"html", "json", "junit", "sarif"} }

// Write writes a page in one of Forms; another is fault.Invalid.
func Write(w io.Writer, p Page, form string) error {
	switch form {
	case "html":
		return HTML(w, p)
	case "json":
		return writeJSON(w, p)
	case "junit":
		return show.JUnit(w, suitesOf(p))
	case "sarif":
		return writeSARIF(w, p)
	}
	return fault.New(fault.Invalid, "there is no form %q", form)
}

func writeJSON(w io.Writer, p Page) error {
	e := json.NewEncoder(w)
	e.SetIndent("", "  ")
	if err := e.Encode(p); err != nil {
		return fault.As(fault.Build, fmt.Errorf("writing report: %w", err))
	}
	return nil
}

// suitesOf has for each artifact the gate's rules, the tests and the controls.
func suitesOf(p Page) []show.Suite {
	var all []show.Suite
	for _, a := range p.Artifacts {
		suite := func(what string, cases []show.Case) {
			if len(cases) > 0 {
				all = append(all, show.Suite{Name: p.App + "." + a.Kind + "." + what, Cases: cases})
			}
		}
		trust := show.Case{Name: "vouched for"}
		if !a.Trust.Verified {
			trust.Failure = "nobody who counts vouches for what is stated"
		}
		suite("trust", []show.Case{trust})
		suite("gate", ruleCases(a))
		suite("tests", testCases(a))
		suite("hardening", controlCases(a))
	}
	return all
}

func ruleCases(a Artifact) (cases []show.Case) {
	if a.Verdict == nil {
		return nil
	}
	for _, r := range a.Verdict.Rules {
		c := show.Case{Name: r.Name}
		switch r.Outcome {
		case gate.Fail:
			c.Failure = r.Saw
		case gate.NotAsked:
			c.Skipped = r.Saw
		}
		cases = append(cases, c)
	}
	return cases
}

func testCases(a Artifact) (cases []show.Case) {
	for _, t := range a.Tests {
		c := show.Case{Name: t.Name, Seconds: t.Seconds}
		if !t.Passed {
			c.Failure = cmp.Or(t.Detail, "it failed")
		}
		cases = append(cases, c)
	}
	return cases
}

func controlCases(a Artifact) (cases []show.Case) {
	for _, s := range a.Hardening {
		for _, r := range s.Controls {
			c := show.Case{Name: r.ID + " " + r.Title}
			switch {
			case !r.Passed:
				c.Failure = cmp.Or(r.Detail, "it does not hold")
			case r.NotApplicable:
				c.Skipped = cmp.Or(r.Detail, "it does not apply")
			}
			cases = append(cases, c)
		}
	}
	return cases
}

// writeSARIF has a run for each scanner's report, and one for the controls of
// each artifact.
func writeSARIF(w io.Writer, p Page) error {
	o := show.Options{App: p.App, Refs: map[string]string{}}
	var reports []scan.Report
	for _, a := range p.Artifacts {
		if a.Scan != nil {
			reports = append(reports, *a.Scan)
			o.Refs[a.Scan.Subject] = a.Name
		}
		checks := show.Checks{Kind: a.Kind, Ref: a.Name, Digest: a.Digest}
		for _, s := range a.Hardening {
			for _, c := range s.Controls {
				checks.All = append(checks.All, checkOf(c))
			}
		}
		if len(checks.All) > 0 {
			o.Checks = append(o.Checks, checks)
		}
	}
	return show.SARIF(w, reports, o)
}

func checkOf(c Control) show.Check {
	severity := scan.High
	if c.Level > 1 {
		severity = scan.Medium
	}
	return show.Check{ID: c.ID, Title: cmp.Or(c.Title, c.ID), Passed: c.Passed, Severity: severity, Message: cmp.Or(c.Detail, "it does not hold")}
}
