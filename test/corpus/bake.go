package corpus

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path"
	"path/filepath"
	"strings"
	"time"
)

// caseLimit bounds one case: a cold bake, and a boot without KVM.
const caseLimit = 20 * time.Minute

// Baker bakes cases.
type Baker struct {
	// Bakelite is the program.
	Bakelite string
	// Env is its environment, with state and output folders.
	Env []string
	// Work is where cases are copied to, each with a lock that is made anew.
	Work string
}

// Outcome is how one case went for one kind of artifact.
type Outcome struct {
	Case   string `json:"case"`
	Target string `json:"target"`
	// Passed says that it was baked and all tests passed, or that it was
	// refused as it should be.
	Passed bool `json:"passed"`
	// Refused says that it is to be refused.
	Refused bool `json:"refused,omitempty"`
	// Tests is the number of tests that passed.
	Tests int `json:"tests,omitempty"`
	// Seconds is how long it took.
	Seconds float64 `json:"seconds"`
	// Why says in a line why it did not pass.
	Why string `json:"why,omitempty"`
	// Twice says what of it was other bytes when it was baked twice; "" where
	// it was not.
	Twice string `json:"twice,omitempty"`
}

// Bake bakes a case for one kind of artifact, container or disk.
func (b Baker) Bake(ctx context.Context, c Case, target string) (o Outcome, err error) {
	o = Outcome{Case: c.Name, Target: target, Refused: len(c.Refused) > 0}
	dir := filepath.Join(b.Work, path.Base(c.Name))
	if err := os.RemoveAll(dir); err != nil {
		return o, fmt.Errorf("copying case: %w", err)
	}
	if err := os.CopyFS(dir, os.DirFS(c.Dir)); err != nil {
		return o, fmt.Errorf("copying case: %w", err)
	}
	ctx, cancel := context.WithTimeout(ctx, caseLimit)
	defer cancel()
	var stdout, stderr bytes.Buffer
	build := exec.CommandContext(ctx, b.Bakelite, "build", "--json", "--progress", "plain", "--target", target, dir)
	build.Env, build.Stdout, build.Stderr = b.Env, &stdout, &stderr
	build.Cancel, build.WaitDelay = func() error { return build.Process.Signal(os.Interrupt) }, time.Minute
	started := time.Now()
	err = build.Run()
	o.Seconds = time.Since(started).Round(100 * time.Millisecond).Seconds()
	if exit := (*exec.ExitError)(nil); err != nil && !errors.As(err, &exit) {
		return o, fmt.Errorf("running %s: %w", b.Bakelite, err)
	}
	if ctx.Err() != nil {
		o.Why = fmt.Sprintf("it took more than %s", caseLimit)
		return o, nil
	}
	o.judge(c, build.ProcessState.ExitCode(), stdout.Bytes(), stderr.String())
	return o, nil
}

// judge decides by what the program said.
func (o *Outcome) judge(c Case, code int, stdout []byte, stderr string) {
	said := message(stderr)
	if o.Refused {
		o.judgeRefusal(c, code, said)
		return
	}
	if code != 0 {
		o.Why = fmt.Sprintf("exit code %d: %.300s", code, strings.Join(firstLines(said, 2), " "))
		return
	}
	var built struct {
		Tests []struct {
			Name   string `json:"name"`
			Passed bool   `json:"passed"`
		} `json:"tests"`
	}
	if err := json.Unmarshal(stdout, &built); err != nil {
		o.Why = fmt.Sprintf("its result cannot be read: %v", err)
		return
	}
	for _, test := range built.Tests {
		if !test.Passed {
			o.Why = "it passed, and a test did not: " + test.Name
			return
		}
	}
	o.Tests = len(built.Tests)
	if o.Passed = o.Tests > 0; !o.Passed {
		o.Why = "nothing was tested"
	}
}

// firstLines are the first lines of a text; the second of a failed test says
// what failed.
func firstLines(text string, n int) []string {
	lines := strings.Split(text, "\n")
	lines = lines[:min(n, len(lines))]
	for i, line := range lines {
		lines[i] = strings.TrimSpace(line)
	}
	return lines
}

// judgeRefusal wants an error of the user's input, or of a step, that says what
// the case names and what to do next.
func (o *Outcome) judgeRefusal(c Case, code int, said string) {
	for _, text := range append(c.Refused, "next: ") {
		if !strings.Contains(said, text) {
			o.Why = fmt.Sprintf("exit code %d, and nothing says %q: %.200s", code, text, said)
			return
		}
	}
	if o.Passed = code == 2 || code == 5 || code == 6; !o.Passed {
		o.Why = fmt.Sprintf("exit code %d for a refusal", code)
	}
}

// message is what the program said at its end, from its own name on.
func message(stderr string) string {
	_, said, found := strings.Cut("\n"+stderr, "\nbakelite: ")
	for found {
		var more string
		if _, more, found = strings.Cut(said, "\nbakelite: "); found {
			said = more
		}
	}
	return strings.TrimSpace(said)
}
