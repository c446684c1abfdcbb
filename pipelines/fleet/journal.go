package fleet

import (
	"encoding/json"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"time"

	"golang.org/x/sys/unix"

	"github.com/bakelite/bakelite/internal/fault"
	"github.com/bakelite/bakelite/internal/regular"
	"github.com/bakelite/bakelite/internal/update"
	"github.com/bakelite/bakelite/internal/vouch"
)

const (
	// maxJournal bounds the file of one run, in bytes.
	maxJournal = 64 << 20
	// journals is how many runs are kept.
	journals = 32
)

// State is what became of one app of a plan.
type State string

// The states.
const (
	// Rebuilt: it was locked, built and tested anew, and published where that
	// was asked for.
	Rebuilt State = "rebuilt"
	// Same: its new lock gives what is there already.
	Same State = "same"
	// Failed: it keeps its lock, and what is published of it.
	Failed State = "failed"
	// Skipped: it was not begun.
	Skipped State = "skipped"
)

// Outcome is what became of one app, and when.
type Outcome struct {
	App   string    `json:"app"`
	State State     `json:"state"`
	Why   string    `json:"why,omitempty"`
	At    time.Time `json:"at"`
	// Lock is the digest of the lock that it has now.
	Lock    string  `json:"lockDigest,omitempty"`
	Seconds float64 `json:"seconds"`
	// Published are the references, by digest, that it was published as.
	Published []string `json:"published,omitempty"`
	// Before says that an earlier run did it, which was ended.
	Before bool `json:"before,omitempty"`
	// Err is the failure itself, or why the clock of a Rebuilt app stands still.
	Err error `json:"-"`
}

// journal is one run, on disk after each app, so that the next one knows what
// a run did that was killed.
type journal struct {
	Plan     string             `json:"plan"`
	Started  time.Time          `json:"started"`
	Finished bool               `json:"finished"`
	Outcomes map[string]Outcome `json:"outcomes"`

	mu    sync.Mutex
	path  string
	lock  *os.File
	vouch vouch.Key
}

func (f Fleet) runs() string { return filepath.Join(f.State, "fleet", "runs") }

// begin begins the journal of a run, which nobody takes for an ended one while
// this process lives.
func (f Fleet) begin(r Run) (*journal, error) {
	if err := os.MkdirAll(f.runs(), 0o700); err != nil {
		return nil, fault.As(fault.Invalid, fmt.Errorf("beginning the run's journal: %w", err))
	}
	now := f.Now().UTC()
	lock, err := os.CreateTemp(f.runs(), now.Format("20060102T150405Z-")+"*.lock")
	if err != nil {
		return nil, fmt.Errorf("beginning the run's journal: %w", err)
	}
	if err := unix.Flock(int(lock.Fd()), unix.LOCK_EX); err != nil {
		_ = lock.Close()
		return nil, fmt.Errorf("beginning the run's journal: %w", err)
	}
	j := &journal{
		Plan: r.plan, Started: now.Truncate(time.Second), Outcomes: map[string]Outcome{},
		path: strings.TrimSuffix(lock.Name(), ".lock") + ".json", lock: lock, vouch: f.Folder.Vouch,
	}
	for _, o := range r.Before {
		j.Outcomes[o.App] = o
	}
	return j, j.write()
}

func (j *journal) write() error {
	text, err := json.Marshal(j)
	if err != nil {
		return fmt.Errorf("writing the run's journal: %w", err)
	}
	if err := j.vouch.WriteFile(vouch.Journal, j.path, text, 0o600); err != nil {
		return fmt.Errorf("writing the run's journal: %w", err)
	}
	return nil
}

// note writes down what became of an app.
func (j *journal) note(o Outcome) error {
	j.mu.Lock()
	defer j.mu.Unlock()
	j.Outcomes[o.App] = o
	return j.write()
}

// end closes the journal; finished says that the run came to its end.
func (j *journal) end(finished bool) error {
	j.mu.Lock()
	defer j.mu.Unlock()
	defer j.lock.Close()
	j.Finished = finished
	_ = os.Remove(j.lock.Name())
	return j.write()
}

// ended are the journals of our own runs that were killed, the oldest first.
// Those that are too many are removed.
func (f Fleet) ended() []*journal {
	paths, _ := filepath.Glob(filepath.Join(f.runs(), "*.json"))
	slices.Sort(paths) // by date
	for len(paths) > journals {
		_ = os.Remove(paths[0])
		_ = os.Remove(strings.TrimSuffix(paths[0], ".json") + ".lock")
		paths = paths[1:]
	}
	var all []*journal
	for _, path := range paths {
		if j, err := f.readJournal(path); err == nil && !j.Finished && !alive(strings.TrimSuffix(path, ".json")+".lock") {
			all = append(all, j)
		}
	}
	return all
}

func (f Fleet) readJournal(path string) (*journal, error) {
	text, err := f.Folder.Vouch.ReadFile(vouch.Journal, path, maxJournal)
	j := &journal{path: path, vouch: f.Folder.Vouch}
	if err == nil {
		err = json.Unmarshal(text, j)
	}
	return j, err
}

// alive says whether the process that locked a file still does.
func alive(path string) bool {
	file, err := regular.Open(path)
	if err != nil {
		return false
	}
	defer file.Close()
	return unix.Flock(int(file.Fd()), unix.LOCK_SH|unix.LOCK_NB) != nil
}

// settle marks a run that was killed as taken over.
func (j *journal) settle() {
	j.Finished = true
	if j.write() == nil {
		_ = os.Remove(strings.TrimSuffix(j.path, ".json") + ".lock")
	}
}

// Resume returns the plan that a run carries out: the one that was just made,
// or what is left of one that was given. Into the run goes what others did
// that were killed, so that its report speaks for them too. A given plan that
// no longer holds, seen from the one made now, is a fault.Stale that says why.
func (f Fleet) Resume(r *Run, now update.Plan, given *update.Plan) (update.Plan, error) {
	r.plan = now.Digest()
	if given != nil {
		r.plan = given.Digest()
	}
	done := map[string]bool{}
	for _, j := range f.ended() {
		if given != nil && j.Plan != r.plan {
			continue
		}
		r.ended = append(r.ended, j)
		for _, o := range j.done() {
			if !done[o.App] && current(now, o.App) {
				done[o.App] = true
				r.Before = append(r.Before, o)
			}
		}
	}
	if given == nil {
		return now, nil
	}
	if broken := given.Without(now, done); len(broken) > 0 {
		return *given, fault.Hint(fault.New(fault.Stale, "the plan no longer holds:\n  %s", strings.Join(broken, "\n  ")), "plan again")
	}
	left := *given
	left.Apps = slices.DeleteFunc(slices.Clone(given.Apps), func(a update.Planned) bool { return done[a.App] })
	return left, nil
}

// current says whether there is nothing to do about an app.
func current(p update.Plan, name string) bool {
	return slices.ContainsFunc(p.Others, func(l update.Left) bool { return l.App == name && l.Action == update.Current })
}

// done are the apps that a run finished, sorted by name.
func (j *journal) done() []Outcome {
	var all []Outcome
	for _, o := range j.Outcomes {
		if o.State == Rebuilt || o.State == Same {
			o.Before = true
			all = append(all, o)
		}
	}
	slices.SortFunc(all, func(a, b Outcome) int { return strings.Compare(a.App, b.App) })
	return all
}
