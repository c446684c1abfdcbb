package progress

import (
	"fmt"
	"time"

	"github.com/moby/buildkit/client"
	digest "github.com/opencontainers/go-digest"
)

// group is many vertices shown as one step, such as the fetches of packages.
type group struct {
	id        digest.Digest
	name      string
	announced map[digest.Digest]bool
	members   map[digest.Digest]client.Vertex
	started   time.Time
	open      bool
}

func (d *Display) group(v *client.Vertex) *group {
	g := d.groups[v.ProgressGroup.Id]
	if g == nil {
		g = &group{
			id: digest.FromString("group " + v.ProgressGroup.Id), name: v.ProgressGroup.Name,
			members: map[digest.Digest]client.Vertex{},
		}
		d.groups[v.ProgressGroup.Id] = g
	}
	return g
}

// announce notes a vertex that may have to run.
func (g *group) announce(v *client.Vertex) {
	if _, known := g.members[v.Digest]; known {
		return
	}
	if g.announced == nil {
		g.announced = map[digest.Digest]bool{}
	}
	g.announced[v.Digest] = true
}

func (g *group) add(v *client.Vertex) {
	if len(g.members) == 0 || v.Started.Before(g.started) {
		g.started = *v.Started
	}
	delete(g.announced, v.Digest)
	g.members[v.Digest] = *v
}

// tally counts the members and says when the last one ended; ended is zero
// while one runs or is still to run.
func (g *group) tally() (done, cached int, ended time.Time, failure string) {
	for _, v := range g.members {
		if v.Completed == nil {
			continue
		}
		done++
		if v.Cached {
			cached++
		}
		if v.Completed.After(ended) {
			ended = *v.Completed
		}
		if text := v.Name + ": " + v.Error; v.Error != "" && (failure == "" || text < failure) {
			failure = text
		}
	}
	if done < len(g.members) || len(g.announced) > 0 && failure == "" {
		ended = time.Time{}
	}
	return done, cached, ended, failure
}

// show adds the group to an update as one vertex.
func (d *Display) show(g *group, shown *client.SolveStatus) {
	done, cached, ended, failure := g.tally()
	started := g.started
	v := &client.Vertex{Digest: g.id, Started: &started}
	v.Name = fmt.Sprintf("%s (%d of %d)", g.name, done, len(g.members)+len(g.announced))
	if !ended.IsZero() {
		v.Completed, v.Cached, v.Error = &ended, cached == done, failure
		v.Name = fmt.Sprintf("%s (%d, %d from the cache)", g.name, done, cached)
	}
	g.open = ended.IsZero()
	shown.Vertexes = append(shown.Vertexes, v)
	d.noteGroup(g, v)
}

func (d *Display) noteGroup(g *group, v *client.Vertex) {
	r := d.steps[g.id]
	if r == nil {
		r = &record{order: len(d.steps), step: Step{Name: g.name}}
		d.steps[g.id] = r
	}
	if r.finished = v.Completed != nil; r.finished {
		r.step.Cached = v.Cached
		r.step.Seconds = float64(v.Completed.Sub(*v.Started).Milliseconds()) / 1000
	}
}
