package fleet

import (
	"fmt"
	"strings"
	"time"

	"github.com/bakelite/bakelite/internal/notify"
	"github.com/bakelite/bakelite/internal/update"
)

const (
	// toldReasons bounds how many reasons an event lists.
	toldReasons = 20
	// toldWhy bounds why something failed, in bytes.
	toldWhy = 500
)

// standingNews is what is told of how an app stands.
type standingNews struct {
	App      string `json:"app"`
	File     string `json:"file"`
	Artifact string `json:"artifact,omitempty"`
	Lock     string `json:"lockDigest,omitempty"`
	// Action, NotBefore and Reasons are those of the decision.
	Action    update.Action `json:"action"`
	NotBefore time.Time     `json:"notBefore,omitzero"`
	Reasons   []string      `json:"reasons"`
	// Changes is how many there are, Fixes how many advisories they fix, and
	// Worst the worst severity of these.
	Changes int    `json:"changes"`
	Fixes   int    `json:"fixes"`
	Worst   string `json:"worst,omitempty"`
}

// outcomeNews is what is told of a rebuild.
type outcomeNews struct {
	App       string    `json:"app"`
	State     State     `json:"state"`
	Why       string    `json:"why,omitempty"`
	At        time.Time `json:"at"`
	Lock      string    `json:"lockDigest,omitempty"`
	Seconds   float64   `json:"seconds"`
	Published []string  `json:"published,omitempty"`
}

// announce tells of how apps stand, as far as nobody was told of it yet.
func (f Fleet) announce(m memory, all []Standing, now time.Time) {
	if f.Tell == nil {
		return
	}
	for i := range all {
		for _, e := range all[i].news(m.Current[all[i].LockDigest], now) {
			if _, told := m.Told[e.ID]; !told {
				f.Tell(e)
			}
		}
	}
}

// Told remembers which events were delivered, so that the next look does not
// tell of the same.
func (f Fleet) Told(ids []string) error {
	if len(ids) == 0 {
		return nil
	}
	now := f.Now().UTC().Truncate(time.Second)
	return f.remember(func(m *memory) {
		for _, id := range ids {
			m.Told[id] = now
		}
	})
}

// news are the events that a standing means. Their keys are what changed, and
// not the words of today: what cools down is told of once.
func (s *Standing) news(currentAt, now time.Time) []notify.Event {
	if s.Err != nil {
		return nil
	}
	var all []notify.Event
	data, changes := s.told(), ""
	for _, c := range s.Changes {
		switch c.Kind {
		case update.Package, update.Image:
			changes += fmt.Sprintf(" %q %q %q", c.Name, c.From, c.To)
		case update.Revoked:
			all = append(all, notify.New(notify.Revoked, c.Name+"@"+c.From, s.App.Name+" "+s.LockDigest, now, data))
		}
	}
	if changes != "" && len(s.Unknown) == 0 {
		all = append(all, notify.New(notify.UpdateFound, s.App.Name, s.LockDigest+changes, now, data))
	}
	if s.Decision.TooOld {
		all = append(all, notify.New(notify.LockTooOld, s.App.Name, s.LockDigest+" "+currentAt.UTC().Format(time.RFC3339), now, data))
	}
	return all
}

func (s *Standing) told() standingNews {
	d := s.Decision
	data := standingNews{
		App: s.App.Name, File: s.App.Path, Artifact: s.Artifact, Lock: s.LockDigest, Action: d.Action, NotBefore: d.NotBefore,
		Reasons: append([]string{}, d.Reasons[:min(len(d.Reasons), toldReasons)]...), Changes: len(s.Changes),
	}
	for i, reason := range data.Reasons {
		data.Reasons[i] = inShort(reason)
	}
	for _, c := range s.Changes {
		data.Fixes += len(c.Fixes)
		if worst := c.Worst(); worst != "" && (data.Worst == "" || update.Rank(worst) > update.Rank(data.Worst)) {
			data.Worst = worst
		}
	}
	return data
}

// report tells what became of an app; apps that are as before are no news.
func (f Fleet) report(o Outcome) {
	kind, known := map[State]string{Rebuilt: notify.Rebuilt, Failed: notify.Failed}[o.State]
	if f.Tell == nil || !known {
		return
	}
	f.Tell(notify.New(kind, o.App, o.At.Format(time.RFC3339Nano)+" "+o.Lock+" "+o.Why, o.At, outcomeNews{
		App: o.App, State: o.State, Why: inShort(o.Why), At: o.At, Lock: o.Lock, Seconds: o.Seconds, Published: o.Published,
	}))
}

// inShort is the first line of a text, as far as it is told.
func inShort(text string) string {
	line, _, _ := strings.Cut(text, "\n")
	return strings.ToValidUTF8(line[:min(len(line), toldWhy)], "")
}
