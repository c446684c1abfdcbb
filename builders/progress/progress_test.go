package progress

import (
	"bytes"
	"context"
	"errors"
	"io"
	"reflect"
	"strings"
	"testing"
	"time"

	"github.com/moby/buildkit/client"
	"github.com/moby/buildkit/solver/pb"
	digest "github.com/opencontainers/go-digest"
)

// at returns a time some seconds after the start of a story.
func at(seconds int) *time.Time {
	t := time.Unix(int64(1000+seconds), 0)
	return &t
}

func vertex(name string, started, completed int) *client.Vertex {
	v := &client.Vertex{Digest: digest.FromString(name), Name: name}
	if started >= 0 {
		v.Started = at(started)
	}
	if completed >= 0 {
		v.Completed = at(completed)
	}
	return v
}

func fetched(name string, started, completed int) *client.Vertex {
	v := vertex(name, started, completed)
	v.ProgressGroup = &pb.ProgressGroup{Id: "fetch", Name: "[packages] fetch"}
	return v
}

func cached(v *client.Vertex) *client.Vertex {
	v.Cached = true
	return v
}

func failed(v *client.Vertex, why string) *client.Vertex {
	v.Error = why
	return v
}

// told is one vertex that one of two solves tells of; "" as text ends a solve.
type told struct {
	solve int
	v     *client.Vertex
	log   string
}

func TestDisplay(t *testing.T) {
	step := func(s, c int) *client.Vertex { return vertex("[app] install", s, c) }
	for name, c := range map[string]struct {
		story []told
		once  []string
		never []string
		steps []Step
	}{
		"a step with its output": {
			[]told{{1, step(0, -1), "hello"}, {1, step(0, 2), ""}},
			[]string{"[app] install", "hello", "DONE 2.0s"}, nil, []Step{{"[app] install", 2, false}},
		},
		"internal steps are hidden with their output": {
			[]told{{1, vertex("[internal] script", 0, -1), "hidden"}, {1, vertex("[internal] script", 0, 1), ""}},
			nil, []string{"internal", "hidden"}, nil,
		},
		"unless they fail": {
			[]told{{1, failed(vertex("[internal] script", 0, 1), "broken"), ""}},
			[]string{"#1 [internal] script", "#1 ERROR: broken"}, nil, []Step{{"[internal] script", 1, false}},
		},
		"a shared step is told by one solve": {
			[]told{{1, step(0, -1), "hello"}, {2, step(0, -1), "hello"}, {1, step(0, 2), ""}, {2, cached(step(0, 2)), ""}},
			[]string{"[app] install", "hello", "DONE 2.0s"}, []string{"CACHED"}, []Step{{"[app] install", 2, false}},
		},
		"a finished step stays finished": {
			[]told{{1, step(0, 2), ""}, {1, nil, ""}, {2, cached(step(3, 3)), ""}},
			[]string{"DONE 2.0s"}, []string{"CACHED"}, []Step{{"[app] install", 2, false}},
		},
		"another solve takes over where one was cancelled": {
			[]told{{1, step(0, -1), ""}, {2, step(0, -1), ""}, {1, nil, ""}, {2, step(0, 5), ""}},
			[]string{"DONE 5.0s"}, nil, []Step{{"[app] install", 5, false}},
		},
		"fetches are one step with counts": {
			[]told{{1, fetched("fetch a", -1, -1), ""}, {1, fetched("fetch b", -1, -1), ""},
				{1, fetched("fetch a", 0, 1), ""}, {1, cached(fetched("fetch b", 1, 3)), ""}},
			[]string{"[packages] fetch (2, 1 from the cache)", "DONE 3.0s"}, []string{"fetch a", "fetch b"}, []Step{{"[packages] fetch", 3, false}},
		},
		"a fetch that never had to run ends with its solve": {
			[]told{{1, fetched("fetch a", 0, 1), ""}, {1, fetched("fetch b", -1, -1), ""}, {1, cached(fetched("fetch a", 0, 1)), ""}, {1, nil, ""}},
			[]string{"[packages] fetch (1, 1 from the cache)", "CACHED"}, nil, []Step{{"[packages] fetch", 1, true}},
		},
		"an export is called after what it exports": {
			[]told{{1, vertex("exporting to client directory", 0, 1), ""}},
			[]string{"[export] parts"}, []string{"client directory"}, []Step{{"[export] parts", 1, false}},
		},
	} {
		t.Run(name, func(t *testing.T) {
			shown, steps := tell(t, c.story)
			for _, text := range c.once {
				if n := strings.Count(shown, text); n != 1 {
					t.Errorf("%q is shown %d times, want once, in:\n%s", text, n, shown)
				}
			}
			for _, text := range c.never {
				if strings.Contains(shown, text) {
					t.Errorf("%q is shown in:\n%s", text, shown)
				}
			}
			if len(steps)+len(c.steps) > 0 && !reflect.DeepEqual(steps, c.steps) {
				t.Errorf("steps are %v, want %v", steps, c.steps)
			}
		})
	}
}

// tell gives a display what two solves tell, in order, and returns what it
// showed and the steps.
func tell(t *testing.T, story []told) (string, []Step) {
	t.Helper()
	var shown bytes.Buffer
	p, err := New(Options{Screen: &shown, Mode: Full})
	if err != nil {
		t.Fatal(err)
	}
	sources := map[int]source{1: p.newSource(source{export: "parts"}), 2: p.newSource(source{export: "parts"})}
	for _, s := range story {
		from := sources[s.solve]
		if s.v == nil {
			p.end(from)
			continue
		}
		u := &client.SolveStatus{Vertexes: []*client.Vertex{s.v}}
		if s.log != "" {
			u.Logs = []*client.VertexLog{{Vertex: s.v.Digest, Data: []byte(s.log + "\n"), Timestamp: *at(0)}}
		}
		p.send(from, u)
	}
	steps := p.Steps()
	p.Close()
	return shown.String(), steps
}

func TestDo(t *testing.T) {
	var shown bytes.Buffer
	p, err := New(Options{Screen: &shown, Mode: Full})
	if err != nil {
		t.Fatal(err)
	}
	want := errors.New("refused")
	err = p.Do(t.Context(), "[test] container", func(_ context.Context, log io.Writer) (bool, error) {
		_, err := io.WriteString(log, "asking\n")
		return false, errors.Join(want, err)
	})
	steps := p.Steps()
	p.Close()
	if !errors.Is(err, want) || len(steps) != 1 || steps[0].Name != "[test] container" {
		t.Errorf("got %v, %v", err, steps)
	}
	for _, text := range []string{"[test] container", "asking", "ERROR: refused"} {
		if !strings.Contains(shown.String(), text) {
			t.Errorf("%q is not shown in:\n%s", text, shown.String())
		}
	}
}

func TestNoteIsShownOnce(t *testing.T) {
	d, err := New(Options{Mode: Quiet})
	if err != nil {
		t.Fatal(err)
	}
	for _, name := range []string{"ignore USER", "ignore USER", "ignore ENV"} {
		if err := d.Note(t.Context(), name); err != nil {
			t.Fatal(err)
		}
	}
	steps := d.Steps()
	d.Close()
	if len(steps) != 2 || steps[0].Name != "ignore USER" || steps[1].Name != "ignore ENV" {
		t.Errorf("got %v, want each note once", steps)
	}
}

func TestOutputIsBounded(t *testing.T) {
	r := &record{}
	for range 10_000 {
		r.note([]byte("a line of output\n"))
	}
	text := lastLines(r.output)
	if len(r.output) > maxOutput || strings.Count(text, "\n")+1 != maxOutputLines {
		t.Errorf("kept %d bytes and %d lines", len(r.output), strings.Count(text, "\n")+1)
	}
}
