package show

import (
	"cmp"
	"fmt"
	"io"
	"slices"
	"strings"
	"time"

	"github.com/bakelite/bakelite/scan"
)

// Table writes reports for people: what was read, counts by severity, and one
// line per finding and secret, the worst first.
func Table(w io.Writer, reports []scan.Report, o Options) error {
	var b strings.Builder
	for i, r := range reports {
		if i > 0 {
			b.WriteString("\n")
		}
		heading(&b, r, o)
		findings(&b, r.Findings, o.width())
		secrets(&b, r.Secrets, o.width())
	}
	return writeText(w, b.String())
}

func heading(b *strings.Builder, r scan.Report, o Options) {
	line := func(format string, args ...any) {
		b.WriteString(short(clean(fmt.Sprintf(format, args...)), o.width()) + "\n")
	}
	line("%s", o.ref(r.ArtifactKind, r.Subject))
	line("%s %s; packages: %d; read by %s %s on %s", r.OS.Family, r.OS.Name, len(r.Packages),
		r.Scanner.Name, r.Scanner.Version, day(r.Scanned))
	line("database of %s, %s", day(r.Database.Updated), r.Database.Digest)
	line("findings: %d%s; secrets: %d", len(r.Findings), severities(r.Findings), len(r.Secrets))
}

// severities counts findings: " (critical 1, high 2)".
func severities(findings []scan.Finding) string {
	counts := map[string]int{}
	for _, f := range findings {
		counts[Severity(f.Severity)]++
	}
	var parts []string
	for _, s := range slices.Backward(scan.Severities()) {
		if counts[s] > 0 {
			parts = append(parts, fmt.Sprintf("%s %d", s, counts[s]))
		}
	}
	if len(parts) == 0 {
		return ""
	}
	return " (" + strings.Join(parts, ", ") + ")"
}

// Severity is a severity as it is shown; a word that is none counts as the
// worst, as the gate counts it.
func Severity(severity string) string {
	switch {
	case severity == "":
		return scan.Unknown
	case slices.Contains(scan.Severities(), severity):
		return severity
	}
	return scan.Critical
}

func rank(severity string) int { return slices.Index(scan.Severities(), Severity(severity)) }

// WorstFirst returns findings in the order in which they are shown.
func WorstFirst(findings []scan.Finding) []scan.Finding {
	return slices.SortedFunc(slices.Values(findings), func(a, b scan.Finding) int {
		return cmp.Or(cmp.Compare(rank(b.Severity), rank(a.Severity)), strings.Compare(a.Package, b.Package),
			strings.Compare(a.ID, b.ID), strings.Compare(a.Path, b.Path), strings.Compare(a.Type, b.Type),
			strings.Compare(a.Version, b.Version), strings.Compare(a.FixedVersion, b.FixedVersion), strings.Compare(a.Title, b.Title))
	})
}

func findings(b *strings.Builder, all []scan.Finding, width int) {
	if len(all) == 0 {
		return
	}
	rows := [][]string{{"SEVERITY", "PACKAGE", "ID", "INSTALLED", "FIXED IN", "TITLE"}}
	for _, f := range WorstFirst(all) {
		name := f.Package
		if f.Path != "" {
			name += " (" + f.Path + ")"
		}
		fixed := f.FixedVersion
		if fixed == "" {
			fixed = "-"
		}
		rows = append(rows, []string{Severity(f.Severity), name, f.ID, f.Version, fixed, f.Title})
	}
	b.WriteString("\n")
	grid(b, rows, width, 2)
}

func sortedSecrets(all []scan.Secret) []scan.Secret {
	return slices.SortedFunc(slices.Values(all), func(a, b scan.Secret) int {
		return cmp.Or(cmp.Compare(rank(b.Severity), rank(a.Severity)), strings.Compare(a.Path, b.Path),
			cmp.Compare(a.Line, b.Line), strings.Compare(a.Rule, b.Rule), strings.Compare(a.Title, b.Title))
	})
}

func secrets(b *strings.Builder, all []scan.Secret, width int) {
	if len(all) == 0 {
		return
	}
	rows := [][]string{{"SEVERITY", "SECRET", "PLACE", "TITLE"}}
	for _, s := range sortedSecrets(all) {
		place := s.Path
		if s.Line > 0 {
			place = fmt.Sprintf("%s:%d", s.Path, s.Line)
		}
		rows = append(rows, []string{Severity(s.Severity), s.Rule, place, s.Title})
	}
	b.WriteString("\n")
	grid(b, rows, width, 1)
}

func day(t time.Time) string {
	if t.IsZero() {
		return "an unknown day"
	}
	return t.UTC().Format(time.DateOnly)
}
