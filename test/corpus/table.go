package corpus

import (
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path"
	"slices"
	"strings"
	"time"
)

// Results are the outcomes of one run, as results.json keeps them.
type Results struct {
	// Bakelite is the version that was tried, At when.
	Bakelite string    `json:"bakelite"`
	At       time.Time `json:"at"`
	Outcomes []Outcome `json:"outcomes"`
}

// ReadResults reads the results that are kept in a file; none are none.
func ReadResults(path string) (r Results, err error) {
	text, err := os.ReadFile(path)
	if errors.Is(err, fs.ErrNotExist) {
		return r, nil
	}
	if err == nil {
		err = json.Unmarshal(text, &r)
	}
	if err != nil {
		return r, fmt.Errorf("reading results: %w", err)
	}
	return r, nil
}

// Fails says whether a case is known to fail for a kind of artifact. One that
// was never tried is not.
func (r Results) Fails(name, target string) bool {
	return slices.ContainsFunc(r.Outcomes, func(o Outcome) bool { return o.Case == name && o.Target == target && !o.Passed })
}

// With replaces the outcomes of the same case and target, and adds the others,
// sorted as Cases sorts them.
func (r Results) With(newer []Outcome) Results {
	all := slices.DeleteFunc(slices.Clone(r.Outcomes), func(old Outcome) bool {
		return slices.ContainsFunc(newer, func(n Outcome) bool { return n.Case == old.Case && n.Target == old.Target })
	})
	all = append(all, newer...)
	slices.SortFunc(all, func(a, b Outcome) int { return strings.Compare(order(a), order(b)) })
	r.Outcomes = all
	return r
}

func order(o Outcome) string {
	kind, name := path.Split(o.Case)
	return fmt.Sprintf("%02d %s %s", slices.Index(Kinds(), path.Clean(kind)), name, o.Target)
}

// Share counts the outcomes of a kind of cases and of artifacts.
func Share(all []Outcome, kind, target string) (passed, tried int) {
	for _, o := range all {
		if path.Dir(o.Case) != kind || o.Target != target {
			continue
		}
		if tried++; o.Passed {
			passed++
		}
	}
	return passed, tried
}

// Page is the document about the results, in Markdown.
func (r Results) Page() string {
	var b strings.Builder
	fmt.Fprintf(&b, `# Apps that bake

<!-- Generated from test/corpus/results.json; run "go run ./test/corpus/all --write" after a change. -->

The corpus in [test/corpus](../test/corpus) is what people have: packaged services, and Dockerfiles of the shapes that public ones have, each an app file with a declared test. Every night all of them are baked as container and as disk; `+"`make test`"+` bakes a few of them each day. A case that is to be refused passes where the error says why, and what to do next.

Tried last on %s with Bakelite %s.

| Cases | Container | Disk |
| --- | --- | --- |
`, r.At.UTC().Format("2 January 2006"), r.Bakelite)
	for _, kind := range Kinds() {
		fmt.Fprintf(&b, "| %s | %s | %s |\n", kind, r.share(kind, "container"), r.share(kind, "disk"))
	}
	for _, kind := range Kinds() {
		fmt.Fprintf(&b, "\n## %s\n\n| Case | Container | Disk |\n| --- | --- | --- |\n", strings.ToUpper(kind[:1])+kind[1:])
		for _, name := range r.names(kind) {
			fmt.Fprintf(&b, "| [%s](../test/corpus/%s) | %s | %s |\n", path.Base(name), name, r.cell(name, "container"), r.cell(name, "disk"))
		}
	}
	return b.String()
}

func (r Results) share(kind, target string) string {
	passed, tried := Share(r.Outcomes, kind, target)
	return fmt.Sprintf("%d of %d", passed, tried)
}

// names are the cases of a kind that were tried, in order.
func (r Results) names(kind string) []string {
	var names []string
	for _, o := range r.Outcomes {
		if path.Dir(o.Case) == kind {
			names = append(names, o.Case)
		}
	}
	return slices.Compact(names)
}

func (r Results) cell(name, target string) string {
	for _, o := range r.Outcomes {
		switch {
		case o.Case != name || o.Target != target:
		case o.Passed && o.Refused:
			return "refused as said"
		case o.Passed:
			return fmt.Sprintf("passes, %d tests", o.Tests)
		default:
			return "**fails**: " + strings.NewReplacer("|", `\|`, "\n", " ", "<", "&lt;").Replace(o.Why)
		}
	}
	return "not tried"
}
