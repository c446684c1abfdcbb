package corpus

import (
	"fmt"
	"os"
	"path"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/bakelite/bakelite/internal/app"
)

// TestCasesAreWhole: each has its folder's name, a test of its own, and, where
// its kind says so, a Dockerfile.
func TestCasesAreWhole(t *testing.T) {
	all, err := Cases(".")
	if err != nil {
		t.Fatal(err)
	}
	count := map[string]int{}
	for _, c := range all {
		a, err := app.Load(c.Dir)
		if err != nil {
			t.Errorf("%s: %v", c.Name, err)
			continue
		}
		kind := path.Dir(c.Name)
		count[kind]++
		if a.Name != path.Base(c.Name) || len(a.Tests) == 0 || (a.Base.Dockerfile != "") != (kind == "dockerfiles") {
			t.Errorf("%s is called %s, has %d tests and the Dockerfile %q", c.Name, a.Name, len(a.Tests), a.Base.Dockerfile)
		}
		if slices.Contains(c.Refused, "") {
			t.Errorf("%s: %s has an empty line, which any error contains", c.Name, refusalFile)
		}
	}
	for _, kind := range Kinds() {
		if count[kind] < 30 {
			t.Errorf("there are %d %s, want 30", count[kind], kind)
		}
	}
}

// TestTodayTakesTurns: each case has its turn, and a day has few and unlike ones.
func TestTodayTakesTurns(t *testing.T) {
	all := make([]Case, 76)
	for i := range all {
		all[i].Name = fmt.Sprint(i)
	}
	day, seen := time.Date(2026, 11, 28, 23, 0, 0, 0, time.UTC), map[string]int{}
	for range 26 {
		today := Today(all, day, 3)
		if len(today) < 2 || len(today) > 3 {
			t.Fatalf("%d on one day", len(today))
		}
		for _, c := range today {
			seen[c.Name]++
		}
		day = day.AddDate(0, 0, 1)
	}
	if len(seen) != len(all) {
		t.Errorf("%d of %d had their turn", len(seen), len(all))
	}
	if len(Today(nil, day, 3)) != 0 || len(Today(all[:2], day, 3)) != 2 {
		t.Error("few cases are not taken as they are")
	}
}

// TestDiffering: a file that is another, or in one of both alone, is named, and
// what differs elsewhere is not called the same.
func TestDiffering(t *testing.T) {
	a := map[string]string{"/a": "1", "/b": "1", "/c": "1"}
	for name, tt := range map[string]struct {
		b    map[string]string
		want string
	}{
		"same files":  {a, "[no regular file: folders, links or dates]"},
		"other bytes": {map[string]string{"/a": "1", "/b": "2", "/c": "1"}, "[/b]"},
		"in one":      {map[string]string{"/a": "1", "/d": "1"}, "[/b /c /d]"},
	} {
		if got := fmt.Sprint(differing(a, tt.b)); got != tt.want {
			t.Errorf("%s: %s, want %s", name, got, tt.want)
		}
	}
	if got := Said([]string{"1", "2", "3", "4", "5", "6", "7"}); got != "baked twice other bytes in 1, 2, 3, 4, 5 and 2 more" || Said(nil) != "the same bytes twice" {
		t.Error(got)
	}
}

// TestJudge decides by what the program says, and by nothing else.
func TestJudge(t *testing.T) {
	good := `{"tests": [{"name": "starts", "passed": true}]}`
	for name, tt := range map[string]struct {
		refused []string
		code    int
		stdout  string
		stderr  string
		passed  bool
		why     string
	}{
		"passes":                 {code: 0, stdout: good, passed: true},
		"no test":                {code: 0, stdout: `{"tests": []}`, why: "nothing was tested"},
		"a failed test":          {code: 0, stdout: `{"tests": [{"name": "starts", "passed": false}]}`, why: "starts"},
		"no result":              {code: 0, why: "cannot be read"},
		"fails":                  {code: 6, stderr: "#1 step\nbakelite: web: a test failed:\n  disk: http\n  next: look\n", why: "exit code 6: web: a test failed: disk: http"},
		"is refused":             {refused: []string{"apt-get"}, code: 5, stderr: "bakelite: no apt-get\n  next: name it\n", passed: true},
		"refused without advice": {refused: []string{"apt-get"}, code: 5, stderr: "bakelite: no apt-get\n", why: "next: "},
		"refused in other words": {refused: []string{"apt-get"}, code: 5, stderr: "apt-get\nbakelite: no\n  next: x\n", why: `nothing says "apt-get"`},
		"a defect":               {refused: []string{"apt-get"}, code: 1, stderr: "bakelite: no apt-get\n  next: tell us\n", why: "exit code 1"},
		"not refused":            {refused: []string{"apt-get"}, code: 0, stdout: good, why: "nothing says"},
	} {
		o := Outcome{Refused: len(tt.refused) > 0}
		o.judge(Case{Refused: tt.refused}, tt.code, []byte(tt.stdout), tt.stderr)
		if o.Passed != tt.passed || !strings.Contains(o.Why, tt.why) || (o.Why == "") != tt.passed {
			t.Errorf("%s: %+v", name, o)
		}
	}
}

// TestPageIsGenerated: the document says what results.json does, of cases that
// are there.
func TestPageIsGenerated(t *testing.T) {
	r, err := ReadResults("results.json")
	if err != nil || len(r.Outcomes) == 0 {
		t.Fatalf("%d outcomes, %v", len(r.Outcomes), err)
	}
	page, err := os.ReadFile("../../docs/apps.md")
	if err != nil {
		t.Fatal(err)
	}
	cases, err := Cases(".")
	if err != nil {
		t.Fatal(err)
	}
	if string(page) != r.Page(cases) {
		t.Error(`docs/apps.md is not what results.json says: run "go run ./test/corpus/all --write"`)
	}
	for _, o := range r.Outcomes {
		if _, err := os.Stat(filepath.Join(o.Case, "app.yaml")); err != nil {
			t.Errorf("an outcome is of a case that is gone: %v", err)
		}
	}
	if again := r.With(r.Outcomes); !slices.Equal(again.Outcomes, r.Outcomes) {
		t.Error("the outcomes are not in order")
	}
}
