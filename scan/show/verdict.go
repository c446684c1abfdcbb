package show

import (
	"fmt"
	"io"
	"strings"
	"time"

	"github.com/bakelite/bakelite/scan/gate"
)

// maxViolations bounds what is shown of each rule; the verdict lists more.
const maxViolations = 10

// Verdict writes a verdict for people: a line per rule with its mark, below
// it the violations, then waivers and VEX statements that were used.
func Verdict(w io.Writer, v gate.Verdict, o Options) error {
	var b strings.Builder
	line := func(indent, format string, args ...any) {
		b.WriteString(short(indent+clean(fmt.Sprintf(format, args...)), o.width()) + "\n")
	}
	line("", "%s %s: %s%s", v.App, v.ArtifactKind, strings.ToUpper(v.Outcome), trace(v))
	line("", "%s", o.ref(v.ArtifactKind, v.Subject))
	line("", "judged at %s by policy %s (%s)", v.Judged.UTC().Format(time.RFC3339), v.Policy, v.Mode)
	b.WriteString("\n")
	for _, r := range v.Rules {
		line("", "%-6s  %-18s  %s", mark(r.Outcome), r.Name, r.Saw)
		for _, violation := range r.Violations[:min(len(r.Violations), maxViolations)] {
			line("          ", "%s", violates(violation))
		}
		if more := len(r.Violations) + r.MoreViolations - maxViolations; more > 0 {
			line("          ", "and %d more", more)
		}
	}
	waivers(line, "waivers used:", v.Waivers)
	waivers(line, "waivers that matched nothing:", v.Unused)
	waivers(line, "waivers that have expired:", v.Expired)
	statements(line, v.VEX)
	return writeText(w, b.String())
}

type liner func(indent, format string, args ...any)

// trace says what lets a verdict through that a rule failed.
func trace(v gate.Verdict) string {
	if v.Outcome == gate.OutcomeReported {
		return " (the policy only reports)"
	}
	return ""
}

func mark(outcome string) string {
	switch outcome {
	case gate.Fail:
		return "FAIL"
	case gate.NotAsked:
		return "-"
	}
	return outcome
}

func violates(o gate.Violation) string {
	parts := []string{o.ID}
	if o.Package != "" {
		parts = append(parts, strings.TrimSpace(o.Package+" "+o.Version))
	}
	if o.FixedVersion != "" {
		parts = append(parts, "fixed in "+o.FixedVersion)
	}
	for _, text := range []string{o.Severity, o.Path, o.Detail} {
		if text != "" {
			parts = append(parts, text)
		}
	}
	return strings.Join(parts, ", ")
}

func waivers(line liner, title string, all []gate.Waiver) {
	if len(all) == 0 {
		return
	}
	line("", "")
	line("", "%s", title)
	for _, w := range all {
		name := w.ID
		if w.Package != "" {
			name += " in " + w.Package
		}
		line("  ", "%s until %s by %s%s: %s", name, w.Expires, w.Owner, times(w.Matched), w.Reason)
	}
}

func statements(line liner, all []gate.Statement) {
	if len(all) == 0 {
		return
	}
	line("", "")
	line("", "VEX statements used:")
	for _, s := range all {
		line("  ", "%s %s by %s%s (%s)", s.Vulnerability, s.Status, s.Author, times(s.Matched), s.Document)
	}
}

// times says how often something matched: ", once", or nothing for never.
func times(n int) string {
	switch n {
	case 0:
		return ""
	case 1:
		return ", once"
	}
	return fmt.Sprintf(", %d times", n)
}
