// Package scripts_test holds the workflows of this repository to what they are
// trusted with, and their script to what it takes.
package scripts_test

import (
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"
)

func read(t *testing.T, path string) string {
	t.Helper()
	text, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	return string(text)
}

// jobs splits a workflow into its jobs, by name.
func jobs(text string) map[string]string {
	_, text, _ = strings.Cut(text, "\njobs:\n")
	found := map[string]string{}
	name := ""
	for line := range strings.Lines(text) {
		if m := regexp.MustCompile(`^  ([a-z-]+):\n$`).FindStringSubmatch(line); m != nil {
			name = m[1]
		}
		found[name] += line
	}
	return found
}

// TestWorkflowsHaveFewRights: none by default, actions by commit; who signs
// runs nothing of an app's, and who writes to the repository does neither.
func TestWorkflowsHaveFewRights(t *testing.T) {
	files, err := filepath.Glob("../.github/workflows/*.yml")
	if err != nil || len(files) < 2 {
		t.Fatalf("%d workflows, %v", len(files), err)
	}
	for _, file := range files {
		text := read(t, file)
		if !strings.Contains(text, "\npermissions: {}\n") {
			t.Errorf("%s: all jobs have rights by default", file)
		}
		for _, m := range regexp.MustCompile(`uses: (.*)`).FindAllStringSubmatch(text, -1) {
			if !regexp.MustCompile(`^(\./[\w./-]+|[\w./-]+@[0-9a-f]{40} # v[\d.]+)$`).MatchString(m[1]) {
				t.Errorf("%s: %s is not pinned by its commit", file, m[1])
			}
		}
		for name, job := range jobs(text) {
			writes, signs := strings.Contains(job, "contents: write"), strings.Contains(job, "id-token: write")
			bakes := regexp.MustCompile(`sudo .*BAKELITE|"\$BAKELITE" (re)?build|\.ci/run`).MatchString(job)
			if writes && (signs || bakes || strings.Contains(job, "make build")) || signs && bakes {
				t.Errorf("%s: the job %s writes %v, signs %v, bakes %v", file, name, writes, signs, bakes)
			}
			if !writes && strings.Contains(job, "actions/checkout") && !strings.Contains(job, "persist-credentials: false") {
				t.Errorf("%s: the job %s keeps the repository's credentials", file, name)
			}
		}
	}
}

// TestWorkflowsTakeNoTemplates: what others can choose comes into a script as
// a variable, never as a part of it.
func TestWorkflowsTakeNoTemplates(t *testing.T) {
	files, _ := filepath.Glob("../.github/*/*.yml")
	more, _ := filepath.Glob("../.github/actions/*/*.yml")
	for _, file := range slices.Concat(files, more) {
		indent := -1
		for line := range strings.Lines(read(t, file)) {
			depth := len(line) - len(strings.TrimLeft(line, " "))
			switch {
			case strings.Contains(line, "run: "):
				indent = depth
			case strings.TrimSpace(line) != "" && depth <= indent:
				indent = -1
			}
			if indent >= 0 && strings.Contains(line, "${{") {
				t.Errorf("%s: %s", file, strings.TrimSpace(line))
			}
		}
	}
}

const lock = "# Made by Bakelite from the app file\napiVersion: bakelite.dev/v1\nkind: Lock\napp: web\npackages:\n  seed: []\n"

// TestLocksAlone has another job's folder hold what would harm a checkout:
// the script takes the locks of the apps that it is told of, or nothing.
func TestLocksAlone(t *testing.T) {
	for name, tt := range map[string]struct {
		make string // in the folder
		apps []string
		ok   bool
	}{
		"a lock":             {"", []string{"web"}, true},
		"one more file":      {"mkdir -p web/.github .git/hooks scripts && touch web/.github/x scripts/demo.sh && touch .git/hooks/pre-commit", []string{"web"}, true},
		"none":               {"rm web/app.lock", []string{"web"}, true},
		"a link":             {"mv web/app.lock other && ln -s ../other web/app.lock", []string{"web"}, false},
		"a link to a folder": {"mv web other && ln -s other web", []string{"web"}, false},
		"a folder":           {"rm web/app.lock && mkdir web/app.lock", []string{"web"}, false},
		"too large":          {"head -c 9000000 /dev/zero | tr '\\0' ' ' >>web/app.lock", []string{"web"}, false},
		"another app's":      {"sed -i 's/app: web/app: other/' web/app.lock", []string{"web"}, false},
		"no lock":            {"echo '#!/bin/sh' >web/app.lock", []string{"web"}, false},
		"an app file":        {"sed -i 's/kind: Lock/kind: App/' web/app.lock", []string{"web"}, false},
		"a terminal's words": {"printf 'x: \\033[2J\\n' >>web/app.lock", []string{"web"}, false},
		"no such app":        {"mkdir new && sed 's/app: web/app: new/' web/app.lock >new/app.lock", []string{"new"}, false},
		"out of the folder":  {"", []string{"../web"}, false},
	} {
		t.Run(name, func(t *testing.T) {
			repository, from := t.TempDir(), t.TempDir()
			run(t, repository, "git", "init", "-q")
			write(t, filepath.Join(repository, "scripts", "locks.sh"), read(t, "locks.sh"))
			write(t, filepath.Join(repository, "examples", "web", "app.yaml"), "name: web\n")
			write(t, filepath.Join(from, "web", "app.lock"), lock)
			run(t, from, "sh", "-c", tt.make)
			out, err := exec.Command("sh", append([]string{filepath.Join(repository, "scripts", "locks.sh"), from}, tt.apps...)...).CombinedOutput()
			if (err == nil) != tt.ok {
				t.Errorf("%v: %s", err, out)
			}
			taken := run(t, repository, "git", "diff", "--cached", "--name-only")
			want := ""
			if tt.ok && name != "none" {
				want = "examples/web/app.lock\n"
			}
			if taken != want {
				t.Errorf("taken are %q, want %q", taken, want)
			}
		})
	}
}

func write(t *testing.T, path, text string) {
	t.Helper()
	if err := os.MkdirAll(filepath.Dir(path), 0o755); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(path, []byte(text), 0o644); err != nil {
		t.Fatal(err)
	}
}

func run(t *testing.T, dir, name string, args ...string) string {
	t.Helper()
	c := exec.Command(name, args...)
	c.Dir = dir
	out, err := c.CombinedOutput()
	if err != nil {
		t.Fatalf("%s: %v\n%s", name, err, out)
	}
	return string(out)
}
