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

// altered asks for a system that is the packages': their lists, and so the
// SBOM, go on to call the app's programs by their names, and what root starts
// is in no list at all.
func (e *evaluator) altered(in Input) Rule {
	if in.Locked == nil {
		return notAsked(policy.RuleAltered, "no app file was there")
	}
	saw := count(len(in.Alters), "path", "paths") + " of the system may be altered by the app"
	if e.policy.Gate.AllowAltered {
		return notAsked(policy.RuleAltered, "the policy allows that; "+saw)
	}
	against := make([]Violation, len(in.Alters))
	for i, path := range in.Alters {
		against[i] = Violation{ID: policy.RuleAltered, Path: path, Detail: "the app file alters what packages brought or root runs"}
	}
	return e.decide(policy.RuleAltered, against, map[string]int{"altered": len(in.Alters)}, saw)
}
