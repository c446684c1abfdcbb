package gate

import (
	"fmt"
	"strings"

	"github.com/bakelite/bakelite/internal/fault"
	"github.com/bakelite/bakelite/internal/plain"
	"github.com/bakelite/bakelite/internal/policy"
)

// maxNamed is how many violations of each rule an error names.
const maxNamed = 5

// remedies say what mends a rule that failed, apart from a waiver.
var remedies = map[string]string{
	policy.RuleReport:          "scan again, with: bakelite publish; where packages differ from the lock, look what of the app's files, steps or Dockerfile changes /var/lib/dpkg or the release files",
	policy.RuleUnlocked:        "name the package under packages, so that the lock pins it, or allow what is there with gate.allowUnlockedPackages in the policy",
	policy.RuleAltered:         "put programs into /usr/local and let the packages' stay, or allow what is under alters with gate.allowAltered in the policy",
	policy.RuleRights:          "take the right out of the app file, or out of gate.forbiddenRights in the policy",
	policy.RuleDatabase:        "fetch a newer database: see scanner.database",
	policy.RuleVulnerabilities: "take updates that have a fix, with: bakelite rebuild",
	policy.RuleSecrets:         "take the secret out of the app's files, and hand it to the running app instead",
	policy.RulePackages:        "do without the package",
	policy.RuleLicences:        "do without the package",
	policy.RuleHardening:       "mend what the controls name: a step or a file of the app may have undone it",
	policy.RuleTests:           "mend what the tests name, and do not skip them",
	policy.RuleWaivers:         "take the expired waiver out of the policy, or agree on a new day",
}

// Err returns nil unless v failed; else an error of kind fault.Policy that
// says which rules failed and on what, the worst first.
func (v Verdict) Err() error {
	if v.Outcome == OutcomePassed || v.Outcome == OutcomeReported {
		return nil
	}
	var b strings.Builder
	fmt.Fprintf(&b, "the policy lets %s %s not through:", v.App, v.ArtifactKind)
	var hints []string
	waivable := false
	for _, r := range v.Rules {
		if r.Outcome != Fail {
			continue
		}
		r.refuse(&b)
		waivable = waivable || !r.hard && r.Name != policy.RuleWaivers
		if hint := remedies[r.Name]; hint != "" && !strings.Contains(strings.Join(hints, ""), hint) {
			hints = append(hints, hint)
		}
	}
	if waivable {
		hints = append(hints, "or let it through for a while with an entry below waivers in the policy (id, reason, owner, expires)")
	}
	return fault.Hint(fault.New(fault.Policy, "%s", b.String()), "%s", strings.Join(hints, "; "))
}

// refuse writes what a rule saw and its first violations.
func (r Rule) refuse(b *strings.Builder) {
	fmt.Fprintf(b, "\n  %s: %s", r.Name, plain.Line(r.Saw))
	for _, v := range r.Violations[:min(len(r.Violations), maxNamed)] {
		if v.ID == r.Name { // a rule of its own word says on what
			v.ID = ""
		}
		if text := v.String(); v.ID != "" && text != plain.Line(r.Saw) || v.Package != "" || v.Path != "" {
			b.WriteString("\n    " + text)
		}
	}
	if more := len(r.Violations) + r.MoreViolations - maxNamed; more > 0 {
		fmt.Fprintf(b, "\n    and %d more", more)
	}
}

// String is a violation on one line that no terminal takes for a command.
func (v Violation) String() string {
	words := []string{v.ID, v.Severity, v.Package, v.Version, v.Path}
	if v.FixedVersion != "" {
		words = append(words, "fixed in "+v.FixedVersion)
	}
	words = append(words, v.Detail)
	return plain.Line(strings.Join(strings.Fields(strings.Join(words, " ")), " "))
}
