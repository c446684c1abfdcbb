package report

import "github.com/bakelite/bakelite/internal/policy"

// want is what a rule of the gate expects, and what to do where it is not so.
type want struct{ expected, fix string }

func wantOf(rule string) want {
	if w, ok := wants()[rule]; ok {
		return w
	}
	return want{"the rule " + rule + " passes", "read what the rule saw"}
}

func wants() map[string]want {
	return map[string]want{
		policy.RuleReport:          {"a scan report of this very artifact, with all packages that its lock put into it", "build anew from the lock, and publish that"},
		policy.RuleUnlocked:        {"no package of the distribution but those of the lock", "name the package in the app file, or leave out the step that brings it"},
		policy.RuleAltered:         {"files of packages, and what root runs, as the packages brought them", "put the app's files elsewhere"},
		policy.RuleRights:          {"no right that the policy forbids", "take the right out of the app file"},
		policy.RuleDatabase:        {"a database as young as the policy asks for", "fetch a newer database, and publish again"},
		policy.RuleVulnerabilities: {"no known vulnerability that the policy counts", "no fix is known: leave the package out, or state with VEX that it is not reached"},
		policy.RuleSecrets:         {"no file that looks like a key or a password", "take the file out of the image; hand secrets over when the service starts"},
		policy.RulePackages:        {"no package that the policy forbids", "leave the package out, or what depends on it"},
		policy.RuleLicences:        {"no package under a licence that the policy forbids", "leave the package out, or what depends on it"},
		policy.RuleHardening:       {"the controls that the policy requires hold", "mend the controls that fail"},
		policy.RuleTests:           {"the declared tests ran and passed", "build without --skip-tests, and mend what fails"},
		policy.RuleWaivers:         {"no waiver whose last day is over", "mend what it let through, or give it a new day in the policy"},
	}
}
