package controls

import (
	"bytes"
	"strings"
	"testing"

	"github.com/bakelite/bakelite/internal/fault"
)

func twoControls() []Control {
	return []Control{{ID: "BK-AA-01", Title: "The first one", Level: 1}, {ID: "BK-AA-02", Title: "The second one", Level: 2}}
}

func TestParseResultsKeepsTheOrderOfTheControls(t *testing.T) {
	got, err := ParseResults(strings.NewReader("BK-AA-02\tfail\t/x is there\nBK-AA-01\tpass\t\n"), twoControls())
	if err != nil {
		t.Fatal(err)
	}
	want := []Result{{"BK-AA-01", "The first one", 1, true, ""}, {"BK-AA-02", "The second one", 2, false, "/x is there"}}
	if len(got) != 2 || got[0] != want[0] || got[1] != want[1] {
		t.Errorf("got %+v", got)
	}
	if s := ScoreOf(got); s != (Score{Passed: 1, Failed: 1}) || s.String() != "1 of 2" {
		t.Errorf("the score is %s", s)
	}
}

func TestParseResultsRefuses(t *testing.T) {
	both := "BK-AA-01\tpass\t\nBK-AA-02\tpass\t\n"
	for name, text := range map[string]string{
		"nothing":            "",
		"a missing control":  "BK-AA-01\tpass\t\n",
		"an unknown control": both + "BK-AA-03\tpass\t\n",
		"a control twice":    both + "BK-AA-01\tpass\t\n",
		"another verdict":    "BK-AA-01\tmaybe\t\nBK-AA-02\tpass\t\n",
		"too few fields":     "BK-AA-01\tpass\nBK-AA-02\tpass\t\n",
		"too many fields":    both[:len(both)-1] + "\t\n",
		"a message":          both + "sh: 1: mawk: not found\n",
		"an empty line":      both + "\n",
		"a control sign":     "BK-AA-01\tfail\t\x1b[2J\nBK-AA-02\tpass\t\n",
		"a long line":        "BK-AA-01\tfail\t" + strings.Repeat("x", maxResultLine) + "\nBK-AA-02\tpass\t\n",
		"a long text":        both + strings.Repeat("\n", maxResultBytes),
	} {
		_, err := ParseResults(strings.NewReader(text), twoControls())
		if fault.KindOf(err) != fault.Build || fault.HintOf(err) == "" {
			t.Errorf("%s: the error is %v", name, err)
		}
	}
}

func FuzzParseResults(f *testing.F) {
	f.Add([]byte("BK-AA-01\tpass\t\nBK-AA-02\tfail\tdetail\n"))
	f.Add([]byte("BK-AA-02\tpass\t"))
	f.Fuzz(func(t *testing.T, text []byte) {
		results, err := ParseResults(bytes.NewReader(text), twoControls())
		if err != nil {
			if results != nil || fault.KindOf(err) != fault.Build {
				t.Fatalf("results %v with the error %v", results, err)
			}
			return
		}
		for i, c := range twoControls() {
			if results[i].ID != c.ID || results[i].Title != c.Title || results[i].Level != c.Level {
				t.Fatalf("result %d is %+v", i, results[i])
			}
			if bytes.Contains(text, []byte(c.ID+"\tpass")) != results[i].Passed && !strings.Contains(results[i].Detail, "pass") {
				t.Fatalf("%q gives %+v", text, results[i])
			}
		}
	})
}
