package policy

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
