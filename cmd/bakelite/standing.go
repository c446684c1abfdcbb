package main

import (
	"fmt"
	"io"
	"strings"
	"text/tabwriter"

	"github.com/bakelite/bakelite/internal/update"
	"github.com/bakelite/bakelite/pipelines/fleet"
)

// printStanding prints one app for a person: what is to be done, then what
// changed, and what else there is to know.
func printStanding(w io.Writer, s fleet.Standing) error {
	d := s.Decision
	fmt.Fprintf(w, "%s: %s\n", s.App.Name, headline(s))
	table := tabwriter.NewWriter(w, 0, 4, 2, ' ', 0)
	for _, c := range s.Changes {
		fmt.Fprintf(table, "  %s\t%s\t%s\t%s\t%s\n", c.Name, fromTo(c), c.Origin, strings.Join(c.In, " "), fixes(c))
	}
	if err := table.Flush(); err != nil {
		return err
	}
	for _, u := range s.Unknown {
		fmt.Fprintf(w, "  ? %s, since %s: %s\n", u.What, u.Since.Format("2006-01-02 15:04"), u.Why)
	}
	for _, u := range s.Undecided {
		fmt.Fprintf(w, "  for apt's resolver: %s\n", u)
	}
	for _, text := range d.Findings {
		fmt.Fprintf(w, "  ! %s\n", text)
	}
	for _, a := range s.Advisories {
		if !a.KnownSince.IsZero() || !a.FixedSince.IsZero() {
			fmt.Fprintf(w, "  new: %s %s in %s %s\n", a.Severity, a.ID, a.Package, a.Version)
		}
	}
	return nil
}

func headline(s fleet.Standing) string {
	text := string(s.Decision.Action)
	if !s.Decision.NotBefore.IsZero() {
		text += " until " + s.Decision.NotBefore.Format("2006-01-02 15:04 UTC")
	}
	count := map[string]int{}
	for _, a := range s.Advisories {
		count[a.Severity]++
	}
	if len(s.Advisories) > 0 {
		text += fmt.Sprintf("; known: %d critical, %d high, %d others", count["critical"], count["high"], len(s.Advisories)-count["critical"]-count["high"])
	}
	return text
}

func fixes(c update.Change) string {
	if len(c.Fixes) == 0 {
		return ""
	}
	return fmt.Sprintf("fixes %d, worst %s", len(c.Fixes), c.Worst())
}

func fromTo(c update.Change) string {
	switch {
	case c.Why != "":
		return c.Why
	case c.From == "":
		return "+ " + c.To
	case c.To == "":
		return c.From + ", no longer there"
	}
	words := update.Short(c.From) + " -> " + update.Short(c.To)
	if c.State == update.Older {
		words += " (downgrade)"
	}
	return words
}
