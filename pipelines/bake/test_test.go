package bake

import (
	"io"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/bakelite/bakelite/builders/progress"
	"github.com/bakelite/bakelite/internal/artifact"
	"github.com/bakelite/bakelite/internal/fault"
	"github.com/bakelite/bakelite/pipelines/flowtest"
	"github.com/bakelite/bakelite/pipelines/results"
	"github.com/bakelite/bakelite/runners/probe"
)

// TestReceiptTellsOfTheWork: a receipt says what was made and tested now, how,
// and of what it was before only what has the same key.
func TestReceiptTellsOfTheWork(t *testing.T) {
	for name, tt := range map[string]struct {
		same, skip bool
		kinds      []string
	}{
		"the other kind of the same key": {true, false, []string{artifact.Container, artifact.Disk}},
		"another key":                    {false, false, []string{artifact.Container}},
		"tests left out":                 {false, true, []string{artifact.Container}},
	} {
		t.Run(name, func(t *testing.T) {
			s := newShop(t)
			old := s.baked(s.lock)
			key := map[bool]string{true: old.Key, false: "another"}[tt.same]
			display, err := progress.New(progress.Options{Screen: io.Discard, Mode: progress.Plain})
			flowtest.Must(t, err)
			defer display.Close()
			w := s.work()
			defer w.discard()
			w.made = w.made[:1]
			before := time.Now()
			_, err = w.finish(progress.With(t.Context(), display), old.Receipt, results.Receipt{App: "web", Key: key}, Options{Targets: []string{artifact.Container}, SkipTests: tt.skip})
			flowtest.Must(t, err)
			r, err := s.b.Folder.LastBuild(t.Context(), "web")
			if err != nil || r.Key != key || !slices.Equal(r.Kinds(), tt.kinds) || r.Made.Before(before) || r.TestsSkipped != tt.skip {
				t.Errorf("the receipt says %+v, %v", r, err)
			}
			if tested := r.Tests[artifact.Container]; (len(tested.Results) == 1 && len(tested.Hardening) == 1) == tt.skip || len(r.Tests[artifact.Disk].Results) == 1 != tt.same {
				t.Errorf("tested is %+v", r.Tests)
			}
			if tt.skip != (len(s.Asked) == 0) || tt.skip == slices.ContainsFunc(r.Steps, func(step progress.Step) bool { return step.Name == "[test] container" }) {
				t.Errorf("asked for %q in the steps %v", s.Asked, r.Steps)
			}
			if text, _ := os.ReadFile(filepath.Join(s.b.Folder.Path, "web.raw")); string(text) != "an older disk" {
				t.Errorf("the disk is %q", text)
			}
		})
	}
}

// TestWorkBeginsAnew: nothing that an interrupted build left gets into the
// next one, and a work that cannot begin leaves nothing behind it.
func TestWorkBeginsAnew(t *testing.T) {
	s := newShop(t)
	left := filepath.Join(s.b.Folder.Path, ".web.work", "web.oci", "blobs")
	flowtest.Must(t, os.MkdirAll(left, 0o700))
	write(t, left, "half")
	w, err := s.b.newWork(s.app, flowtest.Engine{Ports: s.Ports})
	flowtest.Must(t, err)
	if files := flowtest.Files(t, w.dir); len(files) > 0 {
		t.Errorf("it begins with %q", files)
	}
	w.discard()
	s.Again()
	flowtest.Must(t, os.RemoveAll(Parts(s.b.State)))
	flowtest.Must(t, os.WriteFile(Parts(s.b.State), nil, 0o600))
	if _, err := s.b.newWork(s.app, flowtest.Engine{Ports: s.Ports}); err == nil || !slices.Equal(s.Asked, []string{"engine closed"}) || len(s.names()) > 0 {
		t.Errorf("ended with %v, left %q and asked for %q", err, s.names(), s.Asked)
	}
}

// TestFailedBuildIsKept: for study there is the build that failed last, and
// nothing of one before.
func TestFailedBuildIsKept(t *testing.T) {
	s := newShop(t)
	failed := filepath.Join(s.b.Folder.Path, "web.failed")
	flowtest.Must(t, os.MkdirAll(failed, 0o700))
	write(t, failed, "web.vmdk")
	s.Untested = artifact.Disk
	_, err := s.finish(results.Receipt{})
	if fault.KindOf(err) != fault.Policy || !strings.Contains(fault.HintOf(err), failed) {
		t.Errorf("ended with %v (%s)", err, fault.HintOf(err))
	}
	if text, err := os.ReadFile(filepath.Join(failed, "web.raw")); err != nil || string(text) != "a newer disk" {
		t.Errorf("kept is %q, %v", text, err)
	}
	if _, err := os.Stat(filepath.Join(failed, "web.vmdk")); err == nil {
		t.Error("the one before is still there")
	}
}

// TestVerdictShowsEach: each result has its line, and those that failed are
// all in the one error.
func TestVerdictShowsEach(t *testing.T) {
	var log strings.Builder
	err := verdict(results.Tested{Results: []probe.Result{
		{Name: "answers", Artifact: "disk", Passed: true, Seconds: 1.25}, {Name: "is fast", Artifact: "disk", Detail: "9 s"}, {Name: "is small", Artifact: "disk", Detail: "9 GB"},
	}}, &log)
	if want := "ok   answers (1.2 s) \nFAIL is fast (0.0 s) 9 s\nFAIL is small (0.0 s) 9 GB\n"; log.String() != want {
		t.Errorf("shown is %q, want %q", log.String(), want)
	}
	if want := "2 of 3 checks failed:\n  disk: is fast: 9 s\n  disk: is small: 9 GB"; fault.KindOf(err) != fault.Policy || err.Error() != want {
		t.Errorf("ended with %v", err)
	}
}

// TestOnlyWhatIsAskedForIsBaked: the engine makes the kinds that are asked for
// and is closed, whether they could be made or not.
func TestOnlyWhatIsAskedForIsBaked(t *testing.T) {
	for _, kind := range []string{artifact.Container, artifact.Disk} {
		made := map[string]string{artifact.Container: "image", artifact.Disk: "disk"}[kind]
		for _, fails := range []string{"", made} {
			s := newShop(t)
			s.Fails = fails
			_, err := s.b.Build(t.Context(), s.app, Options{Targets: []string{kind}, Frozen: true, SkipTests: true})
			if want := []string{"engine", made, "engine closed"}; (err == nil) != (fails == "") || !slices.Equal(slices.DeleteFunc(s.Asked, func(what string) bool { return what == "packages of the seed" }), want) {
				t.Errorf("the %s: %v, after %q, want %q", kind, err, s.Asked, want)
			}
			if slices.Contains(s.names(), ".web.work") {
				t.Errorf("the %s: left %q", kind, s.names())
			}
		}
	}
}

// TestBrokenLayoutIsNotBakedInto: where the blobs that are there cannot be
// listed the engine makes no image, and is closed.
func TestBrokenLayoutIsNotBakedInto(t *testing.T) {
	s := newShop(t)
	blobs := filepath.Join(s.b.Folder.Layout("web"), "blobs")
	flowtest.Must(t, os.MkdirAll(blobs, 0o700))
	write(t, blobs, "sha256")
	_, err := s.b.Build(t.Context(), s.app, Options{Targets: []string{artifact.Container}, Frozen: true, SkipTests: true})
	if err == nil || !strings.Contains(err.Error(), "reading layout") || slices.Contains(s.Asked, "image") || s.Asked[len(s.Asked)-1] != "engine closed" {
		t.Errorf("ended with %v, after %q", err, s.Asked)
	}
	if names := s.names(); !slices.Equal(names, []string{"web.oci"}) {
		t.Errorf("left %q", names)
	}
}

// TestReceiptWaitsForWhatGoes: while something stands that was replaced, as its
// name is none that can be removed, no receipt speaks of the new artifacts.
func TestReceiptWaitsForWhatGoes(t *testing.T) {
	s := newShop(t)
	old := s.baked(s.lock)
	old.Artifacts = append(old.Artifacts, artifact.Artifact{Kind: artifact.Disk, Format: "vmdk", Path: "web.\x00"})
	if _, err := s.finish(old.Receipt); err == nil || !strings.Contains(err.Error(), "removing what was replaced") {
		t.Errorf("ended with %v", err)
	}
	if names := s.names(); !slices.Equal(names, []string{"web.oci", "web.raw"}) {
		t.Errorf("left %q", names)
	}
}
