package progress

import (
	"strings"
	"time"

	"github.com/moby/buildkit/client"
)

// record is what is known of one vertex of a graph.
type record struct {
	order    int
	step     Step
	started  time.Time
	finished bool
	failed   bool
	// internal says that only BuildKit's makers care for it.
	internal bool
	// member says that a group is shown in its place.
	member bool
	// owner is the source whose updates are shown: solves that run side by
	// side share vertices, and the engine tells each of them everything.
	owner int
	// output is the end of what the step wrote.
	output []byte
}

// maxOutput and maxOutputLines bound what an error shows of a step's output,
// in bytes and in lines.
const (
	maxOutput      = 8 << 10
	maxOutputLines = 20
)

// filter returns what of an update is shown, and remembers the steps in it.
func (d *Display) filter(from source, u *client.SolveStatus) *client.SolveStatus {
	shown := &client.SolveStatus{}
	for _, v := range u.Vertexes {
		d.vertex(from, v, shown)
	}
	for _, s := range u.Statuses {
		if r := d.steps[s.Vertex]; r.visible(from) {
			shown.Statuses = append(shown.Statuses, s)
		}
	}
	for _, w := range u.Warnings {
		if r := d.steps[w.Vertex]; r.visible(from) {
			shown.Warnings = append(shown.Warnings, w)
		}
	}
	for _, l := range u.Logs {
		r := d.steps[l.Vertex]
		if r != nil && r.owner == from.id {
			r.note(l.Data)
		}
		if r.visible(from) {
			shown.Logs = append(shown.Logs, l)
		}
	}
	return shown
}

// visible says whether what a source tells of a vertex is shown.
func (r *record) visible(from source) bool {
	return r != nil && r.owner == from.id && !r.internal && !r.member
}

func (r *record) note(text []byte) {
	r.output = append(r.output, text...)
	if extra := len(r.output) - maxOutput; extra > 0 {
		r.output = r.output[extra:]
	}
}

func (d *Display) vertex(from source, v *client.Vertex, shown *client.SolveStatus) {
	internal := strings.HasPrefix(v.Name, "[internal]") && v.Error == ""
	if v.Started == nil {
		switch {
		case v.ProgressGroup != nil:
			d.group(v).announce(v)
		case !internal:
			shown.Vertexes = append(shown.Vertexes, shownAs(v, from))
		}
		return
	}
	r := d.remember(from, v)
	if r == nil {
		return
	}
	r.internal = internal
	switch {
	case v.ProgressGroup != nil:
		r.member = true
		g := d.group(v)
		g.add(v)
		d.show(g, shown)
	case !internal:
		shown.Vertexes = append(shown.Vertexes, shownAs(v, from))
	}
}

// remember updates the record of a vertex; it returns nil where another
// source tells its story, or has told it to a good end.
func (d *Display) remember(from source, v *client.Vertex) *record {
	r := d.steps[v.Digest]
	if r == nil {
		r = &record{order: len(d.steps), step: Step{Name: shownAs(v, from).Name}, started: *v.Started, owner: from.id}
		d.steps[v.Digest] = r
	}
	if r.owner != from.id {
		if r.owner != 0 && !r.failed || r.finished && !r.failed {
			return nil
		}
		r.owner = from.id
	}
	if v.Completed != nil {
		r.finished, r.failed = true, v.Error != ""
		r.step.Cached = v.Cached
		r.step.Seconds = max(r.step.Seconds, float64(v.Completed.Sub(r.started).Milliseconds())/1000)
	}
	return r
}

// release lets other solves tell of what a solve leaves unfinished.
func (d *Display) release(from source, shown *client.SolveStatus) {
	for _, r := range d.steps {
		if r.owner == from.id {
			r.owner = 0
		}
	}
	for _, g := range d.groups {
		g.announced = nil
		if g.open {
			d.show(g, shown)
		}
	}
}

// shownAs returns a vertex under the name that people see: BuildKit calls each
// export after its format.
func shownAs(v *client.Vertex, from source) *client.Vertex {
	if from.export == "" || !strings.HasPrefix(v.Name, "exporting to ") {
		return v
	}
	shown := *v
	shown.Name = "[export] " + from.export
	return &shown
}
