package gate

import (
	"fmt"
	"slices"
	"time"

	"github.com/bakelite/bakelite/internal/policy"
	"github.com/bakelite/bakelite/scan/controls"
)

// unasked is why rules on what an app file asks for say nothing.
const unasked = "nobody says what the app file asks for"

// Foreseen returns the rules that an artifact of an app will fail for what its
// app file asks for. Nothing has to be built for that.
func Foreseen(app, kind string, asked controls.Asked, p policy.Policy, now time.Time) []Rule {
	in := Input{App: app, ArtifactKind: kind, Asked: &asked, Policy: p, Now: now}
	e := newEvaluator(in)
	return slices.DeleteFunc([]Rule{e.altered(in), e.rights(in)}, func(r Rule) bool { return r.Outcome != Fail })
}

// rights asks that the app file gives no program what the policy forbids.
func (e *evaluator) rights(in Input) Rule {
	if in.Asked == nil {
		return notAsked(policy.RuleRights, unasked)
	}
	var against []Violation
	n := 0
	for _, r := range in.Asked.Rights {
		for _, name := range rightNames(r) {
			n++
			if policy.Forbids(e.policy.Gate.ForbiddenRights, name) {
				against = append(against, Violation{ID: policy.RuleRights, Path: r.Path, Detail: "the app file gives it " + name})
			}
		}
	}
	n += len(in.Asked.Executable)
	if policy.Forbids(e.policy.Gate.ForbiddenRights, policy.ExecWritable) {
		for _, folder := range in.Asked.Executable {
			against = append(against, Violation{ID: policy.RuleRights, Path: folder, Detail: "the app file lets programs run that the service wrote there"})
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
	if in.Asked == nil {
		return notAsked(policy.RuleAltered, unasked)
	}
	saw := count(len(in.Asked.Alters), "path", "paths") + " of the system may be altered by the app"
	if e.policy.Gate.AllowAltered {
		return notAsked(policy.RuleAltered, "the policy allows that; "+saw)
	}
	against := make([]Violation, len(in.Asked.Alters))
	for i, path := range in.Asked.Alters {
		against[i] = Violation{ID: policy.RuleAltered, Path: path, Detail: "the app file alters what packages brought or root runs"}
	}
	return e.decide(policy.RuleAltered, against, map[string]int{"altered": len(in.Asked.Alters)}, saw)
}
