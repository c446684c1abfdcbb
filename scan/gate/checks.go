package gate

import (
	"fmt"
	"slices"

	"github.com/bakelite/bakelite/internal/policy"
)

// hardening asks for a share of controls that pass; those that do not apply
// count for nothing, and so do those that are waived.
func (c *court) hardening(h Hardening) Rule {
	least := c.policy.Gate.MinHardening
	failed := max(h.Failed, 0)
	passed := max(h.Passed, 0)
	if least <= 0 {
		return notAsked(policy.RuleHardening, fmt.Sprintf("the policy asks for no share; %d of %d controls pass", passed, passed+failed))
	}
	controls := slices.Compact(slices.Sorted(slices.Values(h.FailedControls)))
	saw := fmt.Sprintf("%d of %d controls pass; %d%% are asked for", passed, passed+failed, least)
	counts := map[string]int{"passed": passed, "failed": failed, "notApplicable": h.NotApplicable}
	if enough(passed, passed+failed, least) {
		return Rule{Name: policy.RuleHardening, Outcome: Pass, Saw: saw, Counts: counts}
	}
	return c.lackHardening(passed, failed, controls, counts, saw)
}

// lackHardening asks the waivers what they say of a share that is too small:
// those of single controls first, then those of the rule.
func (c *court) lackHardening(passed, failed int, controls []string, counts map[string]int, saw string) Rule {
	var against []Offender
	for _, id := range controls[:min(len(controls), failed)] {
		if o := (Offender{ID: id}); !c.waivers.letThrough("", o) {
			against = append(against, o)
		}
	}
	waived := min(len(controls), failed) - len(against)
	if waived > 0 {
		counts["waived"] = waived
		saw += fmt.Sprintf("; %d waived", waived)
	}
	if waived > 0 && enough(passed, passed+failed-waived, c.policy.Gate.MinHardening) {
		return Rule{Name: policy.RuleHardening, Outcome: Waived, Saw: saw, Counts: counts}
	}
	whole := Offender{ID: policy.RuleHardening, Detail: saw}
	if c.waivers.letThrough(policy.RuleHardening, whole) {
		return Rule{Name: policy.RuleHardening, Outcome: Waived, Saw: saw + "; the rule is waived", Counts: counts}
	}
	r := ruleOf(policy.RuleHardening, append(against, whole), saw)
	r.Counts = counts
	return r
}

// enough says whether part of all is at least percent; of nothing it is not.
func enough(part, all, percent int) bool { return all > 0 && part*100 >= percent*all }

// tests asks that tests ran and passed. A failed test fails in every mode and
// nothing waives it.
func (c *court) tests(t Tests) Rule {
	counts := map[string]int{"passed": t.Passed, "failed": t.Failed}
	saw := fmt.Sprintf("%d passed, %d failed", t.Passed, t.Failed)
	skipped := t.Skipped
	switch {
	case t.Failed > 0:
		r := ruleOf(policy.RuleTests, []Offender{{ID: policy.RuleTests, Detail: saw}}, saw)
		r.Counts, r.hard = counts, true
		return r
	case skipped:
		saw += "; the declared tests were left out"
	case t.Passed <= 0:
		skipped, saw = true, "no test ran"
	}
	if !skipped || c.policy.Gate.AllowSkippedTests {
		return Rule{Name: policy.RuleTests, Outcome: Pass, Saw: saw, Counts: counts}
	}
	return c.decide(policy.RuleTests, []Offender{{ID: policy.RuleTests, Detail: saw}}, counts, saw)
}
