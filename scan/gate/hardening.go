package gate

import (
	"fmt"
	"slices"

	"github.com/bakelite/bakelite/internal/policy"
	"github.com/bakelite/bakelite/scan/controls"
)

// Hardening judges the hardening of an input alone, by its policy and waivers.
func Hardening(in Input) Rule { return newEvaluator(in).hardening(in.Hardening) }

// hardening asks for every control that the policy requires, and for a share
// of the others. Controls that do not apply count for nothing, and so do those
// that are waived; nothing at all is not enough.
func (e *evaluator) hardening(results []controls.Result) Rule {
	score := controls.ScoreOf(results)
	saw := fmt.Sprintf("%s controls pass", score)
	if score.NotApplicable > 0 {
		saw += fmt.Sprintf(", %d do not apply", score.NotApplicable)
	}
	counts := map[string]int{"passed": score.Passed, "failed": score.Failed, "notApplicable": score.NotApplicable}
	required, others := split(results, e.policy.Gate.RequiredControls)
	least := e.policy.Gate.MinHardening
	if len(e.requirements()) == 0 && least <= 0 {
		r := notAsked(policy.RuleHardening, "the policy asks for none; "+saw)
		r.Counts = counts
		return r
	}
	if score.Passed+score.Failed == 0 {
		return e.decide(policy.RuleHardening, []Violation{{ID: policy.RuleHardening, Detail: "no control was checked"}}, counts, saw)
	}
	failing, waived := e.share(others, least)
	if len(failing) > 0 {
		saw += "; " + failing[len(failing)-1].Detail
	}
	r := e.decide(policy.RuleHardening, append(violations(required), failing...), counts, saw)
	if waived > 0 {
		r.Saw += fmt.Sprintf("; %d waived of those that are not required", waived)
		r.Counts["waived"] += waived
		if r.Outcome == Pass {
			r.Outcome = Waived
		}
	}
	return r
}

// requirements are what the policy requires of controls.
func (e *evaluator) requirements() []string {
	return slices.DeleteFunc(slices.Clone(e.policy.Gate.RequiredControls), func(r string) bool { return r == policy.None })
}

// split tells the results that are required from the others.
func split(results []controls.Result, required []string) (asked, others []controls.Result) {
	for _, r := range results {
		if policy.Requires(required, r.ID, r.Level) {
			asked = append(asked, r)
		} else {
			others = append(others, r)
		}
	}
	return asked, others
}

func violations(results []controls.Result) []Violation {
	var all []Violation
	for _, r := range results {
		if !r.Passed {
			all = append(all, Violation{ID: r.ID, Detail: r.Title + ": " + r.Detail})
		}
	}
	return all
}

// share asks for a share of controls in percent. It returns what lacks, with
// the controls that failed, and how many of these are waived: they count for
// nothing. A share of nothing is enough where other controls are required.
func (e *evaluator) share(others []controls.Result, least int) (failing []Violation, waived int) {
	score := controls.ScoreOf(others)
	all := score.Passed + score.Failed
	if least <= 0 || enough(score.Passed, all, least) || all == 0 && len(e.requirements()) > 0 {
		return nil, 0
	}
	for _, v := range violations(others) {
		if e.waivers.letThrough("", v) {
			waived++
		} else {
			failing = append(failing, v)
		}
	}
	if enough(score.Passed, all-waived, least) {
		return nil, waived
	}
	lack := fmt.Sprintf("of those that are not required %s pass: %d%% are asked for", score, least)
	return append(failing, Violation{ID: policy.RuleHardening, Detail: lack}), waived
}

// enough says whether part of all is at least percent; of nothing it is not.
func enough(part, all, percent int) bool { return all > 0 && part*100 >= percent*all }
