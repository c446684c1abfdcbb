package progress

import (
	"fmt"
	"io"
	"strings"
	"sync"
	"time"

	"github.com/moby/buildkit/client"
	digest "github.com/opencontainers/go-digest"
)

// silence is how long nothing is shown before it is said what runs.
const silence = 30 * time.Second

// lines shows a line per step when it is done, the last lines of one that
// failed, warnings, and after a silence what still runs.
type lines struct {
	w io.Writer
	// output returns the end of what a step wrote.
	output func(digest.Digest) string

	mu      sync.Mutex
	running map[digest.Digest]running
	said    map[digest.Digest]string
	failed  map[digest.Digest]bool
	quiet   *time.Timer
	every   time.Duration
}

type running struct {
	name    string
	started time.Time
}

func newLines(w io.Writer, output func(digest.Digest) string) *lines {
	l := &lines{w: w, output: output, running: map[digest.Digest]running{}, said: map[digest.Digest]string{}, failed: map[digest.Digest]bool{}, every: silence}
	l.quiet = time.AfterFunc(l.every, l.waiting)
	return l
}

func (l *lines) close() {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.quiet.Stop()
	l.running = nil
}

func (l *lines) show(u *client.SolveStatus, ours bool) {
	l.mu.Lock()
	defer l.mu.Unlock()
	for _, w := range u.Warnings {
		l.say("warning", string(w.Short))
	}
	for _, log := range u.Logs {
		l.log(log, ours)
	}
	for _, v := range u.Vertexes {
		l.vertex(v)
	}
}

// log shows warnings, and what a step wrote whose failure is known already.
func (l *lines) log(log *client.VertexLog, ours bool) {
	for line := range strings.Lines(string(log.Data)) {
		line = strings.TrimSuffix(line, "\n")
		warning, warned := strings.CutPrefix(line, "warning: ")
		switch {
		case l.failed[log.Vertex]:
			l.say("", line)
		case warned && ours:
			l.say("warning", warning)
		}
	}
}

func (l *lines) vertex(v *client.Vertex) {
	switch {
	case v.Started == nil:
	case v.Completed == nil:
		l.running[v.Digest] = running{v.Name, *v.Started}
	default:
		delete(l.running, v.Digest)
		if l.said[v.Digest] != v.Name { // a group may end more than once
			l.said[v.Digest] = v.Name
			l.done(v)
		}
	}
}

func (l *lines) done(v *client.Vertex) {
	seconds := v.Completed.Sub(*v.Started).Seconds()
	switch {
	case strings.HasSuffix(v.Error, "context canceled"): // another step failed, or the user ended it
	case v.Error != "":
		l.failed[v.Digest] = true
		l.say("FAILED", fmt.Sprintf("%s, after %.1fs", v.Name, seconds))
		if output := l.output(v.Digest); output != "" {
			for line := range strings.SplitSeq(output, "\n") {
				l.say("", line)
			}
		}
	case v.Cached:
		l.say("cached", v.Name)
	default:
		l.say(fmt.Sprintf("%.1fs", seconds), v.Name)
	}
}

// waiting says what has run for longest.
func (l *lines) waiting() {
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.running == nil { // it was closed meanwhile
		return
	}
	var longest running
	for _, r := range l.running {
		if longest.name == "" || r.started.Before(longest.started) {
			longest = r
		}
	}
	if longest.name != "" {
		l.say("...", fmt.Sprintf("%s, for %ds so far", longest.name, max(0, int(time.Since(longest.started).Seconds()))))
	} else {
		l.quiet.Reset(l.every)
	}
}

func (l *lines) say(word, text string) {
	l.quiet.Reset(l.every)
	fmt.Fprintf(l.w, "%8s  %s\n", word, text)
}
