package controls

import (
	"strings"
	"testing"

	"github.com/bakelite/bakelite/internal/fault"
)

func twoControls() []Control {
	return []Control{{ID: "BK-AA-01", Title: "The first one", Level: 1}, {ID: "BK-AA-02", Title: "The second one", Level: 2}}
}

func twoResults() []Result {
	return []Result{{ID: "BK-AA-01", Title: "The first one", Level: 1, Passed: true}, {ID: "BK-AA-02", Title: "The second one", Level: 2, Detail: "/x is there"}}
}

func TestCompleteTakesOneResultForEachControl(t *testing.T) {
	if err := Complete(twoResults(), twoControls()); err != nil {
		t.Error(err)
	}
}

func TestCompleteRefuses(t *testing.T) {
	for name, change := range map[string]func(r []Result) []Result{
		"nothing":              func([]Result) []Result { return nil },
		"a missing control":    func(r []Result) []Result { return r[:1] },
		"a control more":       func(r []Result) []Result { return append(r, r[0]) },
		"a control twice":      func(r []Result) []Result { return []Result{r[0], r[0]} },
		"another order":        func(r []Result) []Result { return []Result{r[1], r[0]} },
		"another title":        func(r []Result) []Result { r[0].Title = "x"; return r },
		"another level":        func(r []Result) []Result { r[0].Level = 2; return r },
		"a control sign":       func(r []Result) []Result { r[1].Detail = "\x1b[2J"; return r },
		"a long detail":        func(r []Result) []Result { r[1].Detail = strings.Repeat("x", MaxDetail+1); return r },
		"failed and not asked": func(r []Result) []Result { r[1].NotApplicable = true; return r },
	} {
		err := Complete(change(twoResults()), twoControls())
		if fault.KindOf(err) != fault.Build || fault.HintOf(err) == "" {
			t.Errorf("%s: the error is %v", name, err)
		}
	}
}

func TestScoreCountsWhatDoesNotApplyApart(t *testing.T) {
	s := ScoreOf(append(twoResults(), Result{Passed: true, NotApplicable: true}))
	if s != (Score{Passed: 1, Failed: 1, NotApplicable: 1}) || s.String() != "1 of 2" {
		t.Errorf("the score is %+v", s)
	}
}

// TestMerge has a control hold where it fails in none of the checks, and not
// apply where it applies in none.
func TestMerge(t *testing.T) {
	pass, fail, none := Result{ID: "a", Passed: true, Detail: "p"}, Result{ID: "a", Detail: "f"}, Result{ID: "a", Passed: true, NotApplicable: true, Detail: "n"}
	for _, test := range []struct{ first, second, want Result }{
		{pass, pass, pass}, {pass, fail, fail}, {fail, pass, fail}, {none, pass, pass}, {pass, none, pass}, {none, none, none}, {none, fail, fail}, {fail, none, fail},
	} {
		if got := Merge([]Result{test.first}, []Result{test.second}); len(got) != 1 || got[0] != test.want {
			t.Errorf("%+v and %+v give %+v", test.first, test.second, got)
		}
	}
	if got := Merge([]Result{pass}, []Result{{ID: "b"}}, nil); len(got) != 2 || got[1].ID != "b" {
		t.Errorf("two controls give %+v", got)
	}
}

func TestMatchesName(t *testing.T) {
	for _, test := range []struct {
		pattern, name string
		want          bool
	}{
		{"a", "a", true}, {"a", "ab", false}, {"a*", "ab", true}, {"*", "", true}, {".*_history", ".bash_history", true}, {".*_history", ".bash_historyx", false},
		{"ssh_host_*_key*", "ssh_host_ed25519_key.pub", true}, {"ssh_host_*_key*", "ssh_host_key", false}, {"a*b*c", "axbxbxc", true}, {"[a]", "a", false}, {"?", "x", false},
	} {
		if MatchesName(test.pattern, test.name) != test.want {
			t.Errorf("%s fits %s: want %v", test.pattern, test.name, test.want)
		}
	}
}
