package attest

import (
	"bytes"
	"encoding/json"
	"maps"
	"reflect"
	"slices"
	"strings"
	"time"

	"github.com/bakelite/bakelite/publish/intoto"
)

// varies has the types of statements that depend on the build alone, and so
// may be reused. With each are the parts in which two that say the same differ:
// times, the name of a run and the number of a document.
var varies = map[string][]string{
	intoto.SignatureType:  {},
	intoto.ProvenanceType: {"runDetails.metadata"},
	intoto.CycloneDXType:  {"serialNumber", "metadata.timestamp"},
	intoto.SPDXType:       {"documentNamespace", "creationInfo.created", "packages.annotations.annotationDate"},
	intoto.TestsType:      {"ran", "results.seconds"},
	intoto.LockType:       {},
}

// dated has the date of those types of which readers take the newest.
var dated = map[string]string{
	intoto.ProvenanceType: "runDetails.metadata.finishedOn",
	intoto.TestsType:      "ran",
}

// Lasting returns the predicate types of statements that depend on the build
// alone, sorted: one that was attached before may be reused (Order.Attached).
func Lasting() []string { return slices.Sorted(maps.Keys(varies)) }

// claim is what a statement says, without the parts that vary.
type claim struct {
	subjects  []intoto.Named
	predicate any
	date      time.Time
}

func (c claim) says(other claim) bool {
	return reflect.DeepEqual(c.subjects, other.subjects) && reflect.DeepEqual(c.predicate, other.predicate)
}

// claimOf returns false for a type that does not last.
func claimOf(p intoto.Parsed) (claim, bool) {
	parts, lasts := varies[p.Kind]
	if !lasts {
		return claim{}, false
	}
	c := claim{subjects: p.Subjects}
	numbers := json.NewDecoder(bytes.NewReader(p.Predicate))
	numbers.UseNumber()
	if err := numbers.Decode(&c.predicate); err != nil {
		return claim{}, false
	}
	if text, ok := valueAt(c.predicate, dated[p.Kind]).(string); ok {
		c.date, _ = time.Parse(time.RFC3339, text)
	}
	for _, path := range parts {
		drop(c.predicate, strings.Split(path, "."))
	}
	return c, true
}

// valueAt returns the value at a path of keys, or nil.
func valueAt(value any, path string) any {
	for key := range strings.SplitSeq(path, ".") {
		object, _ := value.(map[string]any)
		value = object[key]
	}
	return value
}

// drop removes what is at a path of keys, in each element of a list on it.
func drop(value any, path []string) {
	switch v := value.(type) {
	case []any:
		for _, element := range v {
			drop(element, path)
		}
	case map[string]any:
		if len(path) == 1 {
			delete(v, path[0])
			return
		}
		drop(v[path[0]], path[1:])
	}
}

// attachedBundle is a bundle whose signature holds, with its claim.
type attachedBundle struct {
	claim
	text []byte
}

// reused returns for each statement the bundle that states it already, or an
// empty one: it says the same by the same signer, who said nothing else since.
// What cannot be read or does not hold is passed over.
func (t trust) reused(o Order, statements []intoto.Statement, by Identity) []Bundle {
	bundles := make([]Bundle, len(statements))
	there := t.attached(o, by)
	for i, s := range statements {
		if len(there[s.PredicateType]) == 0 {
			continue
		}
		payload, err := intoto.Encode(o.Subject, s)
		if err != nil {
			continue // signing it gives the error
		}
		p, err := intoto.Parse(payload)
		if err != nil {
			continue
		}
		if c, ok := claimOf(p); ok {
			bundles[i] = reuse(c, s.PredicateType, there[s.PredicateType])
		}
	}
	return bundles
}

// attached returns what one signer said before, by type.
func (t trust) attached(o Order, by Identity) map[string][]attachedBundle {
	all := map[string][]attachedBundle{}
	for _, text := range o.Attached {
		b, err := openBundle(text)
		if err != nil {
			continue
		}
		// Nobody else's text is looked into: what others wrote can be made
		// to take twenty times its size.
		v, err := t.verify(b, o.Subject.Digest, o.Want.Now)
		if err != nil || v.Identity != by || !asWritten(text) {
			continue
		}
		if c, ok := claimOf(b.Parsed); ok {
			all[b.Kind] = append(all[b.Kind], attachedBundle{c, text})
		}
	}
	return all
}

// asWritten says whether a bundle has the form in which makeBundle writes it.
// The signature does not cover that: anybody can attach ours with more white
// space, which is no line of a file of bundles.
func asWritten(text []byte) bool {
	var compact bytes.Buffer
	return json.Compact(&compact, text) == nil && bytes.Equal(compact.Bytes(), text)
}

// reuse returns the bundle that says the same, where none that readers would
// take for newer says something else.
func reuse(now claim, kind string, before []attachedBundle) Bundle {
	var newest time.Time
	for _, b := range before {
		if b.date.After(newest) && !b.date.After(now.date) {
			newest = b.date
		}
	}
	for _, b := range before {
		if !b.date.Before(newest) && b.says(now) {
			return Bundle{PredicateType: kind, JSON: b.text, Reused: true}
		}
	}
	return Bundle{}
}
