package gate

import (
	"cmp"
	"fmt"
	"slices"
	"strings"

	"github.com/bakelite/bakelite/internal/policy"
	"github.com/bakelite/bakelite/scan"
)

// identity is what the lock knows of a package. Advisories are matched by the
// source.
type identity struct{ name, arch, version, source, sourceVersion string }

func identityOf(p scan.Package) identity {
	return identity{
		p.Name, p.Arch, withoutEpoch(p.Version),
		cmp.Or(p.Source, p.Name), withoutEpoch(cmp.Or(p.SourceVersion, p.Version)),
	}
}

// withoutEpoch drops an epoch that is 0, which means the same (Debian Policy
// 5.6.12) and which some writers leave out.
func withoutEpoch(version string) string { return strings.TrimPrefix(version, "0:") }

func (i identity) String() string {
	text := i.version + " " + i.arch
	if i.source != i.name || i.sourceVersion != i.version {
		text += " of source " + i.source + " " + i.sourceVersion
	}
	return text
}

// unlike returns the packages of the lock that a report lacks, or knows by
// another version, architecture or source. What was trimmed may be missing.
func (l Locked) unlike(r scan.Report) []Violation {
	seen, byName := map[identity]bool{}, map[string]identity{}
	for _, p := range distributed(r) {
		i := identityOf(p)
		seen[i], byName[i.name] = true, i
	}
	var against []Violation
	for _, p := range l.Packages {
		i := identityOf(p)
		other, there := byName[i.name]
		if seen[i] || !there && slices.Contains(l.Trimmed, i.name) {
			continue
		}
		v := Violation{ID: policy.RuleReport, Package: i.name, Version: i.version, Detail: "is missing in the report; the lock has " + i.String()}
		if there {
			v.Detail = fmt.Sprintf("is %s in the report; the lock has %s", other, i)
		}
		against = append(against, v)
	}
	return against
}

// distributed returns the packages of the distribution in a report.
func distributed(r scan.Report) []scan.Package {
	return slices.DeleteFunc(slices.Clone(r.Packages), func(p scan.Package) bool { return p.Type != r.OS.Family })
}

// unlocked asks for content without packages of the distribution that the lock
// did not bring. Packages of languages are files of the app, which the lock
// pins.
func (e *evaluator) unlocked(in Input) Rule {
	if in.Locked == nil {
		return notAsked(policy.RuleUnlocked, "no lock was there")
	}
	known := map[identity]bool{}
	for _, p := range in.Locked.Packages {
		known[identityOf(p)] = true
	}
	var against []Violation
	for _, p := range distributed(*in.Report) {
		if !known[identityOf(p)] {
			against = append(against, Violation{ID: policy.RuleUnlocked, Package: p.Name, Version: p.Version, Path: p.Path, Detail: "is not from the lock"})
		}
	}
	if e.policy.Gate.AllowUnlockedPackages {
		return notAsked(policy.RuleUnlocked, fmt.Sprintf("the policy allows packages that are not from the lock; there are %d", len(against)))
	}
	counts := map[string]int{"unlocked": len(against)}
	return e.decide(policy.RuleUnlocked, against, counts, count(len(against), "package is", "packages are")+" not from the lock")
}
