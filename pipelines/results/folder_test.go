package results

import (
	"context"
	"errors"
	"os"
	"path/filepath"
	"testing"
	"time"

	"github.com/bakelite/bakelite/internal/fault"
)

func must(t *testing.T, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
}

// free asks for an app's place as somebody else would.
func free(t *testing.T, f Folder, app string) bool {
	t.Helper()
	free, err := Folder{Path: f.Path}.Free(app)
	must(t, err)
	return free
}

// TestHoldIsForOne: an app's place is one build's, other apps' are not, and to
// ask whether it is free does not take it.
func TestHoldIsForOne(t *testing.T) {
	f := Folder{Path: filepath.Join(t.TempDir(), "new", "dist")}
	release, err := f.Hold(t.Context(), "web")
	must(t, err)
	for range 2 {
		if free(t, f, "web") || !free(t, f, "shop") {
			t.Error("the place is not one app's alone")
		}
	}
	held := make(chan func())
	go func() {
		second, err := f.Hold(t.Context(), "web")
		if err != nil {
			t.Error(err)
		}
		held <- second
	}()
	select {
	case <-held:
		t.Fatal("two have it")
	case <-time.After(250 * time.Millisecond):
	}
	release()
	second := <-held
	if free(t, f, "web") {
		t.Error("who waited for it does not have it")
	}
	second()
	if !free(t, f, "web") {
		t.Error("it was not given back")
	}
}

// TestHoldEndsWithItsCommand: who is stopped while waiting has nothing, and
// leaves nothing taken.
func TestHoldEndsWithItsCommand(t *testing.T) {
	f := Folder{Path: t.TempDir()}
	release, err := f.Hold(t.Context(), "web")
	must(t, err)
	ctx, stop := context.WithTimeout(t.Context(), 150*time.Millisecond)
	defer stop()
	if second, err := f.Hold(ctx, "web"); !errors.Is(err, context.DeadlineExceeded) || second != nil {
		t.Errorf("ended with %v", err)
	}
	release()
	if !free(t, f, "web") {
		t.Error("who was stopped has it")
	}
}

// TestHoldWithoutAFolder: a folder that cannot be written to is the user's
// mistake, and the error says which setting to change.
func TestHoldWithoutAFolder(t *testing.T) {
	path := filepath.Join(t.TempDir(), "file")
	must(t, os.WriteFile(path, nil, 0o600))
	taken := Folder{Path: t.TempDir()}
	must(t, os.Mkdir(filepath.Join(taken.Path, ".web.lock"), 0o700))
	for _, f := range []Folder{{Path: path}, {Path: filepath.Join(path, "below")}, taken} {
		release, err := f.Hold(t.Context(), "web")
		if fault.KindOf(err) != fault.Invalid || fault.HintOf(err) == "" || release != nil {
			t.Errorf("%s: %v", f.Path, err)
		}
		if is, err := f.Free("web"); err == nil || is {
			t.Errorf("%s is free: %t, %v", f.Path, is, err)
		}
	}
}
