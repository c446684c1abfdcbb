package cache

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"golang.org/x/sys/unix"
)

// aged makes a folder with a file in it, last used some hours ago.
func aged(t *testing.T, parent, name string, hours int) string {
	t.Helper()
	dir := filepath.Join(parent, name)
	if err := os.MkdirAll(dir, 0o700); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(filepath.Join(dir, "file"), nil, 0o600); err != nil {
		t.Fatal(err)
	}
	then := time.Now().Add(-time.Duration(hours) * time.Hour)
	if err := os.Chtimes(dir, then, then); err != nil {
		t.Fatal(err)
	}
	return dir
}

func there(t *testing.T, parent string) string {
	t.Helper()
	entries, err := os.ReadDir(parent)
	if err != nil {
		t.Fatal(err)
	}
	var names []string
	for _, e := range entries {
		names = append(names, e.Name())
	}
	slices.Sort(names)
	return strings.Join(names, " ")
}

// TestNewSweeps leaves alone what is young, open or of another prefix.
func TestNewSweeps(t *testing.T) {
	parent := t.TempDir()
	held, err := New(parent, "work-")
	if err != nil {
		t.Fatal(err)
	}
	then := time.Now().Add(-time.Hour)
	if err := os.Chtimes(held.Path, then, then); err != nil {
		t.Fatal(err)
	}
	aged(t, parent, "work-dead", 1)
	aged(t, parent, "work-half.removed", 1)
	aged(t, parent, "work-young", 0)
	aged(t, parent, "other", 1)
	f, err := New(parent, "work-")
	if err != nil {
		t.Fatal(err)
	}
	want := []string{filepath.Base(held.Path), filepath.Base(f.Path), "other", "work-young"}
	slices.Sort(want)
	if got := there(t, parent); got != strings.Join(want, " ") {
		t.Errorf("there are %s, want %s", got, want)
	}
	for _, f := range []*Folder{f, held} {
		if err := f.Close(); err != nil {
			t.Error(err)
		}
	}
	if got := there(t, parent); got != "other work-young" {
		t.Errorf("after closing there are %s", got)
	}
}

// TestRename has two processes make the same folder; the first one's stays.
func TestRename(t *testing.T) {
	parent := t.TempDir()
	final := filepath.Join(parent, "final")
	for i := range 2 {
		f, err := New(parent, "work-")
		if err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(filepath.Join(f.Path, fmt.Sprint(i)), nil, 0o600); err != nil {
			t.Fatal(err)
		}
		if err := f.Rename(final); err != nil {
			t.Error(err)
		}
		done, err := Use(final)
		if err != nil {
			t.Fatal(err)
		}
		Trim(parent, 0)
		done()
		if err := f.Close(); err != nil {
			t.Error(err)
		}
	}
	if there(t, parent) != "final" || there(t, final) != "0" {
		t.Errorf("there are %s, with %s", there(t, parent), there(t, final))
	}
}

// TestTrim keeps the folders used last, those in use, and besides.
func TestTrim(t *testing.T) {
	parent := t.TempDir()
	for hours := range 6 {
		aged(t, parent, fmt.Sprintf("aged-%d", hours), hours)
	}
	aged(t, parent, "work-dead", 9)
	aged(t, parent, "aged-9.removed", 0)
	for name, minutes := range map[string]time.Duration{"file-59": 59, "file-61": 61} {
		file := filepath.Join(parent, name)
		if err := os.WriteFile(file, nil, 0o600); err != nil {
			t.Fatal(err)
		}
		then := time.Now().Add(-minutes * time.Minute)
		if err := os.Chtimes(file, then, then); err != nil {
			t.Fatal(err)
		}
	}
	again, err := Use(filepath.Join(parent, "aged-4"))
	if err != nil {
		t.Fatal(err)
	}
	again()
	done, err := Use(filepath.Join(parent, "aged-3"))
	if err != nil {
		t.Fatal(err)
	}
	defer done()
	then := time.Now().Add(-100 * time.Hour)
	if err := os.Chtimes(filepath.Join(parent, "aged-3"), then, then); err != nil {
		t.Fatal(err)
	}
	Trim(parent, 2, "work-")
	if got, want := there(t, parent), "aged-0 aged-3 aged-4 file-59 work-dead"; got != want {
		t.Errorf("there are %s, want %s", got, want)
	}
	if _, err := Use(filepath.Join(parent, "aged-1")); !errors.Is(err, fs.ErrNotExist) {
		t.Errorf("using what was removed gave %v", err)
	}
}

// TestTrimBytes keeps the newest files that fit, and the newest in any case.
func TestTrimBytes(t *testing.T) {
	parent := t.TempDir()
	aged(t, parent, "folder", 100)
	for hours, size := range []int{30, 30, 30, 1} {
		file := filepath.Join(parent, fmt.Sprintf("file-%d", hours))
		if err := os.WriteFile(file, make([]byte, size), 0o600); err != nil {
			t.Fatal(err)
		}
		then := time.Now().Add(-time.Duration(hours) * time.Hour)
		if err := os.Chtimes(file, then, then); err != nil {
			t.Fatal(err)
		}
	}
	for _, step := range []struct {
		bytes int64
		want  string
	}{{91, "file-0 file-1 file-2 file-3 folder"}, {90, "file-0 file-1 file-2 folder"}, {60, "file-0 file-1 folder"}, {1, "file-0 folder"}} {
		TrimBytes(parent, step.bytes)
		if got := there(t, parent); got != step.want {
			t.Errorf("of %d bytes there are %s, want %s", step.bytes, got, step.want)
		}
	}
}

// TestExpire goes by the last use, of files and of folders.
func TestExpire(t *testing.T) {
	parent := t.TempDir()
	for name, hours := range map[string]int{"old": 9, "used": 9, "new": 1} {
		file := filepath.Join(aged(t, parent, name, 0), "file")
		if err := os.Rename(file, filepath.Join(parent, name+".txt")); err != nil {
			t.Fatal(err)
		}
		then := time.Now().Add(-time.Duration(hours) * time.Hour)
		for _, path := range []string{name, name + ".txt"} {
			if err := os.Chtimes(filepath.Join(parent, path), then, then); err != nil {
				t.Fatal(err)
			}
		}
	}
	Touch(filepath.Join(parent, "used"))
	Touch(filepath.Join(parent, "used.txt"))
	Expire(parent, 5*time.Hour)
	if got, want := there(t, parent), "new new.txt used used.txt"; got != want {
		t.Errorf("there are %s, want %s", got, want)
	}
}

// TestUseOfWhatIsGoing sees a folder that another process removes as gone.
func TestUseOfWhatIsGoing(t *testing.T) {
	dir := aged(t, t.TempDir(), "x", 1)
	lock, err := take(dir, unix.LOCK_EX)
	if err != nil {
		t.Fatal(err)
	}
	defer lock.Close()
	if _, err := Use(dir); !errors.Is(err, fs.ErrNotExist) {
		t.Errorf("got %v", err)
	}
}
