// Package progress shows people what an engine and other steps do, and says
// afterwards which steps there were and what the one that failed wrote.
package progress

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

// Display shows what several solves and other steps do, and remembers the steps.
type Display struct {
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

// New starts a display on w; mode is auto, tty, plain, rawjson or
// quiet.
func New(w io.Writer, mode string) (*Display, error) {
	display, err := progressui.NewDisplay(w, progressui.DisplayMode(mode))
	if err != nil {
		return nil, fmt.Errorf("starting progress display: %w", err)
	}
	d := &Display{
		updates: make(chan *client.SolveStatus, 64),
		shown:   make(chan struct{}),
		id:      identity.NewID(),
		silent:  mode == string(progressui.QuietMode) || mode == string(progressui.RawJSONMode),
		steps:   map[digest.Digest]*record{},
		groups:  map[string]*group{},
		notes:   map[string]bool{},
	}
	go func() {
		defer close(d.shown)
		// The display ends when the channel is closed, so that a cancelled
		// command still shows how its last steps ended.
		_, _ = display.UpdateFrom(context.Background(), d.updates)
	}()
	return d, nil
}

// Close ends the display after everything was shown.
func (d *Display) Close() {
	close(d.updates)
	<-d.shown
}

// Steps returns the finished steps in the order in which they began; those of
// the engine that have no name of their own are left out, and a group counts
// as one step.
func (d *Display) Steps() []Step {
	d.mu.Lock()
	defer d.mu.Unlock()
	var records []*record
	for _, r := range d.steps {
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
func (d *Display) Do(ctx context.Context, name string, fn func(ctx context.Context, log io.Writer) (cached bool, err error)) error {
	started := time.Now()
	source := d.newSource("")
	vertex := client.Vertex{Digest: digest.FromString(fmt.Sprintf("%s %d %s", d.id, source.id, name)), Name: name, Started: &started}
	d.send(source, &client.SolveStatus{Vertexes: []*client.Vertex{&vertex}})
	cached, err := fn(ctx, &stepLog{display: d, source: source, vertex: vertex.Digest})
	done, completed := vertex, time.Now()
	done.Completed, done.Cached = &completed, cached
	if err != nil {
		done.Error = err.Error()
	}
	d.send(source, &client.SolveStatus{Vertexes: []*client.Vertex{&done}})
	return err
}

// Note shows a step that does nothing but to be seen, once for each name.
func (d *Display) Note(ctx context.Context, name string) error {
	d.mu.Lock()
	shown := d.notes[name]
	d.notes[name] = true
	d.mu.Unlock()
	if shown {
		return nil
	}
	return d.Do(ctx, name, func(context.Context, io.Writer) (bool, error) { return false, nil })
}

// source is one origin of updates: a solve, or a step of Do.
type source struct {
	id int
	// export is what a solve exports, for people.
	export string
}

func (d *Display) newSource(export string) source {
	d.mu.Lock()
	defer d.mu.Unlock()
	d.next++
	return source{id: d.next, export: export}
}

// Follow passes the updates of one solve on until its channel is closed;
// export names what the solve exports.
func (d *Display) Follow(updates <-chan *client.SolveStatus, export string) {
	source := d.newSource(export)
	for u := range updates {
		d.send(source, u)
	}
	d.end(source)
}

// end notes that a solve tells no more.
func (d *Display) end(source source) {
	d.mu.Lock()
	last := &client.SolveStatus{}
	d.release(source, last)
	d.mu.Unlock()
	d.updates <- last
}

func (d *Display) send(from source, u *client.SolveStatus) {
	d.mu.Lock()
	shown := d.filter(from, u)
	d.mu.Unlock()
	d.updates <- shown
}

// stepLog shows what is written to it as the log of one step.
type stepLog struct {
	display *Display
	source  source
	vertex  digest.Digest
}

func (l *stepLog) Write(text []byte) (int, error) {
	l.display.send(l.source, &client.SolveStatus{Logs: []*client.VertexLog{{
		Vertex: l.vertex, Stream: 2, Data: append([]byte(nil), text...), Timestamp: time.Now(),
	}}})
	return len(text), nil
}
