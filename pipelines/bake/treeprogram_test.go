package bake

import (
	"errors"
	"os"
	"testing"

	"github.com/bakelite/bakelite/internal/vouch/vouchtest"
	"github.com/bakelite/bakelite/pipelines/flowtest"
	"github.com/bakelite/bakelite/pipelines/pin"
	"github.com/bakelite/bakelite/pipelines/results"
)

// TestProgramLayout: the program lies in a folder that its bytes name, is
// written once, and gives the same image wherever that is.
func TestProgramLayout(t *testing.T) {
	program := []byte("one")
	layout := func(state string) (string, string) {
		b := Baker{State: state, Locker: pin.Locker{Platform: flowtest.Platform}, TreeProgram: func() ([]byte, error) { return program, nil }}
		dir, digest, err := b.programLayout(t.Context())
		if err != nil {
			t.Fatal(err)
		}
		return dir, digest
	}
	state := t.TempDir()
	dir, digest := layout(state)
	if again, same := layout(state); again != dir || same != digest {
		t.Errorf("%s %s became %s %s", dir, digest, again, same)
	}
	if _, elsewhere := layout(t.TempDir()); elsewhere != digest {
		t.Errorf("elsewhere it is %s, not %s", elsewhere, digest)
	}
	program = []byte("two")
	if other, changed := layout(state); other == dir || changed == digest {
		t.Error("another program is the same image")
	}
}

// TestSwappedProgramLayout puts another program in the place of the one that
// works on trees, which decides what is refused and hardened.
func TestSwappedProgramLayout(t *testing.T) {
	layout := func(b Baker, program string) (string, string) {
		b.Platform, b.TreeProgram = flowtest.Platform, func() ([]byte, error) { return []byte(program), nil }
		dir, digest, err := b.programLayout(t.Context())
		if err != nil {
			t.Fatal(err)
		}
		return dir, digest
	}
	ours := Baker{State: t.TempDir(), Folder: results.Folder{Vouch: vouchtest.Key(t)}}
	dir, digest := layout(ours, "ours")
	before, err := os.Stat(dir)
	if err != nil {
		t.Fatal(err)
	}
	layout(ours, "ours")
	if after, err := os.Stat(dir); err != nil || !os.SameFile(before, after) {
		t.Errorf("a whole layout was made again: %v", err)
	}
	evil, _ := layout(Baker{State: t.TempDir(), Folder: results.Folder{Vouch: vouchtest.Key(t)}}, "evil")
	if err := errors.Join(os.RemoveAll(dir), os.CopyFS(dir, os.DirFS(evil))); err != nil {
		t.Fatal(err)
	}
	if _, got := layout(ours, "ours"); got != digest {
		t.Errorf("another program is taken for ours: %s, not %s", got, digest)
	}
}
