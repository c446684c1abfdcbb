package engine

import (
	"context"
	"fmt"
	"io"
	"sort"
	"sync"
	"time"

	"github.com/moby/buildkit/client"
	"github.com/moby/buildkit/identity"
	"github.com/moby/buildkit/util/progress/progressui"
	digest "github.com/opencontainers/go-digest"
)

// Step is one step of a command, as the JSON result lists it.
type Step struct {
	Name    string  `json:"name"`
	Seconds float64 `json:"seconds"`
	Cached  bool    `json:"cached"`
}

// Progress shows what several solves and other steps do, in one display, and
// remembers the steps.
type Progress struct {
	updates chan *client.SolveStatus
	shown   chan struct{}
	// silent says that the display shows no output of steps to a person.
	silent bool
	id     string // tells its steps from those of another display
	mu     sync.Mutex
	steps  map[digest.Digest]*record
	groups map[string]*group
	notes  map[string]bool
	next   int
}

// NewProgress starts a display on w; mode is auto, tty, plain, rawjson or
// quiet.
func NewProgress(w io.Writer, mode string) (*Progress, error) {
	display, err := progressui.NewDisplay(w, progressui.DisplayMode(mode))
	if err != nil {
		return nil, fmt.Errorf("starting progress display: %w", err)
	}
	p := &Progress{
		updates: make(chan *client.SolveStatus, 64),
		shown:   make(chan struct{}),
		id:      identity.NewID(),
		silent:  mode == string(progressui.QuietMode) || mode == string(progressui.RawJSONMode),
		steps:   map[digest.Digest]*record{},
		groups:  map[string]*group{},
		notes:   map[string]bool{},
	}
	go func() {
		defer close(p.shown)
		// The display ends when the channel is closed, so that a cancelled
		// command still shows how its last steps ended.
		_, _ = display.UpdateFrom(context.Background(), p.updates)
	}()
	return p, nil
}

// Close ends the display after everything was shown.
func (p *Progress) Close() {
	close(p.updates)
	<-p.shown
}

// Steps returns the finished steps in the order in which they began; those of
// the engine that have no name of their own are left out, and a group counts
// as one step.
func (p *Progress) Steps() []Step {
	p.mu.Lock()
	defer p.mu.Unlock()
	var records []*record
	for _, r := range p.steps {
		if r.finished && !r.internal && !r.member {
			records = append(records, r)
		}
	}
	sort.Slice(records, func(i, j int) bool { return records[i].order < records[j].order })
	steps := make([]Step, len(records))
	for i, r := range records {
		steps[i] = r.step
	}
	return steps
}

// Do runs fn as one step of the display. What fn writes is shown as the
// step's log; cached says that nothing had to be done.
func (p *Progress) Do(ctx context.Context, name string, fn func(ctx context.Context, log io.Writer) (cached bool, err error)) error {
	started := time.Now()
	source := p.newSource("")
	vertex := client.Vertex{Digest: digest.FromString(fmt.Sprintf("%s %d %s", p.id, source.id, name)), Name: name, Started: &started}
	p.send(source, &client.SolveStatus{Vertexes: []*client.Vertex{&vertex}})
	cached, err := fn(ctx, &stepLog{p: p, source: source, vertex: vertex.Digest})
	done, completed := vertex, time.Now()
	done.Completed, done.Cached = &completed, cached
	if err != nil {
		done.Error = err.Error()
	}
	p.send(source, &client.SolveStatus{Vertexes: []*client.Vertex{&done}})
	return err
}

// source is one origin of updates: a solve, or a step of Do.
type source struct {
	id int
	// export is what a solve exports, for people.
	export string
}

func (p *Progress) newSource(export string) source {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.next++
	return source{id: p.next, export: export}
}

// follow passes the updates of one solve on until its channel is closed;
// export names what the solve exports.
func (p *Progress) follow(updates <-chan *client.SolveStatus, export string) {
	source := p.newSource(export)
	for u := range updates {
		p.send(source, u)
	}
	p.end(source)
}

// end notes that a solve tells no more.
func (p *Progress) end(source source) {
	p.mu.Lock()
	last := &client.SolveStatus{}
	p.release(source, last)
	p.mu.Unlock()
	p.updates <- last
}

func (p *Progress) send(from source, u *client.SolveStatus) {
	p.mu.Lock()
	shown := p.filter(from, u)
	p.mu.Unlock()
	p.updates <- shown
}

// stepLog shows what is written to it as the log of one step.
type stepLog struct {
	p      *Progress
	source source
	vertex digest.Digest
}

func (l *stepLog) Write(text []byte) (int, error) {
	l.p.send(l.source, &client.SolveStatus{Logs: []*client.VertexLog{{
		Vertex: l.vertex, Stream: 2, Data: append([]byte(nil), text...), Timestamp: time.Now(),
	}}})
	return len(text), nil
}
