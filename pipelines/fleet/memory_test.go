package fleet

import (
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/bakelite/bakelite/internal/fault"
	"github.com/bakelite/bakelite/internal/lock"
	"github.com/bakelite/bakelite/internal/update"
	"github.com/bakelite/bakelite/internal/vouch"
)

func (f Fleet) noteCurrent(lock string) error {
	return f.remember(func(m *memory) { m.Current[lock] = f.Now() })
}

// TestMemoryThatCounts: what others wrote, or what cannot be read, is as if
// nothing had been found, and the next look writes over it.
func TestMemoryThatCounts(t *testing.T) {
	read := func(path string) string {
		text, err := os.ReadFile(path)
		must(t, err)
		return string(text)
	}
	for name, tt := range map[string]struct {
		harm   func(f Fleet, path string) error
		counts bool
	}{
		"as it was": {func(Fleet, string) error { return nil }, true},
		"edited": {func(_ Fleet, path string) error {
			return os.WriteFile(path, []byte(strings.Replace(read(path), "2026", "2027", 1)), 0o600)
		}, false},
		"gone":    {func(_ Fleet, path string) error { return os.Remove(path) }, false},
		"cut off": {func(_ Fleet, path string) error { return os.Truncate(path, 30) }, false},
		"ours, and cut off in what counts": {func(f Fleet, path string) error {
			return f.Folder.Vouch.WriteFile(vouch.Memory, path, []byte(`{"current":{"sha256:1":"2026-11-28T12:00:00Z","sha256:2":1}}`), 0o600)
		}, false},
		"ours, and too large": {func(f Fleet, path string) error {
			return f.Folder.Vouch.WriteFile(vouch.Memory, path, append([]byte(read(path)), make([]byte, maxMemory)...), 0o600)
		}, false},
		"ours, for another purpose": {func(f Fleet, path string) error {
			text := []byte(read(path) + " ")
			return f.Folder.Vouch.WriteFile(vouch.Journal, path, text, 0o600)
		}, false},
	} {
		t.Run(name, func(t *testing.T) {
			f := newFleet(t)
			must(t, f.noteCurrent("sha256:1"))
			must(t, tt.harm(f, f.memoryPath()))
			if got := !f.recall().Current["sha256:1"].IsZero(); got != tt.counts {
				t.Errorf("it counts: %t", got)
			}
			must(t, f.noteCurrent("sha256:2"))
			if m := f.recall(); m.Current["sha256:2"].IsZero() || m.Current["sha256:1"].IsZero() == tt.counts {
				t.Errorf("then there is %+v", m.Current)
			}
		})
	}
}

// TestMemoryIsKeptFor: what no look met for long is forgotten, and what is
// unknown stays so until it is read.
func TestMemoryIsKeptFor(t *testing.T) {
	f := newFleet(t)
	now := f.Now()
	must(t, f.remember(func(m *memory) {
		for age, name := range map[time.Duration]string{memoryKept: "kept", memoryKept + time.Second: "old"} {
			at := now.Add(-age)
			m.Current[name], m.Known[name], m.Failed[name], m.Unknown[name] = at, known{Seen: at}, Attempt{At: at}, at
		}
	}))
	m := f.recall()
	if len(m.Current) != 1 || len(m.Known) != 1 || len(m.Failed) != 1 || m.Current["kept"].IsZero() || m.Known["kept"].Seen.IsZero() || m.Failed["kept"].At.IsZero() {
		t.Errorf("kept is %+v", m)
	}
	if len(m.Unknown) != 2 {
		t.Errorf("unknown is %v", m.Unknown)
	}
}

// TestTwoRemember: of two processes that remember at once neither takes from
// the other what it found.
func TestTwoRemember(t *testing.T) {
	f := newFleet(t)
	var all sync.WaitGroup
	for _, name := range strings.Fields("a b c d e f g h") {
		all.Go(func() {
			if err := f.noteCurrent(name); err != nil {
				t.Error(err)
			}
		})
	}
	all.Wait()
	if m := f.recall(); len(m.Current) != 8 {
		t.Errorf("remembered is %v", m.Current)
	}
}

// TestNothingToRemember: what is the same is not written again, and a state
// folder that cannot be written to is the user's mistake.
func TestNothingToRemember(t *testing.T) {
	f := newFleet(t)
	must(t, f.noteCurrent("sha256:1"))
	before, err := os.Stat(f.memoryPath())
	must(t, err)
	must(t, f.noteCurrent("sha256:1"))
	if after, err := os.Stat(f.memoryPath()); err != nil || !os.SameFile(before, after) {
		t.Errorf("it was written again: %v", err)
	}
	f.State = filepath.Join(f.State, "vouch.key")
	if err := f.noteCurrent("sha256:1"); fault.KindOf(err) != fault.Invalid || !strings.Contains(err.Error(), "remembering what was found") {
		t.Errorf("ended with %v", err)
	}
}

// TestCurrentIsNotedByTheHour: a lock beside its app that is current has the
// hour noted; not one that is published, nor one that is behind.
func TestCurrentIsNotedByTheHour(t *testing.T) {
	now := time.Date(2026, 11, 28, 12, 0, 0, 0, time.UTC)
	standing := func(key, artifact string, action update.Action) Standing {
		return Standing{LockDigest: key, Artifact: artifact, Lock: &lock.Lock{}, Decision: update.Decision{Action: action}}
	}
	m := memory{Current: map[string]time.Time{"lately": now.Add(-time.Hour), "long ago": now.Add(-time.Hour - time.Second)}, Unknown: map[string]time.Time{}, Known: map[string]known{}}
	m.learn([]Standing{
		standing("new", "", update.Current), standing("lately", "", update.Current), standing("long ago", "", update.Current),
		standing("behind", "", update.Rebuild), standing("published", "registry.example/web@sha256:1", update.Current),
		{LockDigest: "none", Decision: update.Decision{Action: update.Current}},
	}, advice{}, now)
	want := map[string]time.Time{"new": now, "lately": now.Add(-time.Hour), "long ago": now}
	for key, at := range want {
		if !m.Current[key].Equal(at) {
			t.Errorf("%s is current at %s, want %s", key, m.Current[key], at)
		}
	}
	if len(m.Current) != len(want) {
		t.Errorf("current are %v", m.Current)
	}
}
