package vouch_test

import (
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"

	"github.com/bakelite/bakelite/internal/fault"
	"github.com/bakelite/bakelite/internal/vouch"
)

func open(t *testing.T, state string) vouch.Key {
	t.Helper()
	k, err := vouch.Open(state)
	if err != nil {
		t.Fatal(err)
	}
	return k
}

// notes are the files of a state folder's notes.
func notes(t *testing.T, state string) []string {
	t.Helper()
	all, err := filepath.Glob(filepath.Join(state, "vouched", "*"))
	if err != nil {
		t.Fatal(err)
	}
	return all
}

func must(t *testing.T, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
}

func TestNotes(t *testing.T) {
	state := t.TempDir()
	k := open(t, state)
	must(t, k.Note(vouch.Part, "usr", "one"))
	must(t, k.Note(vouch.Part, "usr", "two"))
	must(t, k.Note(vouch.Part, "var", ""))
	again := open(t, state)
	for _, tt := range []struct {
		purpose vouch.Purpose
		name    string
		want    string
		ok      bool
	}{
		{vouch.Part, "usr", "two", true}, {vouch.Part, "var", "", true}, {vouch.Part, "root", "", false}, {vouch.Packed, "usr", "", false},
	} {
		if got, ok := again.Noted(tt.purpose, tt.name); got != tt.want || ok != tt.ok {
			t.Errorf("%s %s: %q, %v", tt.purpose, tt.name, got, ok)
		}
	}
	if len(notes(t, state)) != 2 {
		t.Errorf("there are %d notes", len(notes(t, state)))
	}
	if err := k.Note(vouch.Part, "usr", "a\nb"); fault.KindOf(err) != fault.Internal {
		t.Errorf("a value of two lines: %v", err)
	}
	var none vouch.Key
	must(t, none.Note(vouch.Part, "usr", "x"))
	if _, ok := none.Noted(vouch.Part, "usr"); ok {
		t.Error("no key vouches")
	}
	if text := fmt.Sprintf("%v %+v %#v", k, k, k); strings.Contains(text, "[") {
		t.Errorf("the key may be in %s", text)
	}
}

// TestForgedNotes: who can write to the folder of notes makes none that counts.
func TestForgedNotes(t *testing.T) {
	state, elsewhere := t.TempDir(), t.TempDir()
	k, other := open(t, state), open(t, elsewhere)
	must(t, k.Note(vouch.Receipt, "a", "mine"))
	genuine, err := os.ReadFile(notes(t, state)[0])
	must(t, err)
	must(t, other.Note(vouch.Receipt, "a", "theirs"))
	foreign, err := os.ReadFile(notes(t, elsewhere)[0])
	must(t, err)
	file := notes(t, state)[0]
	must(t, k.Note(vouch.Receipt, "b", "else"))
	must(t, k.Note(vouch.Publication, "a", "else"))
	for name, text := range map[string]string{
		"another key's": string(foreign), "another value": strings.Replace(string(genuine), "mine", "ours", 1),
		"no MAC": "mine\n", "an empty MAC": "mine\n\n", "empty": "", "a cut MAC": string(genuine[:len(genuine)-2]), "more after it": string(genuine) + "x\n",
		"large": "mine\n" + strings.Repeat("0", 1<<20),
	} {
		must(t, os.WriteFile(file, []byte(text), 0o600))
		if got, ok := k.Noted(vouch.Receipt, "a"); ok {
			t.Errorf("%s: it vouches for %q", name, got)
		}
	}
	for _, note := range notes(t, state) { // genuine ones under another's name
		text, err := os.ReadFile(note)
		must(t, err)
		if note == file {
			continue
		}
		must(t, os.WriteFile(file, text, 0o600))
		if got, ok := k.Noted(vouch.Receipt, "a"); ok {
			t.Errorf("the note of another name or purpose vouches for %q", got)
		}
	}
	must(t, os.WriteFile(file, genuine, 0o600))
	if got, ok := k.Noted(vouch.Receipt, "a"); !ok || got != "mine" {
		t.Error("the genuine note does not vouch")
	}
}

// TestKeyInTheOpen: a key that others may know vouches for nothing.
func TestKeyInTheOpen(t *testing.T) {
	for name, change := range map[string]func(path string) error{
		"read by all": func(path string) error { return os.Chmod(path, 0o644) },
		"short":       func(path string) error { return os.WriteFile(path, []byte("short"), 0o600) },
		"a link": func(path string) error {
			return os.Rename(path, path+"2") // the link follows below
		},
		"a folder": func(path string) error { _ = os.Remove(path); return os.Mkdir(path, 0o700) },
	} {
		state := t.TempDir()
		open(t, state)
		path := filepath.Join(state, "vouch.key")
		must(t, change(path))
		if name == "a link" {
			must(t, os.Symlink(path+"2", path))
		}
		if _, err := vouch.Open(state); fault.KindOf(err) != fault.Policy && fault.KindOf(err) != fault.Invalid {
			t.Errorf("%s: got %v", name, err)
		}
	}
	state := t.TempDir()
	open(t, state)
	if info, err := os.Stat(filepath.Join(state, "vouch.key")); err != nil || info.Mode().Perm() != 0o600 {
		t.Errorf("the key's mode is %v (%v)", info.Mode(), err)
	}
}

// TestOneKey: processes that make the key at once have the same one.
func TestOneKey(t *testing.T) {
	state := t.TempDir()
	var all sync.WaitGroup
	for i := range 16 {
		all.Go(func() {
			k, err := vouch.Open(state)
			if err == nil {
				err = k.Note(vouch.Part, fmt.Sprint(i), "x")
			}
			if err != nil {
				t.Error(err)
			}
		})
	}
	all.Wait()
	k := open(t, state)
	for i := range 16 {
		if _, ok := k.Noted(vouch.Part, fmt.Sprint(i)); !ok {
			t.Errorf("opener %d had another key", i)
		}
	}
}
