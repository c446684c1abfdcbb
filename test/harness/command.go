package harness

import (
	"bytes"
	"cmp"
	"context"
	"encoding/json"
	"errors"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"
)

// commandLimit bounds one command; the longest has one cold build and one
// boot without KVM on a busy machine.
const commandLimit = 15 * time.Minute

// Environment is this program's without settings of Bakelite, except for
// mirrors, where the machine needs them.
func Environment(state, output string) []string {
	env := slices.DeleteFunc(os.Environ(), func(v string) bool {
		return strings.HasPrefix(v, "BAKELITE_") && !strings.HasPrefix(v, "BAKELITE_MIRRORS_")
	})
	return append(append(env, Here.secureBoot...), "BAKELITE_PROGRESS=full", "BAKELITE_STATE="+state, "BAKELITE_OUTPUT="+output)
}

// Command is a run of bakelite, or of a program that runs it.
type Command struct {
	t *testing.T
	// Cmd is the process, to be asked for its number and arguments.
	Cmd            *exec.Cmd
	stdout, stderr output
	// Ended is closed at the end; err is then set.
	Ended chan struct{}
	err   error
}

// Start runs bakelite in the background; it is killed at the test's end.
func (s Site) Start(args ...string) *Command {
	s.T.Helper()
	return Launch(s.T, cmp.Or(s.Binary, Here.Binary), args, func(cmd *exec.Cmd) {
		cmd.Dir, cmd.Env = filepath.Dir(s.Dir), append(Environment(s.State, s.Out), s.Env...)
	})
}

// Launch starts a program in the background, which is killed at the test's
// end; set says where, and whatever else differs from bakelite.
func Launch(t *testing.T, program string, args []string, set func(*exec.Cmd)) *Command {
	t.Helper()
	ctx, cancel := context.WithTimeout(context.Background(), commandLimit)
	c := &Command{t: t, Cmd: exec.CommandContext(ctx, program, args...), Ended: make(chan struct{})}
	c.Cmd.Stdout, c.Cmd.Stderr, c.Cmd.WaitDelay = &c.stdout, &c.stderr, time.Minute
	set(c.Cmd)
	if err := c.Cmd.Start(); err != nil {
		t.Fatal(err)
	}
	go func() {
		c.err = c.Cmd.Wait()
		close(c.Ended)
	}()
	t.Cleanup(func() { cancel(); <-c.Ended })
	return c
}

// Said is what the command wrote to stderr so far.
func (c *Command) Said() string { return c.stderr.String() }

// Run runs bakelite to its end.
func (s Site) Run(args ...string) Outcome {
	s.T.Helper()
	return s.Start(args...).Wait()
}

// Wait waits for the end; a code of -1 is a signal.
func (c *Command) Wait() Outcome {
	c.t.Helper()
	<-c.Ended
	var exit *exec.ExitError
	if c.err != nil && !errors.As(c.err, &exit) {
		c.t.Fatalf("bakelite: %v\n%s", c.err, c.stderr.String())
	}
	return Outcome{c.Cmd.ProcessState.ExitCode(), c.stdout.String(), c.stderr.String()}
}

// Until waits for a line on stderr and fails the test where the command ends
// before it.
func (c *Command) Until(pattern string) {
	c.t.Helper()
	wanted := regexp.MustCompile("(?m)" + pattern)
	for {
		if wanted.MatchString(c.stderr.String()) {
			return
		}
		select {
		case <-c.Ended:
			if !wanted.MatchString(c.stderr.String()) {
				c.t.Fatalf("ended without %q (%v):\n%s", pattern, c.err, c.stderr.String())
			}
		case <-time.After(5 * time.Millisecond):
		}
	}
}

// Watched has a command tell Begins what it does.
var Watched = []string{"--progress", "json"}

// Begins waits for the step, or for the part of one, whose name begins with a
// text, and fails the test where the command ends before it. The command was
// started with watched: progress is there for programs to read.
func (c *Command) Begins(name string) {
	c.t.Helper()
	for read := 0; ; {
		ended := false
		select {
		case <-c.Ended:
			ended = true
		case <-time.After(5 * time.Millisecond):
		}
		said := c.stderr.String()
		end := strings.LastIndexByte(said, '\n') + 1
		if slices.ContainsFunc(strings.Split(said[read:end], "\n"), func(line string) bool { return beginning(line, name) }) {
			return
		}
		if read = end; ended {
			c.t.Fatalf("ended without the step %q (%v):\n%s", name, c.err, Last(said, 4<<10))
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

// Prints waits for a line on stdout, which has a pipe of its own, and returns
// all that are there.
func (c *Command) Prints(pattern string) []string {
	c.t.Helper()
	wanted := regexp.MustCompile("(?m)" + pattern)
	for {
		if found := wanted.FindAllString(c.stdout.String(), -1); len(found) > 0 {
			return found
		}
		select {
		case <-c.Ended:
			c.t.Fatalf("ended without %q on stdout (%v):\n%s", pattern, c.err, c.stderr.String())
		case <-time.After(5 * time.Millisecond):
		}
	}
}

// Signal sends the process a signal.
func (c *Command) Signal(s os.Signal) {
	c.t.Helper()
	if err := c.Cmd.Process.Signal(s); err != nil {
		c.t.Fatalf("sending %v: %v\n%s", s, err, c.stderr.String())
	}
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
