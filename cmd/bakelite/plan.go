package main

import (
	"bytes"
	"encoding/json"
	"fmt"
	"io"
	"maps"
	"os"
	"slices"
	"strings"
	"text/tabwriter"
	"time"

	"github.com/bakelite/bakelite/internal/fault"
	"github.com/bakelite/bakelite/internal/limit"
	"github.com/bakelite/bakelite/internal/update"
)

// maxPlan bounds a plan's file, in bytes: a thousand apps have 20 MB.
const maxPlan = 128 << 20

// readPlan reads the plan to carry out; its options are those of the run.
func (f *rebuildFlags) readPlan(paths []string) (p update.Plan, err error) {
	if len(paths) > 0 {
		return p, fault.New(fault.Invalid, "--plan says which apps are rebuilt: give no other")
	}
	file, err := os.Open(f.plan)
	if err != nil {
		return p, fault.New(fault.Missing, "reading the plan: %w", err)
	}
	defer file.Close()
	text, err := limit.ReadAll(file, maxPlan, f.plan)
	if err != nil {
		return p, fault.New(fault.Invalid, "reading the plan: %w", err)
	}
	decoder := json.NewDecoder(bytes.NewReader(text))
	decoder.DisallowUnknownFields()
	if err := decoder.Decode(&p); err != nil || p.APIVersion != update.PlanVersion || p.Kind != update.PlanKind {
		return p, fault.Hint(fault.New(fault.Invalid, "%s is no plan of this version of Bakelite", f.plan), "make one with: bakelite rebuild --all --dry-run --json")
	}
	if f.publishing != p.Publish {
		return p, fault.Hint(fault.New(fault.Invalid, "the plan was made with --publish=%t", p.Publish), "carry it out so, or make another")
	}
	f.build.Targets, f.build.SkipTests = p.Targets, p.SkipTests
	return p, nil
}

func filesOf(p update.Plan) []string {
	var files []string
	for _, a := range p.Apps {
		files = append(files, a.File)
	}
	return files
}

func printPlan(w io.Writer, p update.Plan, asJSON bool) error {
	if asJSON {
		return printJSON(w, p)
	}
	for n, a := range p.Apps {
		fmt.Fprintf(w, "%d. %s (%s)\n", n+1, a.App, a.File)
		if len(a.After) > 0 {
			fmt.Fprintf(w, "   after %s\n", strings.Join(a.After, ", "))
		}
		table := tabwriter.NewWriter(w, 0, 4, 2, ' ', 0)
		for _, c := range a.Changes {
			fmt.Fprintf(table, "   %s\t%s\t%s\t%s\t%s\n", c.Name, fromTo(c), c.Origin, strings.Join(c.In, " "), fixes(c))
		}
		if err := table.Flush(); err != nil {
			return err
		}
		for _, words := range [][2]string{
			{"apt's resolver decides: ", strings.Join(a.Undecided, "; ")}, {"stays: ", keeps(a.Keep)},
			{"tests: ", strings.Join(a.Tests, "; ")}, {"! ", strings.Join(a.Findings, "; ")},
		} {
			if words[1] != "" {
				fmt.Fprintf(w, "   %s%s\n", words[0], words[1])
			}
		}
		if a.Seconds > 0 {
			fmt.Fprintf(w, "   last time it took %s\n", seconds(a.Seconds))
		}
	}
	for _, l := range p.Others {
		fmt.Fprintf(w, "-  %s: %s\n", l.App, leftWords(l))
	}
	_, err := fmt.Fprintf(w, "%d of %d apps: %s; %.1f MB to download; %s by the last builds\n",
		len(p.Apps), len(p.Apps)+len(p.Others), kinds(p), float64(p.Download)/1e6, seconds(p.Seconds))
	return err
}

func kinds(p update.Plan) string {
	words := "container and disk"
	if len(p.Targets) > 0 {
		words = strings.Join(p.Targets, " and ")
	}
	if p.SkipTests {
		words += ", untested"
	}
	if p.Publish {
		words += ", published"
	}
	return words
}

func keeps(versions map[string]string) string {
	var all []string
	for _, name := range slices.Sorted(maps.Keys(versions)) {
		all = append(all, name+" "+versions[name])
	}
	return strings.Join(all, ", ")
}

func seconds(s float64) string {
	return (time.Duration(s*10) * time.Second / 10).String()
}

// leftWords says why an app is left as it is.
func leftWords(l update.Left) string {
	words := string(l.Action)
	if !l.NotBefore.IsZero() {
		words += " until " + l.NotBefore.Format("2006-01-02 15:04 UTC")
	}
	if len(l.Reasons) > 0 {
		words += ": " + strings.Join(l.Reasons, "; ")
	}
	for _, f := range l.Findings {
		words += "\n   ! " + f
	}
	return words
}

// leftUnknown is the error of apps that nobody can decide about.
func leftUnknown(p update.Plan) error {
	var unknown, blocked []string
	kind, hint := fault.Unknown, "look what could not be read, and try again"
	for _, l := range p.Others {
		switch l.Action {
		case update.Failing:
			if kind == fault.Unknown {
				kind = fault.Network
			}
			fallthrough
		case update.DontKnow:
			if l.Broken {
				kind, hint = fault.Integrity, "try again later, or set another mirror; to go back on purpose give --insecure-allow-rollback"
			}
			unknown = append(unknown, l.App+": "+strings.Join(l.Reasons, "; "))
		case update.Blocked:
			blocked = append(blocked, l.App+": "+strings.Join(l.Reasons, "; "))
		}
	}
	switch {
	case len(unknown) > 0:
		return fault.Hint(fault.New(kind, "nobody knows whether these apps are current:\n  %s", strings.Join(unknown, "\n  ")), "%s", hint)
	case len(blocked) > 0:
		return fault.Hint(fault.New(fault.Policy, "a person has to look at these apps:\n  %s", strings.Join(blocked, "\n  ")), "lift a hold, name another image, or go back to what the archive has with --insecure-allow-rollback")
	}
	return nil
}
