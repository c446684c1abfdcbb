package policy

import "slices"

// Rules of the gate, by the name that verdicts and waivers use.
const (
	RuleReport          = "report"
	RuleUnlocked        = "unlocked-packages"
	RuleDatabase        = "database"
	RuleVulnerabilities = "vulnerabilities"
	RuleSecrets         = "secrets"
	RulePackages        = "forbidden-packages"
	RuleLicences        = "forbidden-licences"
	RuleHardening       = "hardening"
	RuleTests           = "tests"
	RuleWaivers         = "waivers"
)

// WaivableRules lists the rules that a waiver may name as a whole. Nothing
// waives the need for a report of this very artifact that says what its lock
// says, or a waiver's expiry.
func WaivableRules() []string {
	return []string{
		RuleUnlocked, RuleDatabase, RuleVulnerabilities, RuleSecrets, RulePackages, RuleLicences, RuleHardening, RuleTests,
	}
}

// The words of Gate.RequiredControls that stand for all controls of a level.
const (
	levelOne = "level 1"
	levelTwo = "level 2"
)

// Requires says whether a list of required controls has one, of a level.
func Requires(required []string, id string, level int) bool {
	return slices.Contains(required, id) || level == 1 && slices.Contains(required, levelOne) || level == 2 && slices.Contains(required, levelTwo)
}
