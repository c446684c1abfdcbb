package private_test

import (
	"os"
	"path/filepath"
	"testing"

	"github.com/bakelite/bakelite/internal/fault"
	"github.com/bakelite/bakelite/internal/private"
)

// TestStateThatOthersEnter: a folder that was there, with rights for others,
// is closed to them, or refused where that would take something from them or
// where they could have put something into it.
func TestStateThatOthersEnter(t *testing.T) {
	for name, test := range map[string]struct {
		mode    os.FileMode
		entry   string
		owner   int
		refused bool
		after   os.FileMode
	}{
		"ours":                       {mode: 0o700, entry: "anything", after: 0o700},
		"ours, and shut to us":       {mode: 0o500, entry: "anything", after: 0o500},
		"empty":                      {mode: 0o755, after: 0o700},
		"empty, and all may write":   {mode: 0o777, after: 0o700},
		"known":                      {mode: 0o755, entry: "engine", after: 0o700},
		"known, and sticky":          {mode: 0o750 | os.ModeSticky, entry: "engine", after: 0o700},
		"known, a group could write": {mode: 0o770, entry: "engine", refused: true, after: 0o770},
		"known, all could write":     {mode: 0o777, entry: "engine", refused: true, after: 0o777},
		"of something else":          {mode: 0o755, entry: "bin", refused: true, after: 0o755},
		"of another user":            {mode: 0o700, owner: 65534, refused: true, after: 0o700},
	} {
		t.Run(name, func(t *testing.T) {
			dir := filepath.Join(t.TempDir(), "state")
			if err := os.Mkdir(dir, 0o700); err != nil {
				t.Fatal(err)
			}
			if test.entry != "" {
				if err := os.Mkdir(filepath.Join(dir, test.entry), 0o700); err != nil {
					t.Fatal(err)
				}
			}
			if err := os.Chmod(dir, test.mode); err != nil {
				t.Fatal(err)
			}
			if test.owner != 0 {
				if os.Geteuid() != 0 {
					t.Skip("only root gives a folder away")
				}
				if err := os.Chown(dir, test.owner, -1); err != nil {
					t.Fatal(err)
				}
			}
			err := private.State(dir)
			if (fault.KindOf(err) == fault.Policy) != test.refused || err == nil == test.refused {
				t.Errorf("%v, want refused: %t", err, test.refused)
			}
			if info, err := os.Stat(dir); err != nil || info.Mode().Perm() != test.after {
				t.Errorf("its mode is %v after that, want %v (%v)", info.Mode().Perm(), test.after, err)
			}
		})
	}
}

func TestStateIsMade(t *testing.T) {
	dir := filepath.Join(t.TempDir(), "a", "b")
	if err := private.State(dir); err != nil {
		t.Fatal(err)
	}
	if info, err := os.Stat(dir); err != nil || info.Mode().Perm() != 0o700 {
		t.Errorf("%v, %v", info.Mode(), err)
	}
	file := filepath.Join(t.TempDir(), "file")
	if err := os.WriteFile(file, nil, 0o600); err != nil {
		t.Fatal(err)
	}
	if private.State(file) == nil {
		t.Error("a file is no folder")
	}
}
