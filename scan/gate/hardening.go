package gate

import (
	"fmt"
	"slices"

	"github.com/bakelite/bakelite/internal/policy"
	"github.com/bakelite/bakelite/scan/controls"
)

// Hardening judges the hardening of an input alone, by its policy and waivers.
func Hardening(in Input) Rule { return newCourt(in).hardening(in.Hardening) }

// hardening asks for every control that the policy requires, and for a share
// of the others. Controls that do not apply count for nothing, and so do those
// that are waived; nothing at all is not enough.
func (c *court) hardening(results []controls.Result) Rule {
	score := controls.ScoreOf(results)
	saw := fmt.Sprintf("%s controls pass", score)
	if score.NotApplicable > 0 {
		saw += fmt.Sprintf(", %d do not apply", score.NotApplicable)
	}
	counts := map[string]int{"passed": score.Passed, "failed": score.Failed, "notApplicable": score.NotApplicable}
	required, others := split(results, c.policy.Gate.RequiredControls)
	least := c.policy.Gate.MinHardening
	if len(c.requirements()) == 0 && least <= 0 {
		r := notAsked(policy.RuleHardening, "the policy asks for none; "+saw)
		r.Counts = counts
		return r
	}
	if score.Passed+score.Failed == 0 {
		return c.decide(policy.RuleHardening, []Offender{{ID: policy.RuleHardening, Detail: "no control was checked"}}, counts, saw)
	}
	failing, waived := c.share(others, least)
	if len(failing) > 0 {
		saw += "; " + failing[len(failing)-1].Detail
	}
	r := c.decide(policy.RuleHardening, append(offenders(required), failing...), counts, saw)
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
func (c *court) requirements() []string {
	return slices.DeleteFunc(slices.Clone(c.policy.Gate.RequiredControls), func(r string) bool { return r == policy.None })
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

func offenders(results []controls.Result) []Offender {
	var all []Offender
	for _, r := range results {
		if !r.Passed {
			all = append(all, Offender{ID: r.ID, Detail: r.Title + ": " + r.Detail})
		}
	}
	return all
}

// share asks for a share of controls in percent. It returns what lacks, with
// the controls that failed, and how many of these are waived: they count for
// nothing. A share of nothing is enough where other controls are required.
func (c *court) share(others []controls.Result, least int) (failing []Offender, waived int) {
	score := controls.ScoreOf(others)
	all := score.Passed + score.Failed
	if least <= 0 || enough(score.Passed, all, least) || all == 0 && len(c.requirements()) > 0 {
		return nil, 0
	}
	for _, o := range offenders(others) {
		if c.waivers.letThrough("", o) {
			waived++
		} else {
			failing = append(failing, o)
		}
	}
	if enough(score.Passed, all-waived, least) {
		return nil, waived
	}
	lack := fmt.Sprintf("of those that are not required %s pass: %d%% are asked for", score, least)
	return append(failing, Offender{ID: policy.RuleHardening, Detail: lack}), waived
}

// enough says whether part of all is at least percent; of nothing it is not.
func enough(part, all, percent int) bool { return all > 0 && part*100 >= percent*all }
