package gate

import (
	"fmt"

	"github.com/bakelite/bakelite/internal/policy"
	"github.com/bakelite/bakelite/scan/controls"
)

// rights asks that the app file gives no program what the policy forbids.
func (e *evaluator) rights(in Input) Rule {
	if in.Locked == nil {
		return notAsked(policy.RuleRights, "no app file was there")
	}
	var against []Violation
	n := 0
	for _, r := range in.Rights {
		for _, name := range rightNames(r) {
			n++
			if policy.Forbids(e.policy.Gate.ForbiddenRights, name) {
				against = append(against, Violation{ID: policy.RuleRights, Path: r.Path, Detail: "the app file gives it " + name})
			}
		}
	}
	counts := map[string]int{"given": n, "forbidden": len(against)}
	return e.decide(policy.RuleRights, against, counts, fmt.Sprintf("%d of %s that the app file gives are forbidden", len(against), count(n, "right", "rights")))
}

// rightNames are the words of a right that a policy may forbid.
func rightNames(r controls.Right) (names []string) {
	if r.SetUID {
		names = append(names, policy.SetUID)
	}
	if r.SetGID {
		names = append(names, policy.SetGID)
	}
	return append(names, r.Capabilities...)
}

// replaced asks for content whose programs of packages are the packages': the
// lists of packages, and so the SBOM, call the app's by their names.
func (e *evaluator) replaced(in Input) Rule {
	if in.Locked == nil {
		return notAsked(policy.RuleReplaced, "no app file was there")
	}
	paths := in.Replaces
	saw := count(len(paths), "program of a package is", "programs of packages are") + " replaced or removed by the app"
	if e.policy.Gate.AllowReplacedPrograms {
		return notAsked(policy.RuleReplaced, "the policy allows that; "+saw)
	}
	against := make([]Violation, len(paths))
	for i, path := range paths {
		against[i] = Violation{ID: policy.RuleReplaced, Path: path, Detail: "the app file replaces what a package brought"}
	}
	return e.decide(policy.RuleReplaced, against, map[string]int{"replaced": len(paths)}, saw)
}
