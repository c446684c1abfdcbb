package fleet

import (
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/bakelite/bakelite/internal/fault"
	"github.com/bakelite/bakelite/internal/update"
	"github.com/bakelite/bakelite/internal/vouch"
	"github.com/bakelite/bakelite/pipelines/results"
)

// newFleet is one with a state folder, at a fixed time.
func newFleet(t *testing.T) Fleet {
	t.Helper()
	state := t.TempDir()
	key, err := vouch.Open(state)
	must(t, err)
	now := time.Date(2026, 11, 28, 12, 0, 0, 0, time.UTC)
	return Fleet{State: state, Folder: results.Folder{Path: t.TempDir(), Vouch: key}, Now: func() time.Time { return now }}
}

func must(t *testing.T, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
}

// killed is the journal of a run that did one app before its process ended.
func killed(t *testing.T, f Fleet, plan string) *journal {
	t.Helper()
	j, err := f.begin(Run{plan: plan})
	must(t, err)
	must(t, j.note(Outcome{App: "web", State: Rebuilt}))
	must(t, j.lock.Close())
	return j
}

func plansOf(all []*journal) string {
	var plans []string
	for _, j := range all {
		plans = append(plans, j.Plan)
	}
	return strings.Join(plans, " ")
}

// TestEndedRuns: a run is taken up where its process ended before it did; not
// one that still runs, nor one that came to its end, nor one taken up before.
func TestEndedRuns(t *testing.T) {
	f := newFleet(t)
	killed(t, f, "killed")
	running, err := f.begin(Run{plan: "running", Before: []Outcome{{App: "db", State: Same}}})
	must(t, err)
	finished, err := f.begin(Run{plan: "finished"})
	must(t, err)
	must(t, finished.end(true))
	stopped, err := f.begin(Run{plan: "stopped"})
	must(t, err)
	must(t, stopped.end(false))
	all := f.ended()
	if got := plansOf(all); got != "killed stopped" && got != "stopped killed" {
		t.Fatalf("ended are %q", got)
	}
	for _, j := range all {
		if j.Plan == "killed" && (len(j.Outcomes) != 1 || j.Outcomes["web"].State != Rebuilt) {
			t.Errorf("the killed one did %+v", j.Outcomes)
		}
		j.settle()
	}
	if got := plansOf(f.ended()); got != "" {
		t.Errorf("taken up twice: %q", got)
	}
	must(t, running.lock.Close())
	if all := f.ended(); plansOf(all) != "running" || len(all[0].done()) != 1 || !all[0].done()[0].Before {
		t.Errorf("after its process ended %q", plansOf(all))
	}
	if locks, _ := filepath.Glob(filepath.Join(f.runs(), "*.lock")); len(locks) != 1 {
		t.Errorf("left are the locks %q", locks)
	}
}

// TestDoneIsWhatNeedsNoMore: of a killed run that counts which was rebuilt or
// is the same, and what failed or was left is done by the next one.
func TestDoneIsWhatNeedsNoMore(t *testing.T) {
	j := &journal{Outcomes: map[string]Outcome{}}
	for app, state := range map[string]State{"d": Rebuilt, "c": Failed, "b": Skipped, "a": Same} {
		j.Outcomes[app] = Outcome{App: app, State: state}
	}
	if got := j.done(); len(got) != 2 || got[0].App != "a" || got[1].App != "d" {
		t.Errorf("done is %+v", got)
	}
}

// TestJournalsThatCount: a journal that was edited, cut off, brought from
// elsewhere or is too large speaks for no run.
func TestJournalsThatCount(t *testing.T) {
	read := func(path string) string {
		text, err := os.ReadFile(path)
		must(t, err)
		return string(text)
	}
	for name, harm := range map[string]func(f Fleet, path string) error{
		"edited": func(_ Fleet, path string) error {
			return os.WriteFile(path, []byte(strings.Replace(read(path), `"web"`, `"db"`, 1)), 0o600)
		},
		"cut off": func(_ Fleet, path string) error { return os.Truncate(path, 20) },
		"ours, and cut off": func(f Fleet, path string) error {
			return f.Folder.Vouch.WriteFile(vouch.Journal, path, []byte(read(path)[:20]), 0o600)
		},
		"ours, and too large": func(f Fleet, path string) error {
			return f.Folder.Vouch.WriteFile(vouch.Journal, path, []byte(read(path)+strings.Repeat(" ", maxJournal)), 0o600)
		},
		"under another name": func(_ Fleet, path string) error {
			return os.Rename(path, filepath.Join(filepath.Dir(path), "20261128T120001Z-1.json"))
		},
		"a folder": func(_ Fleet, path string) error {
			must(t, os.Remove(path))
			return os.Mkdir(path, 0o700)
		},
	} {
		t.Run(name, func(t *testing.T) {
			f := newFleet(t)
			must(t, harm(f, killed(t, f, "killed").path))
			if got := plansOf(f.ended()); got != "" {
				t.Errorf("it counts: %q", got)
			}
		})
	}
}

// TestJournalsAreBounded: of many runs the newest stay, with their locks.
func TestJournalsAreBounded(t *testing.T) {
	f := newFleet(t)
	began := f.Now()
	for i := range journals + 3 {
		f.Now = func() time.Time { return began.Add(time.Duration(i) * time.Minute) }
		killed(t, f, fmt.Sprint(i))
	}
	all := f.ended()
	if len(all) != journals || all[0].Plan != "3" || all[journals-1].Plan != fmt.Sprint(journals+2) {
		t.Errorf("%d stay: %q", len(all), plansOf(all))
	}
	for _, kind := range []string{"*.json", "*.lock"} {
		if left, _ := filepath.Glob(filepath.Join(f.runs(), kind)); len(left) != journals {
			t.Errorf("%d files %s are left", len(left), kind)
		}
	}
}

// TestNoJournalNoRun: where the journal cannot be begun nothing is rebuilt.
func TestNoJournalNoRun(t *testing.T) {
	f := newFleet(t)
	must(t, os.WriteFile(filepath.Join(f.State, "fleet"), nil, 0o600))
	outcomes, err := f.Rebuild(t.Context(), update.Plan{Apps: []update.Planned{{App: "web"}}}, nil, Run{})
	if fault.KindOf(err) != fault.Invalid || !strings.Contains(err.Error(), "beginning the run's journal") || outcomes != nil {
		t.Errorf("did %+v, %v", outcomes, err)
	}
}
