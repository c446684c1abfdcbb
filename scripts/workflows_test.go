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
		for _, m := range regexp.MustCompile(`(?m)^ *(?:- )?uses: (.*)`).FindAllStringSubmatch(text, -1) {
			if !regexp.MustCompile(`^(\./[\w./-]+|[\w./-]+@[0-9a-f]{40} # v[\d.]+)$`).MatchString(m[1]) {
				t.Errorf("%s: %s is not pinned by its commit", file, m[1])
			}
		}
		for name, job := range jobs(text) {
			if regexp.MustCompile(`(?m)^    uses: `).MatchString(job) {
				continue // it lends its rights to jobs of another workflow, which are judged there
			}
			writes, signs := strings.Contains(job, "contents: write"), strings.Contains(job, "id-token: write")
			bakes := regexp.MustCompile(`sudo .*BAKELITE|"\$BAKELITE" (re)?build|\.ci/run`).MatchString(job)
			if writes && (signs || bakes || regexp.MustCompile(`make build|setup\.sh`).MatchString(job)) || signs && bakes {
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

// TestActionlint has the linter read the workflows, with shellcheck for what
// they run.
func TestActionlint(t *testing.T) {
	files, err := filepath.Glob("../.github/workflows/*.yml")
	if err != nil {
		t.Fatal(err)
	}
	files = append(files, "../templates/github/bakelite.yml")
	lint := exec.Command("go", append([]string{"run", "github.com/rhysd/actionlint/cmd/actionlint@v1.7.12"}, files...)...)
	if out, err := lint.CombinedOutput(); err != nil {
		t.Errorf("%v\n%s", err, out)
	}
}

// TestPublishBelievesOneDigest: who signs has the rights for that and no others,
// keeps no cache that others write, and takes what was baked out of the way of
// the repository, by the digest that is an output of the one job that made it.
func TestPublishBelievesOneDigest(t *testing.T) {
	for _, file := range []string{"bake.yml", "bake-app.yml", "rebuild.yml"} {
		text := read(t, "../.github/workflows/"+file)
		for _, word := range []string{"pull_request_target", "workflow_run", "secrets: inherit", "self-hosted", "actions/cache", "cache: true", "github.event", "github.head_ref"} {
			if strings.Contains(text, word) {
				t.Errorf("%s: it has %s", file, word)
			}
		}
		if strings.Count(text, "actions/setup-go@") != strings.Count(text, "cache: false") {
			t.Errorf("%s: a cache of Go is read", file)
		}
	}
	all := jobs(read(t, "../.github/workflows/bake-app.yml"))
	rights := regexp.MustCompile(`(?m)^      ([a-z-]+: (?:read|write))`)
	for name, want := range map[string]string{"bake": "contents: read", "publish": "contents: read id-token: write packages: write", "verify": "contents: read packages: read"} {
		var have []string
		for _, m := range rights.FindAllStringSubmatch(all[name], -1) {
			have = append(have, m[1])
		}
		if got := strings.Join(have, " "); got != want {
			t.Errorf("the job %s may %q, not %q", name, got, want)
		}
	}
	publish := all["publish"]
	for _, word := range []string{"RECEIPT: ${{ needs.bake.outputs.receipt }}", "--receipt \"$RECEIPT\"", "cancel-in-progress: false", "--keyless"} {
		if !strings.Contains(publish, word) {
			t.Errorf("publish lacks %s", word)
		}
	}
	for _, m := range regexp.MustCompile(`(?s)download-artifact@.*?path: ([^\n]*)`).FindAllStringSubmatch(publish, -1) {
		if !strings.HasPrefix(m[1], "${{ runner.temp }}/") {
			t.Errorf("what was baked is put at %s", m[1])
		}
	}
	if outputs := regexp.MustCompile(`receipt: (.*)`).FindStringSubmatch(all["bake"]); outputs == nil || outputs[1] != "${{ steps.bake.outputs.receipt }}" {
		t.Errorf("bake tells its receipt as %v", outputs)
	}
}

// TestLocksAlone has another job's folder hold what would harm a checkout:
// the script takes the locks of the apps that it is told of, or nothing.
func TestLocksAlone(t *testing.T) {
	const web = "web=examples/web/app.yaml"
	for name, tt := range map[string]struct {
		make string // in the folder
		app  string
		ok   bool
	}{
		"a lock":                  {"", web, true},
		"one more file":           {"mkdir -p lock-web/.github .git/hooks scripts && touch lock-web/.github/x scripts/demo.sh && touch .git/hooks/pre-commit", web, true},
		"none":                    {"rm lock-web/app.lock", web, true},
		"a link":                  {"mv lock-web/app.lock other && ln -s ../other lock-web/app.lock", web, false},
		"a link to a folder":      {"mv lock-web other && ln -s other lock-web", web, false},
		"a folder":                {"rm lock-web/app.lock && mkdir lock-web/app.lock", web, false},
		"too large":               {"head -c 9000000 /dev/zero | tr '\\0' ' ' >>lock-web/app.lock", web, false},
		"another app's":           {"sed -i 's/app: web/app: other/' lock-web/app.lock", web, false},
		"no lock":                 {"echo '#!/bin/sh' >lock-web/app.lock", web, false},
		"an app file":             {"sed -i 's/kind: Lock/kind: App/' lock-web/app.lock", web, false},
		"a terminal's words":      {"printf 'x: \\033[2J\\n' >>lock-web/app.lock", web, false},
		"no such app":             {"", "web=examples/new/app.yaml", false},
		"out of the folder":       {"", "../web=examples/web/app.yaml", false},
		"out of the repository":   {"", "web=../web/app.yaml", false},
		"an absolute file":        {"", "web=/etc/app.yaml", false},
		"beside what is no app":   {"", "web=examples/web/run.sh", false},
		"in the place of a hook":  {"", "web=.git/hooks/pre-commit.yaml", false},
		"a file that is not kept": {"", "web=examples/web/other.yaml", false},
	} {
		t.Run(name, func(t *testing.T) {
			repository, from := t.TempDir(), t.TempDir()
			run(t, repository, "git", "init", "-q")
			script, err := filepath.Abs("locks.sh")
			if err != nil {
				t.Fatal(err)
			}
			for _, file := range []string{"app.yaml", "run.sh"} {
				write(t, filepath.Join(repository, "examples", "web", file), "name: web\n")
			}
			run(t, repository, "git", "add", ".")
			run(t, repository, "git", "-c", "user.name=t", "-c", "user.email=t@example.org", "commit", "-qm", "Begin")
			write(t, filepath.Join(repository, "examples", "web", "other.yaml"), "name: web\n")
			write(t, filepath.Join(from, "lock-web", "app.lock"), lock)
			run(t, from, "sh", "-c", tt.make)
			take := exec.Command("sh", script, from, tt.app)
			take.Dir = repository
			out, err := take.CombinedOutput()
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
