package attest

import (
	"encoding/json"
	"fmt"
	"slices"
	"strings"
	"time"

	version "github.com/knqyf263/go-deb-version"

	"github.com/bakelite/bakelite/internal/fault"
	"github.com/bakelite/bakelite/publish/intoto"
)

// Name is what an artifact is, or may be; an empty part is any.
type Name struct {
	App string
	// Kind is "container" or "disk".
	Kind string
}

// String says it in words.
func (n Name) String() string {
	switch {
	case n.App == "":
		return "a " + n.Kind
	case n.Kind == "":
		return fmt.Sprintf("%q", n.App)
	}
	return fmt.Sprintf("the %s %q", n.Kind, n.App)
}

func (n Name) fits(asked Name) bool {
	return (asked.App == "" || n.App == asked.App) && (asked.Kind == "" || n.Kind == asked.Kind)
}

// judgeName compares what the statements say that the artifact is with each
// other, and with what it was asked for as: another app of the same signer is
// not what a name promises.
func (s *Summary) judgeName(r *refusal, want All) {
	var told []Name
	for _, v := range s.of(intoto.ProvenanceType, intoto.VerdictType) {
		if n := nameOf(v); !slices.Contains(told, n) {
			told = append(told, n)
		}
	}
	switch {
	case len(told) > 1:
		r.add(fault.Policy, "the statements disagree what it is: %s and %s", told[0], told[1])
	case len(told) == 1:
		s.App, s.Kind = told[0].App, told[0].Kind
		if len(want.Names) > 0 && !slices.ContainsFunc(want.Names, told[0].fits) {
			r.add(fault.Policy, "it is %s and was asked for as %s; where that is meant, say so with --app", told[0], either(want.Names))
		}
	case len(want.Names) > 0:
		r.add(fault.Policy, "no provenance and no verdict by an allowed signer says what it is")
	}
	for _, v := range s.of(intoto.LockType) {
		var l struct{ App string }
		if err := json.Unmarshal(v.Predicate, &l); err != nil || s.App != "" && l.App != s.App {
			r.add(fault.Policy, "the lock is of the app %.80q, not %q", l.App, s.App)
		}
	}
}

func nameOf(v Verified) (n Name) {
	if v.PredicateType == intoto.VerdictType {
		var verdict struct{ App, ArtifactKind string }
		_ = json.Unmarshal(v.Predicate, &verdict) // what cannot be read is judged elsewhere
		return Name{verdict.App, verdict.ArtifactKind}
	}
	var p intoto.Provenance
	_ = json.Unmarshal(v.Predicate, &p)
	return Name{p.BuildDefinition.ExternalParameters.App.Name, p.BuildDefinition.InternalParameters.ArtifactKind}
}

func either(names []Name) string {
	var words []string
	for _, n := range names {
		words = append(words, n.String())
	}
	return strings.Join(words, " or ")
}

// judgeVersion asks the provenance how new the artifact is. Of one that was
// published under several versions the greatest counts.
func (s *Summary) judgeVersion(r *refusal, want All) {
	var made time.Time
	for _, v := range s.of(intoto.ProvenanceType) {
		var p intoto.Provenance
		if json.Unmarshal(v.Predicate, &p) != nil {
			continue // judgeProvenance says so
		}
		if got := p.BuildDefinition.ExternalParameters.Version; s.Version == "" || less(s.Version, got) {
			s.Version = got
		}
		if at := p.RunDetails.Metadata.FinishedOn; at.After(made) && !at.After(want.Now.Add(maxSkew)) {
			made = at
		}
	}
	if want.MinVersion != "" && (s.Version == "" || less(s.Version, want.MinVersion)) {
		r.add(fault.Policy, "it was published as version %q, and %q or a later one was asked for", s.Version, want.MinVersion)
	}
	if !want.Since.IsZero() && made.Before(want.Since) {
		r.add(fault.Policy, "it was made at %s, before %s", stamp(made), stamp(want.Since))
	}
}

// less compares versions as Debian does, where 1.10 is later than 1.9; one that
// has no such form is before all others.
func less(a, b string) bool {
	x, err := version.NewVersion(strings.TrimPrefix(a, "v"))
	y, err2 := version.NewVersion(strings.TrimPrefix(b, "v"))
	if err != nil || err2 != nil {
		return err2 == nil
	}
	return x.LessThan(y)
}

// CheckVersion refuses what no version is later than, as fault.Invalid.
func CheckVersion(text string) error {
	if !version.Valid(strings.TrimPrefix(text, "v")) {
		return fault.New(fault.Invalid, "%q is not a version that others can be compared with", text)
	}
	return nil
}
