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

// Known returns how a case went for a kind of artifact, if it was tried.
func (r Results) Known(name, target string) (o Outcome, tried bool) {
	i := slices.IndexFunc(r.Outcomes, func(o Outcome) bool { return o.Case == name && o.Target == target })
	if i < 0 {
		return o, false
	}
	return r.Outcomes[i], true
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

// Page is the document about the results of the cases, in Markdown.
func (r Results) Page(cases []Case) string {
	var b strings.Builder
	fmt.Fprintf(&b, `# Apps that bake

<!-- Generated from test/corpus/results.json; run "go run ./test/corpus/all --write" after a change. -->

The corpus in [test/corpus](../test/corpus) is what people have: packaged services, and Dockerfiles of the shapes that public ones have, each an app file with a declared test. Every night all of them are baked as container and as disk; `+"`make test`"+` bakes a few of them each day. A case that is to be refused passes where the error says why, and what to do next. Some were baked a second time, from the same lock on another engine, and compared byte by byte.

Tried last on %s with Bakelite %s.

Of those tried, these pass:

| Cases | Container | Disk |
| --- | --- | --- |
`, r.At.UTC().Format("2 January 2006"), r.Bakelite)
	for _, kind := range Kinds() {
		fmt.Fprintf(&b, "| %d %s | %s | %s |\n", len(names(cases, kind)), kind, r.share(kind, "container"), r.share(kind, "disk"))
	}
	for _, kind := range Kinds() {
		fmt.Fprintf(&b, "\n## %s\n\n| Case | Container | Disk |\n| --- | --- | --- |\n", strings.ToUpper(kind[:1])+kind[1:])
		for _, name := range names(cases, kind) {
			fmt.Fprintf(&b, "| [%s](../test/corpus/%s) | %s | %s |\n", path.Base(name), name, r.cell(name, "container"), r.cell(name, "disk"))
		}
	}
	return b.String()
}

func (r Results) share(kind, target string) string {
	passed, tried := Share(r.Outcomes, kind, target)
	return fmt.Sprintf("%d of %d", passed, tried)
}

// names are the cases of a kind, in order.
func names(cases []Case, kind string) []string {
	var names []string
	for _, c := range cases {
		if path.Dir(c.Name) == kind {
			names = append(names, c.Name)
		}
	}
	return names
}

func (r Results) cell(name, target string) string {
	o, tried := r.Known(name, target)
	switch {
	case !tried:
		return "not tried"
	case o.Passed && o.Refused:
		return "refused as said"
	case o.Passed:
		return strings.TrimSuffix(fmt.Sprintf("passes, %d tests; %s", o.Tests, o.Twice), "; ")
	}
	return "**fails**: " + strings.NewReplacer("|", `\|`, "\n", " ", "<", "&lt;").Replace(o.Why)
}
