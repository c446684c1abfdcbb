package gate

import (
	"fmt"
	"slices"
	"strings"

	"github.com/bakelite/bakelite/internal/policy"
	"github.com/bakelite/bakelite/scan"
)

// secrets asks for content without what looks like keys or passwords.
func (e *evaluator) secrets(secrets []scan.Secret) Rule {
	if e.policy.Gate.AllowSecrets {
		return notAsked(policy.RuleSecrets, fmt.Sprintf("the policy allows secrets; there are %d", len(secrets)))
	}
	against := make([]Violation, len(secrets))
	for i, s := range secrets {
		against[i] = Violation{ID: s.Rule, Severity: s.Severity, Path: s.Path, Detail: s.Title}
		if s.Line > 0 {
			against[i].Path, against[i].line = fmt.Sprintf("%s:%d", s.Path, s.Line), s.Line
		}
	}
	return e.decide(policy.RuleSecrets, against, map[string]int{"secrets": len(secrets)}, count(len(secrets), "place looks", "places look")+" like a secret")
}

// packages asks for content without certain packages.
func (e *evaluator) packages(packages []scan.Package) Rule {
	forbidden := e.policy.Gate.ForbiddenPackages
	if len(forbidden) == 0 {
		return notAsked(policy.RulePackages, "the policy forbids no package")
	}
	var against []Violation
	for _, p := range packages {
		i := slices.IndexFunc(forbidden, func(pattern string) bool { return matches(pattern, p.Name) })
		if i >= 0 {
			against = append(against, Violation{
				ID: policy.RulePackages, Package: p.Name, Version: p.Version, Path: p.Path, Detail: "forbidden by " + forbidden[i],
			})
		}
	}
	counts := map[string]int{"forbidden": len(against), "packages": len(packages)}
	return e.decide(policy.RulePackages, against, counts, fmt.Sprintf("%d of %d packages are forbidden", len(against), len(packages)))
}

// licences asks for content without packages under certain licences. Packages
// whose licence the scanner does not know pass.
func (e *evaluator) licences(packages []scan.Package) Rule {
	if len(e.policy.Gate.ForbiddenLicences) == 0 {
		return notAsked(policy.RuleLicences, "the policy forbids no licence")
	}
	var against []Violation
	unknown := 0
	for _, p := range packages {
		if len(p.Licences) == 0 {
			unknown++
		}
		if bad := e.forbiddenLicence(p.Licences); bad != "" {
			against = append(against, Violation{
				ID: policy.RuleLicences, Package: p.Name, Version: p.Version, Path: p.Path, Detail: "under " + bad,
			})
		}
	}
	counts := map[string]int{"forbidden": len(against), "packages": len(packages), "unknown": unknown}
	return e.decide(policy.RuleLicences, against, counts, fmt.Sprintf("%d of %d packages are under a forbidden licence; of %d none is known", len(against), len(packages), unknown))
}

// forbiddenLicence returns the first of licences that is forbidden, in the
// order of their text. Of an expression each identifier counts: which of them
// the package is used under nobody here can tell. SPDX identifiers do not
// differ by case (SPDX 2.3, annex D).
func (e *evaluator) forbiddenLicence(licences []string) string {
	for _, licence := range slices.Sorted(slices.Values(licences)) {
		ids := append(strings.FieldsFunc(licence, func(r rune) bool { return strings.ContainsRune(" ()", r) }), licence)
		for _, pattern := range e.policy.Gate.ForbiddenLicences {
			if slices.ContainsFunc(ids, func(id string) bool { return matches(strings.ToLower(pattern), strings.ToLower(id)) }) {
				return licence
			}
		}
	}
	return ""
}

func count(n int, one, many string) string {
	if n == 1 {
		return "1 " + one
	}
	return fmt.Sprintf("%d %s", n, many)
}
