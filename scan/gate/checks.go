package gate

import (
	"fmt"

	"github.com/bakelite/bakelite/internal/policy"
)

// tests asks that tests ran and passed. A failed test fails in every mode and
// nothing waives it.
func (e *evaluator) tests(t Tests) Rule {
	counts := map[string]int{"passed": t.Passed, "failed": t.Failed}
	saw := fmt.Sprintf("%d passed, %d failed", t.Passed, t.Failed)
	skipped := t.Skipped
	switch {
	case t.Failed > 0:
		r := ruleOf(policy.RuleTests, []Violation{{ID: policy.RuleTests, Detail: saw}}, saw)
		r.Counts, r.hard = counts, true
		return r
	case skipped:
		saw += "; the declared tests were left out"
	case t.Passed <= 0:
		skipped, saw = true, "no test ran"
	}
	if !skipped || e.policy.Gate.AllowSkippedTests {
		return Rule{Name: policy.RuleTests, Outcome: Pass, Saw: saw, Counts: counts}
	}
	return e.decide(policy.RuleTests, []Violation{{ID: policy.RuleTests, Detail: saw}}, counts, saw)
}
