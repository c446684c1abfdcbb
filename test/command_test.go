package test

import (
	"bytes"
	"cmp"
	"context"
	"encoding/json"
	"errors"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/bakelite/bakelite/internal/artifact"
	"github.com/bakelite/bakelite/pipelines/results"
	"github.com/bakelite/bakelite/runners/probe"
)

// commandLimit bounds one command; the longest has one cold build and one
// boot without KVM on a busy machine.
const commandLimit = 15 * time.Minute

// environment is this program's without settings of Bakelite, except for
// mirrors, where the machine needs them.
func environment(state, output string) []string {
	env := slices.DeleteFunc(os.Environ(), func(v string) bool {
		return strings.HasPrefix(v, "BAKELITE_") && !strings.HasPrefix(v, "BAKELITE_MIRRORS_")
	})
	return append(append(env, here.secureBoot...), "BAKELITE_PROGRESS=full", "BAKELITE_STATE="+state, "BAKELITE_OUTPUT="+output)
}

// command is a run of bakelite.
type command struct {
	t              *testing.T
	cmd            *exec.Cmd
	stdout, stderr output
	ended          chan struct{}
	err            error
}

// outcome is how a command ended.
type outcome struct {
	code           int
	stdout, stderr string
}

// start runs bakelite in the background; it is killed at the test's end.
func (s site) start(args ...string) *command {
	s.t.Helper()
	ctx, cancel := context.WithTimeout(context.Background(), commandLimit)
	c := &command{t: s.t, cmd: exec.CommandContext(ctx, cmp.Or(s.binary, here.binary), args...), ended: make(chan struct{})}
	c.cmd.Dir, c.cmd.Env = filepath.Dir(s.dir), append(environment(s.state, s.out), s.env...)
	c.cmd.Stdout, c.cmd.Stderr = &c.stdout, &c.stderr
	c.cmd.WaitDelay = time.Minute
	if err := c.cmd.Start(); err != nil {
		s.t.Fatal(err)
	}
	go func() {
		c.err = c.cmd.Wait()
		close(c.ended)
	}()
	s.t.Cleanup(func() { cancel(); <-c.ended })
	return c
}

// run runs bakelite to its end.
func (s site) run(args ...string) outcome {
	s.t.Helper()
	return s.start(args...).wait()
}

// wait waits for the end; a code of -1 is a signal.
func (c *command) wait() outcome {
	c.t.Helper()
	<-c.ended
	var exit *exec.ExitError
	if c.err != nil && !errors.As(c.err, &exit) {
		c.t.Fatalf("bakelite: %v\n%s", c.err, c.stderr.String())
	}
	return outcome{c.cmd.ProcessState.ExitCode(), c.stdout.String(), c.stderr.String()}
}

// until waits for a line on stderr and fails the test where the command ends
// before it.
func (c *command) until(pattern string) {
	c.t.Helper()
	wanted := regexp.MustCompile("(?m)" + pattern)
	for {
		if wanted.MatchString(c.stderr.String()) {
			return
		}
		select {
		case <-c.ended:
			if !wanted.MatchString(c.stderr.String()) {
				c.t.Fatalf("ended without %q (%v):\n%s", pattern, c.err, c.stderr.String())
			}
		case <-time.After(5 * time.Millisecond):
		}
	}
}

// watched has a command tell begins what it does.
var watched = []string{"--progress", "json"}

// begins waits for the step, or for the part of one, whose name begins with a
// text, and fails the test where the command ends before it. The command was
// started with watched: progress is there for programs to read.
func (c *command) begins(name string) {
	c.t.Helper()
	for read := 0; ; {
		ended := false
		select {
		case <-c.ended:
			ended = true
		case <-time.After(5 * time.Millisecond):
		}
		said := c.stderr.String()
		end := strings.LastIndexByte(said, '\n') + 1
		if slices.ContainsFunc(strings.Split(said[read:end], "\n"), func(line string) bool { return beginning(line, name) }) {
			return
		}
		if read = end; ended {
			c.t.Fatalf("ended without the step %q (%v):\n%s", name, c.err, last(said, 4<<10))
		}
	}
}

// beginning says whether a line of progress tells of a beginning.
func beginning(line, name string) bool {
	var update struct {
		Vertexes []struct {
			Name    string
			Started *time.Time
		}
		Statuses []struct{ ID string }
	}
	if json.Unmarshal([]byte(line), &update) != nil {
		return false
	}
	for _, v := range update.Vertexes {
		if v.Started != nil && strings.HasPrefix(v.Name, name) {
			return true
		}
	}
	for _, s := range update.Statuses {
		if strings.HasPrefix(s.ID, name) {
			return true
		}
	}
	return false
}

// prints waits for a line on stdout, which has a pipe of its own, and returns
// all that are there.
func (c *command) prints(pattern string) []string {
	c.t.Helper()
	wanted := regexp.MustCompile("(?m)" + pattern)
	for {
		if found := wanted.FindAllString(c.stdout.String(), -1); len(found) > 0 {
			return found
		}
		select {
		case <-c.ended:
			c.t.Fatalf("ended without %q on stdout (%v):\n%s", pattern, c.err, c.stderr.String())
		case <-time.After(5 * time.Millisecond):
		}
	}
}

func (c *command) signal(s os.Signal) {
	c.t.Helper()
	if err := c.cmd.Process.Signal(s); err != nil {
		c.t.Fatalf("sending %v: %v\n%s", s, err, c.stderr.String())
	}
}

// want fails the test where the exit code is another or stderr lacks a text.
func (o outcome) want(t *testing.T, code int, texts ...string) outcome {
	t.Helper()
	if o.code != code {
		t.Fatalf("exit code %d, want %d:\n%s", o.code, code, last(o.stderr, 4<<10))
	}
	for _, text := range texts {
		if !strings.Contains(o.stderr, text) {
			t.Errorf("stderr lacks %q:\n%s", text, last(o.stderr, 4<<10))
		}
	}
	return o
}

func last(text string, n int) string { return text[max(0, len(text)-n):] }

// result is the documented form of --json.
type result struct {
	App        string              `json:"app"`
	LockDigest string              `json:"lockDigest"`
	Rebuilt    bool                `json:"rebuilt"`
	Changes    []change            `json:"changes"`
	Artifacts  []artifact.Artifact `json:"artifacts"`
	Tests      []probe.Result      `json:"tests"`
	Steps      []step              `json:"steps"`
	// Receipt is the digest of the receipt's file.
	Receipt   string        `json:"receipt"`
	Published []publication `json:"published"`
	// Policy is what was judged by.
	Policy *struct {
		Path   string `json:"path"`
		Digest string `json:"digest"`
	} `json:"policy"`
}

// publication is what --json says of one artifact that was published.
type publication struct {
	results.Publication
	Again bool `json:"again"`
}

type step struct {
	Name    string  `json:"name"`
	Seconds float64 `json:"seconds"`
	Cached  bool    `json:"cached"`
}

type change struct {
	Package string `json:"package"`
	From    string `json:"from"`
	To      string `json:"to"`
	// Downgrade says that To is older.
	Downgrade bool `json:"downgrade"`
}

// result reads a successful command's stdout, which must be one JSON object
// of the documented form and nothing else.
func (o outcome) result(t *testing.T) result {
	t.Helper()
	o.want(t, 0)
	decoder := json.NewDecoder(strings.NewReader(o.stdout))
	decoder.DisallowUnknownFields()
	var r result
	if err := decoder.Decode(&r); err != nil {
		t.Fatalf("reading stdout: %v\n%s", err, o.stdout)
	}
	if _, err := decoder.Token(); !errors.Is(err, io.EOF) {
		t.Fatalf("stdout holds more than one object:\n%s", o.stdout)
	}
	return r
}

// digest returns that of the artifact in a format, or fails the test.
func (r result) digest(t *testing.T, format string) string { return r.artifact(t, format).Digest }

func (r result) artifact(t *testing.T, format string) artifact.Artifact {
	t.Helper()
	for _, a := range r.Artifacts {
		if a.Format == format {
			return a
		}
	}
	t.Fatalf("no artifact is a %s: %+v", format, r.Artifacts)
	return artifact.Artifact{}
}

// output is what a command wrote so far.
type output struct {
	mu   sync.Mutex
	text bytes.Buffer
}

func (o *output) Write(p []byte) (int, error) {
	o.mu.Lock()
	defer o.mu.Unlock()
	return o.text.Write(p)
}

func (o *output) String() string {
	o.mu.Lock()
	defer o.mu.Unlock()
	return o.text.String()
}
