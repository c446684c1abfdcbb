package engine

import (
	"context"
	"fmt"
	"io"
	"sort"
	"strings"
	"sync"
	"time"

	"github.com/moby/buildkit/client"
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
	mu      sync.Mutex
	steps   map[digest.Digest]*record
	next    int
}

type record struct {
	order    int
	step     Step
	started  time.Time
	finished bool
}

// NewProgress starts a display on w; mode is auto, tty, plain or quiet.
func NewProgress(w io.Writer, mode string) (*Progress, error) {
	display, err := progressui.NewDisplay(w, progressui.DisplayMode(mode))
	if err != nil {
		return nil, fmt.Errorf("starting progress display: %w", err)
	}
	p := &Progress{
		updates: make(chan *client.SolveStatus, 64),
		shown:   make(chan struct{}),
		steps:   map[digest.Digest]*record{},
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

// Steps returns the steps so far in the order in which they began; those of
// the engine that have no name of their own are left out.
func (p *Progress) Steps() []Step {
	p.mu.Lock()
	defer p.mu.Unlock()
	records := make([]*record, 0, len(p.steps))
	for _, r := range p.steps {
		if r.finished {
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
	p.mu.Lock()
	p.next++
	id := digest.FromString(fmt.Sprintf("%d %s", p.next, name))
	p.mu.Unlock()
	vertex := client.Vertex{Digest: id, Name: name, Started: &started}
	p.send(&client.SolveStatus{Vertexes: []*client.Vertex{&vertex}})
	cached, err := fn(ctx, &stepLog{p: p, vertex: id})
	done, completed := vertex, time.Now()
	done.Completed, done.Cached = &completed, cached
	if err != nil {
		done.Error = err.Error()
	}
	p.send(&client.SolveStatus{Vertexes: []*client.Vertex{&done}})
	return err
}

// follow passes the updates of one solve on until its channel is closed.
func (p *Progress) follow(updates <-chan *client.SolveStatus) {
	for u := range updates {
		p.send(u)
	}
}

func (p *Progress) send(u *client.SolveStatus) {
	p.mu.Lock()
	for _, v := range u.Vertexes {
		p.remember(v)
	}
	p.mu.Unlock()
	p.updates <- u
}

func (p *Progress) remember(v *client.Vertex) {
	if v.Started == nil || strings.HasPrefix(v.Name, "[internal]") || v.ProgressGroup != nil {
		return
	}
	r := p.steps[v.Digest]
	if r == nil {
		r = &record{order: len(p.steps), step: Step{Name: v.Name}, started: *v.Started}
		p.steps[v.Digest] = r
	}
	if v.Completed != nil {
		r.finished = true
		r.step.Cached = v.Cached
		r.step.Seconds = max(r.step.Seconds, float64(v.Completed.Sub(r.started).Milliseconds())/1000)
	}
}

// stepLog shows what is written to it as the log of one step.
type stepLog struct {
	p      *Progress
	vertex digest.Digest
}

func (l *stepLog) Write(text []byte) (int, error) {
	l.p.send(&client.SolveStatus{Logs: []*client.VertexLog{{
		Vertex: l.vertex, Stream: 2, Data: append([]byte(nil), text...), Timestamp: time.Now(),
	}}})
	return len(text), nil
}
