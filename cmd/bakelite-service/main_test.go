package main

import (
	"bytes"
	"errors"
	"fmt"
	"net"
	"net/http"
	"net/http/httptest"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"sync"
	"testing"
)

var build = sync.OnceValues(func() (string, error) {
	dir, err := os.MkdirTemp("", "bakelite-service")
	if err != nil {
		return "", err
	}
	program := filepath.Join(dir, "service")
	cmd := exec.Command("go", "build", "-o", program, ".")
	cmd.Env = append(os.Environ(), "CGO_ENABLED=0")
	if out, err := cmd.CombinedOutput(); err != nil {
		return "", fmt.Errorf("%w: %s", err, out)
	}
	return program, nil
})

func TestMain(m *testing.M) {
	code := m.Run()
	if program, err := build(); err == nil {
		_ = os.RemoveAll(filepath.Dir(program))
	}
	os.Exit(code)
}

// call runs the program and returns its exit code and what it said.
func call(t *testing.T, words ...string) (int, string) {
	t.Helper()
	program, err := build()
	if err != nil {
		t.Fatal(err)
	}
	var said bytes.Buffer
	cmd := exec.CommandContext(t.Context(), program, words...)
	cmd.Stdout, cmd.Stderr, cmd.Env = &said, &said, []string{"SEEN=yes"}
	err = cmd.Run()
	var ended *exec.ExitError
	if err != nil && !errors.As(err, &ended) {
		t.Fatal(err)
	}
	return cmd.ProcessState.ExitCode(), said.String()
}

// wants fails where the program ended or spoke otherwise.
func wants(t *testing.T, exit int, said string, words ...string) {
	t.Helper()
	if got, text := call(t, words...); got != exit || !strings.Contains(text, said) {
		t.Errorf("%q: exit code %d, want %d; output without %q:\n%s", words, got, exit, said, text)
	}
}

func TestBecomesTheService(t *testing.T) {
	wants(t, 7, "yes a b  c\n", "start", "exec", "/bin/sh", "-c", `echo "$SEEN $0 $1"; exit 7`, "a b", " c")
	wants(t, 127, "/nowhere", "start", "exec", "/nowhere")
	wants(t, 126, "/etc/passwd", "start", "exec", "/etc/passwd")
}

// TestMissingFilesAreAllNamed: the service must not start, and whoever runs it
// learns at once of all that is missing.
func TestMissingFilesAreAllNamed(t *testing.T) {
	there := filepath.Join(t.TempDir(), "there")
	write(t, there, "x")
	words := []string{"start", "need", "secret", "there", there, "need", "secret", "one", "/nowhere/one", "need", "setting", "two", "/nowhere/two", "exec", "/bin/echo", "started"}
	exit, text := call(t, words...)
	if exit != exitConfig || !strings.Contains(text, "secret one is missing: /nowhere/one") || !strings.Contains(text, "setting two is missing") {
		t.Errorf("exit code %d:\n%s", exit, text)
	}
	if strings.Contains(text, "started") || strings.Contains(text, "there is missing") {
		t.Errorf("it says:\n%s", text)
	}
	wants(t, 0, "started", "start", "need", "secret", "there", there, "exec", "/bin/echo", "started")
}

// TestPreparesOnce: once for a state, once more for another release.
func TestPreparesOnce(t *testing.T) {
	dir := t.TempDir()
	mark, trace := filepath.Join(dir, "mark"), filepath.Join(dir, "trace")
	start := func(id string) {
		wants(t, 0, "", "start", "prepare", mark, id, "run", "4", "/bin/sh", "-c", "echo one >> $0", trace,
			"run", "4", "/bin/sh", "-c", "echo two >> $0", trace, "exec", "/bin/true")
	}
	start("a")
	start("a")
	if got := read(t, trace); got != "one\ntwo\n" {
		t.Errorf("two starts ran %q", got)
	}
	start("b")
	if got := read(t, trace); got != "one\ntwo\none\ntwo\n" {
		t.Errorf("a start of another release ran %q", got)
	}
}

// TestHalfPreparedIsPreparedAgain: what failed, or was killed, left no mark,
// and the service never ran on it.
func TestHalfPreparedIsPreparedAgain(t *testing.T) {
	dir := t.TempDir()
	mark, trace := filepath.Join(dir, "mark"), filepath.Join(dir, "trace")
	words := func(last string) []string {
		return []string{"start", "prepare", mark, "once", "run", "4", "/bin/sh", "-c", "echo one >> $0", trace,
			"run", "3", "/bin/sh", "-c", last, "exec", "/bin/sh", "-c", "echo served >> $0", trace}
	}
	wants(t, 3, "/bin/sh ended with exit code 3; it runs again", words("exit 3")...)
	wants(t, 137, "exit code 137", words("kill -9 $$")...)
	if _, err := os.Stat(mark); err == nil || read(t, trace) != "one\none\n" {
		t.Errorf("after two failures: mark %v, trace %q", err, read(t, trace))
	}
	wants(t, 0, "", words("true")...)
	if got := read(t, trace); got != "one\none\none\nserved\n" {
		t.Errorf("in the end: %q", got)
	}
}

// TestMarkIsNoLink: who can write to the state could have the mark of another
// state taken for this one's, or a file elsewhere overwritten.
func TestMarkIsNoLink(t *testing.T) {
	dir := t.TempDir()
	other, mark := filepath.Join(dir, "other"), filepath.Join(dir, "mark")
	write(t, other, "once\n")
	if err := os.Symlink(other, mark); err != nil {
		t.Fatal(err)
	}
	if err := os.Symlink(other, mark+".new"); err != nil {
		t.Fatal(err)
	}
	wants(t, exitConfig, "prepared", "start", "prepare", mark, "once", "run", "2", "/bin/echo", "prepared", "exec", "/bin/true")
	if got := read(t, other); got != "once\n" {
		t.Errorf("the file elsewhere holds %q", got)
	}
}

func TestAsksForHealth(t *testing.T) {
	s := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if r.URL.Path != "/page" {
			w.WriteHeader(http.StatusNotFound)
		}
		fmt.Fprint(w, strings.Repeat("x", 9000), "the end")
	}))
	defer s.Close()
	_, port, _ := net.SplitHostPort(s.Listener.Addr().String())
	six, err := net.Listen("tcp6", "[::1]:0")
	if err != nil {
		t.Fatal(err)
	}
	defer six.Close()
	_, port6, _ := net.SplitHostPort(six.Addr().String())
	wants(t, 0, "", "tcp", port)
	wants(t, 0, "", "tcp", port6)
	wants(t, 0, "", "http", port, "/page", "200")
	wants(t, 0, "", "http", port, "/page", "200", "the end")
	wants(t, 0, "", "http", port, "/other", "404")
	wants(t, exitUnhealthy, "answers 404, wanted 200", "http", port, "/other", "200")
	wants(t, exitUnhealthy, "without the text", "http", port, "/page", "200", "no such text")
	six.Close()
	wants(t, exitUnhealthy, "refused", "tcp", port6)
}

func TestWrongWords(t *testing.T) {
	for _, words := range [][]string{
		{}, {"stop"}, {"start"}, {"start", "exec"}, {"start", "need", "secret"}, {"start", "run", "1", "/bin/true", "exec", "/bin/true"},
		{"start", "prepare", "/m", "id", "run", "0", "exec", "/bin/true"}, {"start", "prepare", "/m", "id", "run", "9", "/bin/true"},
		{"tcp"}, {"tcp", "x"}, {"tcp", "70000"}, {"http", "80", "/"},
	} {
		wants(t, exitUsage, "bakelite: ", words...)
	}
}

func write(t *testing.T, name, text string) {
	t.Helper()
	if err := os.WriteFile(name, []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
}

func read(t *testing.T, name string) string {
	t.Helper()
	text, err := os.ReadFile(name)
	if err != nil {
		t.Fatal(err)
	}
	return string(text)
}
