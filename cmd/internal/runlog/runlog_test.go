package runlog

import (
	"os"
	"path/filepath"
	"slices"
	"testing"
)

func names(t *testing.T, dir string) (all []string) {
	t.Helper()
	entries, err := os.ReadDir(dir)
	if err != nil {
		t.Fatal(err)
	}
	for _, e := range entries {
		all = append(all, e.Name())
	}
	return all
}

func write(t *testing.T, l *Log, text string) {
	t.Helper()
	if _, err := l.Write([]byte(text)); err != nil {
		t.Fatal(err)
	}
}

func TestLogGetsItsNameAtTheEnd(t *testing.T) {
	dir := filepath.Join(t.TempDir(), "out")
	if New(dir, "web").Close() {
		t.Error("a run that wrote nothing has a log")
	}
	for _, text := range []string{"the first run\n", "the second\n"} {
		l := New(dir, "web")
		write(t, l, text[:4])
		if got := names(t, dir); slices.Contains(got, "web.log") != (text == "the second\n") {
			t.Errorf("while it runs there are %q", got)
		}
		write(t, l, text[4:])
		if !l.Close() {
			t.Error("no log")
		}
		if got, err := os.ReadFile(l.Path()); err != nil || string(got) != text {
			t.Errorf("got %q, %v", got, err)
		}
	}
	info, err := os.Stat(filepath.Join(dir, "web.log"))
	if err != nil || info.Mode() != 0o600 {
		t.Errorf("mode %v, %v", info.Mode(), err)
	}
}

func TestRunsDoNotTakeEachOthersLog(t *testing.T) {
	dir := t.TempDir()
	killed, other := filepath.Join(dir, ".web.log-1"), filepath.Join(dir, ".web2.log-1")
	for _, path := range []string{killed, other} {
		if err := os.WriteFile(path, nil, 0o600); err != nil {
			t.Fatal(err)
		}
	}
	one, two := New(dir, "web"), New(dir, "web")
	write(t, one, "one\n")
	write(t, two, "two\n")
	if got := names(t, dir); len(got) != 3 || slices.Contains(got, ".web.log-1") || !slices.Contains(got, ".web2.log-1") {
		t.Errorf("beside two runs lie %q", got)
	}
	for _, l := range []*Log{two, one} {
		if !l.Close() {
			t.Error("no log")
		}
	}
	if got, err := os.ReadFile(one.Path()); err != nil || string(got) != "one\n" {
		t.Errorf("got %q, %v", got, err)
	}
}

// A log that cannot be written fails no run: writing says so, closing does not.
func TestLogThatCannotBeWritten(t *testing.T) {
	file := filepath.Join(t.TempDir(), "file")
	if err := os.WriteFile(file, nil, 0o600); err != nil {
		t.Fatal(err)
	}
	l := New(file, "web")
	for range 2 {
		if _, err := l.Write([]byte("text")); err == nil {
			t.Error("a file is a folder")
		}
	}
	if l.Close() {
		t.Error("there is a log")
	}
}
