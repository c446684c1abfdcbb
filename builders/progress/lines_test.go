package progress

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/moby/buildkit/client"
)

// written is an update with what a step wrote.
func written(v *client.Vertex, text string) *client.SolveStatus {
	return &client.SolveStatus{Logs: []*client.VertexLog{{Vertex: v.Digest, Data: []byte(text), Timestamp: *at(0)}}}
}

func vertices(v ...*client.Vertex) *client.SolveStatus { return &client.SolveStatus{Vertexes: v} }

// TestLines: a person reads one line per step; a program's output only where
// it failed.
func TestLines(t *testing.T) {
	install := func(s, c int) *client.Vertex { return vertex("[app] install", s, c) }
	for name, c := range map[string]struct {
		story []*client.SolveStatus
		want  string
	}{
		"a step that ends": {
			[]*client.SolveStatus{vertices(install(0, -1)), written(install(0, -1), "Setting up nginx\n"), vertices(install(0, 2))},
			"    2.0s  [app] install\n",
		},
		"one from the cache": {[]*client.SolveStatus{vertices(cached(install(0, 0)))}, "  cached  [app] install\n"},
		"one that fails": {
			[]*client.SolveStatus{vertices(install(0, -1)), written(install(0, -1), "one\ntwo\n"), vertices(failed(install(0, 3), "exit code 1"))},
			"  FAILED  [app] install, after 3.0s\n          one\n          two\n",
		},
		"one whose last line comes late": {
			[]*client.SolveStatus{vertices(failed(install(0, 3), "exit code 1")), written(install(0, -1), "late\n")},
			"  FAILED  [app] install, after 3.0s\n          late\n",
		},
		"one that was stopped for another": {[]*client.SolveStatus{vertices(install(0, -1)), vertices(failed(install(0, 3), "rpc: context canceled"))}, ""},
		"BuildKit's own warning": {
			[]*client.SolveStatus{vertices(install(0, -1)), {Warnings: []*client.VertexWarning{{Vertex: install(0, -1).Digest, Short: []byte("COPY of nothing")}}}},
			" warning  COPY of nothing\n",
		},
		"a program's word for a warning": {[]*client.SolveStatus{vertices(install(0, -1)), written(install(0, -1), "warning: means nothing\n")}, ""},
		"an internal step":               {[]*client.SolveStatus{vertices(vertex("[internal] script", 0, 1))}, ""},
		"a group once": {
			[]*client.SolveStatus{vertices(fetched("fetch a", 0, 1)), vertices(fetched("fetch a", 0, 1)), vertices(fetched("fetch b", 1, -1)), vertices(fetched("fetch b", 1, 4))},
			"    1.0s  [packages] fetch (1, 0 from the cache)\n    4.0s  [packages] fetch (2, 0 from the cache)\n",
		},
	} {
		t.Run(name, func(t *testing.T) {
			var shown, log bytes.Buffer
			d, err := New(Options{Screen: &shown, Mode: Plain, Log: &log})
			if err != nil {
				t.Fatal(err)
			}
			from := d.newSource(source{})
			for _, u := range c.story {
				d.send(from, u)
			}
			d.Close()
			if shown.String() != c.want {
				t.Errorf("shown:\n%swant:\n%s", shown.String(), c.want)
			}
			if name != "an internal step" && !strings.Contains(log.String(), "#1 [") {
				t.Errorf("the log lacks the step:\n%s", log.String())
			}
		})
	}
}

// TestWarningsOfOurs: what a step of this program warns of is shown.
func TestWarningsOfOurs(t *testing.T) {
	var shown bytes.Buffer
	d, err := New(Options{Screen: &shown, Mode: Plain})
	if err != nil {
		t.Fatal(err)
	}
	want := errors.New("refused")
	err = d.Do(t.Context(), "[scan] look", func(_ context.Context, log io.Writer) (bool, error) {
		fmt.Fprintln(log, "asking")
		fmt.Fprintln(log, "warning: no evidence")
		return false, want
	})
	d.Close()
	if !errors.Is(err, want) {
		t.Errorf("got %v", err)
	}
	lines := strings.Split(shown.String(), "\n")
	if len(lines) != 5 || lines[0] != " warning  no evidence" || !strings.HasPrefix(lines[1], "  FAILED  [scan] look, after ") || lines[2] != "          asking" {
		t.Errorf("shown:\n%s", shown.String())
	}
}

// TestSilenceIsBroken: nobody looks at nothing for long.
func TestSilenceIsBroken(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var shown bytes.Buffer
		d, err := New(Options{Screen: &shown, Mode: Plain})
		if err != nil {
			t.Fatal(err)
		}
		time.Sleep(2*silence + silence/2) // nothing runs
		_ = d.Do(t.Context(), "[test] disk", func(context.Context, io.Writer) (bool, error) {
			time.Sleep(2*silence + time.Second)
			return false, nil
		})
		time.Sleep(2 * silence)
		d.Close()
		if got := shown.String(); strings.Count(got, "     ...  [test] disk, for ") != 2 || !strings.HasSuffix(got, "   61.0s  [test] disk\n") {
			t.Errorf("shown:\n%s", got)
		}
	})
}
