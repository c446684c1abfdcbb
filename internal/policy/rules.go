package policy

import "slices"

// Rules of the gate, by the name that verdicts and waivers use.
const (
	RuleReport          = "report"
	RuleUnlocked        = "unlocked-packages"
	RuleAltered         = "altered-system"
	RuleRights          = "rights"
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
		RuleUnlocked, RuleAltered, RuleRights, RuleDatabase, RuleVulnerabilities, RuleSecrets, RulePackages, RuleLicences, RuleHardening, RuleTests,
	}
}

// The words of Gate.RequiredControls that stand for all controls of a level.
const (
	levelOne = "level 1"
	levelTwo = "level 2"
)

// The words of Gate.ForbiddenRights that stand for no single capability.
const (
	SetUID = "set-uid"
	SetGID = "set-gid"
	// ExecWritable is what service.allow has for programs in writable folders.
	ExecWritable = "exec-writable"
	all          = "all"
)

// Forbids says whether a list of forbidden rights has one: SetUID, SetGID,
// ExecWritable or a capability.
func Forbids(forbidden []string, right string) bool {
	return slices.Contains(forbidden, right) || slices.Contains(forbidden, all)
}

// Requires says whether a list of required controls has one, of a level.
func Requires(required []string, id string, level int) bool {
	return slices.Contains(required, id) || level == 1 && slices.Contains(required, levelOne) || level == 2 && slices.Contains(required, levelTwo)
}
