package gate

import (
	"cmp"
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/openvex/go-vex/pkg/vex"

	"github.com/bakelite/bakelite/scan"
)

// statements are those of all documents, by the vulnerability's names.
type statements struct {
	byID map[string][]*statement
	all  []*statement
	now  time.Time
	// artifact is the artifact as a VEX product: a package URL of type oci,
	// whatever its kind, and its digest's hex digits.
	artifact, hex string
}

type statement struct {
	*vex.Statement
	at      time.Time
	told    Statement
	matched int
}

func newStatements(in Input, now time.Time) *statements {
	ss := &statements{byID: map[string][]*statement{}, now: now}
	if digestForm.MatchString(in.Digest) {
		ss.hex = strings.TrimPrefix(in.Digest, "sha256:")
		ss.artifact = fmt.Sprintf("pkg:oci/%s@sha256%%3A%s", in.App, ss.hex)
	}
	for d := range in.VEX {
		for i := range in.VEX[d].vex.Statements {
			ss.add(&in.VEX[d], &in.VEX[d].vex.Statements[i])
		}
	}
	return ss
}

func (ss *statements) add(d *Document, s *vex.Statement) {
	entry := &statement{Statement: s, at: timeOf(&d.vex, s), told: Statement{
		Document: cmp.Or(d.vex.ID, d.name), Author: d.vex.Author, Vulnerability: string(s.Vulnerability.Name),
		Status: string(s.Status), Justification: cmp.Or(string(s.Justification), s.ImpactStatement),
	}}
	ss.all = append(ss.all, entry)
	ids := []string{s.Vulnerability.ID, string(s.Vulnerability.Name)}
	for _, alias := range s.Vulnerability.Aliases {
		ids = append(ids, string(alias))
	}
	slices.Sort(ids)
	for _, id := range slices.Compact(ids) {
		if id != "" {
			ss.byID[id] = append(ss.byID[id], entry)
		}
	}
}

// suppress says whether the newest statement about a finding says that it
// does no harm. Of statements of the same time one that warns counts, and one
// from the future suppresses nothing.
func (ss *statements) suppress(f scan.Finding) bool {
	var newest *statement
	for _, s := range ss.byID[f.ID] {
		if ss.speaksOf(s, f) && (newest == nil || s.at.After(newest.at) || s.at.Equal(newest.at) && !s.harmless()) {
			newest = s
		}
	}
	if newest == nil || !newest.harmless() || newest.at.After(ss.now.Add(maxSkew)) {
		return false
	}
	newest.matched++
	return true
}

func (s *statement) harmless() bool {
	return s.Status == vex.StatusNotAffected || s.Status == vex.StatusFixed
}

// speaksOf says whether one of the products is the finding's package, or the
// artifact with that package, or the artifact as a whole.
func (ss *statements) speaksOf(s *statement, f scan.Finding) bool {
	return slices.ContainsFunc(s.Products, func(p vex.Product) bool {
		if len(p.Subcomponents) > 0 && !slices.ContainsFunc(p.Subcomponents, func(sub vex.Subcomponent) bool {
			return is(sub.Component, f.PURL)
		}) {
			return false
		}
		return is(p.Component, f.PURL) || is(p.Component, ss.artifact) || ss.hex != "" && string(p.Hashes[vex.SHA256]) == ss.hex
	})
}

// is says whether c is what identifier names; an empty one names nothing.
func is(c vex.Component, identifier string) bool { return identifier != "" && c.Matches(identifier) }

// used returns the statements that suppressed something, sorted.
func (ss *statements) used() []Statement {
	used := []Statement{}
	for _, s := range ss.all {
		if s.matched > 0 {
			s.told.Matched = s.matched
			used = append(used, s.told)
		}
	}
	slices.SortFunc(used, func(a, b Statement) int {
		return cmp.Or(strings.Compare(a.Document, b.Document), strings.Compare(a.Vulnerability, b.Vulnerability),
			strings.Compare(a.Status, b.Status), strings.Compare(a.Justification, b.Justification), cmp.Compare(a.Matched, b.Matched))
	})
	return used
}
