package fleet_test

import (
	"bytes"
	"context"
	"os"
	"path/filepath"
	"testing"
	"time"

	"github.com/bakelite/bakelite/distro/debian/archivetest"
	"github.com/bakelite/bakelite/pipelines/fleet"
)

// edit puts one text for another in the files of a pattern.
func edit(t *testing.T, pattern, old, new string) {
	t.Helper()
	paths, _ := filepath.Glob(pattern)
	if len(paths) == 0 {
		t.Fatalf("nothing is %s", pattern)
	}
	for _, path := range paths {
		text, err := os.ReadFile(path)
		if err != nil || !bytes.Contains(text, []byte(old)) {
			t.Fatalf("%s lacks %q (%v): %s", path, old, err, text)
		}
		if err := os.WriteFile(path, bytes.ReplaceAll(text, []byte(old), []byte(new)), 0o600); err != nil {
			t.Fatal(err)
		}
	}
}

// TestForgedMemory: somebody writes into the state folder that an old lock was
// found to be current later than it was. It is as old as its own date then.
func TestForgedMemory(t *testing.T) {
	y := newYard(t)
	y.policy.MaxLockAge = 10 * 24 * time.Hour
	y.archive.Publish("trixie", archivetest.Released(), pkg("nginx", "1"))
	a := y.app("web", "", pkg("nginx", "1"))
	aged := func() int { return len(y.outdated(fleet.Options{}, a)[0].Decision.Findings) }
	y.now = archivetest.Released().Add(9 * 24 * time.Hour)
	if aged() != 0 {
		t.Fatal("nine days are too old")
	}
	was := y.now.UTC().Format(time.RFC3339)
	y.now = archivetest.Released().Add(40 * 24 * time.Hour)
	edit(t, filepath.Join(y.dir, "state", "fleet", "memory.json"), was, y.now.Add(-time.Hour).UTC().Format(time.RFC3339))
	if aged() != 1 {
		t.Error("31 days after it was current it is not too old")
	}
}

// TestForgedRun: the journal of a run that was killed says after an edit that
// it did what it did not. It counts for nothing.
func TestForgedRun(t *testing.T) {
	y := newYard(t)
	apps := y.behind(nil, "web")
	p := y.plan(apps...)
	killed := make(chan struct{})
	o := &oven{y: y, during: func(string) {
		close(killed)
		select {} // it never comes back
	}}
	f := y.fleet()
	go func() {
		_, _ = f.Rebuild(context.Background(), p, apps, fleet.Run{Do: o.do, Before: []fleet.Outcome{{App: "db", State: fleet.Failed}}})
	}()
	<-killed
	fleet.Abandon(f)
	edit(t, filepath.Join(y.dir, "state", "fleet", "runs", "*.json"), `"failed"`, `"rebuilt"`)
	edit(t, filepath.Join(y.dir, "state", "fleet", "runs", "*.json"), `"db"`, `"web"`)
	y.lock(apps[0], pkg("nginx", "2"))
	run := fleet.Run{}
	if _, err := y.fleet().Resume(&run, y.planWithout(p, apps), nil); err != nil || len(run.Before) > 0 {
		t.Errorf("it speaks for a run that never was: %+v (%v)", run.Before, err)
	}
}
