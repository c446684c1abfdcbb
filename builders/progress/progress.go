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
	sinks []sink
	// silent says that a person is shown no output of steps.
	silent bool
	id     string // tells its steps from those of another display
	mu     sync.Mutex
	steps  map[digest.Digest]*record
	groups map[string]*group
	notes  map[string]bool
	next   int
}

// Options say where a display shows what.
type Options struct {
	// Screen is what a person looks at, or a program in the mode JSON.
	Screen io.Writer
	Mode   Mode
	// Log is given everything in the form of Full, whatever the mode; nil is
	// none.
	Log io.Writer
}

// New starts a display, which ends with Close.
func New(o Options) (*Display, error) {
	d := &Display{
		id: identity.NewID(), silent: o.Mode == Quiet || o.Mode == JSON,
		steps: map[digest.Digest]*record{}, groups: map[string]*group{}, notes: map[string]bool{},
	}
	screen, err := d.screen(o)
	if err != nil {
		return nil, fmt.Errorf("starting progress display: %w", err)
	}
	d.sinks = append(d.sinks, screen)
	if o.Log == nil {
		return d, nil
	}
	whole, err := newBuildKit(o.Log, Full)
	if err != nil {
		screen.close()
		return nil, fmt.Errorf("starting log: %w", err)
	}
	d.sinks = append(d.sinks, whole)
	return d, nil
}

func (d *Display) screen(o Options) (sink, error) {
	if o.Mode == Plain {
		return newLines(o.Screen, d.lastOutput), nil
	}
	return newBuildKit(o.Screen, o.Mode)
}

// Close ends the display after everything was shown.
func (d *Display) Close() {
	for _, s := range d.sinks {
		s.close()
	}
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

// Do runs fn as one step of the display. What fn writes is the step's output, of
// which the mode Plain shows lines that begin with "warning: "; cached says
// that nothing had to be done.
func (d *Display) Do(ctx context.Context, name string, fn func(ctx context.Context, log io.Writer) (cached bool, err error)) error {
	started := time.Now()
	source := d.newSource(source{ours: true})
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
	// ours says that it is a step of Do, which a person is warned by.
	ours bool
}

func (d *Display) newSource(s source) source {
	d.mu.Lock()
	defer d.mu.Unlock()
	d.next++
	s.id = d.next
	return s
}

// Follow passes the updates of one solve on until its channel is closed;
// export names what the solve exports.
func (d *Display) Follow(updates <-chan *client.SolveStatus, export string) {
	source := d.newSource(source{export: export})
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
	d.hand(source, last)
}

func (d *Display) send(from source, u *client.SolveStatus) {
	d.mu.Lock()
	shown := d.filter(from, u)
	d.mu.Unlock()
	d.hand(from, shown)
}

func (d *Display) hand(from source, shown *client.SolveStatus) {
	for _, s := range d.sinks {
		s.show(shown, from.ours)
	}
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
