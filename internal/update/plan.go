package update

import (
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"slices"
	"strings"
	"time"
)

// PlanVersion is the version of the plan's form, PlanKind its kind.
const (
	PlanVersion = "bakelite.dev/v1"
	PlanKind    = "Plan"
)

// Plan is what a rebuild will do, before it does any of it.
type Plan struct {
	APIVersion string `json:"apiVersion"`
	Kind       string `json:"kind"`
	// Made is when, in UTC.
	Made time.Time `json:"made"`
	// Bakelite is the version that made it, and that carries it out.
	Bakelite string `json:"bakelite"`
	// Publish says that what is built is published too, SkipTests that the
	// declared tests are left out. Targets are the kinds that are built.
	Publish   bool     `json:"publish"`
	SkipTests bool     `json:"skipTests,omitempty"`
	Targets   []string `json:"targets"`
	// Apps are rebuilt in this order, as far as they do not depend on each
	// other side by side.
	Apps []Planned `json:"apps"`
	// Others are left as they are, by name.
	Others []Left `json:"others"`
	// Download is what the new packages have together, in bytes, each counted
	// once.
	Download int64 `json:"downloadBytes"`
	// Seconds is how long the last builds of these apps took together.
	Seconds float64 `json:"seconds"`
}

// Planned is one app that is rebuilt.
type Planned struct {
	App  string `json:"app"`
	File string `json:"file"`
	// Asked is the digest of the app file, Lock that of the lock that is there,
	// "" for none: a plan is for these.
	Asked   string   `json:"asked"`
	Lock    string   `json:"lockDigest,omitempty"`
	Reasons []string `json:"reasons"`
	Changes []Change `json:"changes"`
	// Undecided says what of the packages apt's resolver decides.
	Undecided []string `json:"undecided,omitempty"`
	// Keep are packages that stay at a version, by name.
	Keep     map[string]string `json:"keep,omitempty"`
	Findings []string          `json:"findings,omitempty"`
	// After are apps of the plan that come first, since this one stands on
	// them. Follows says that it has no other reason, and so is not rebuilt
	// where they fail.
	After   []string `json:"after,omitempty"`
	Follows bool     `json:"follows,omitempty"`
	// Tests are the declared tests that will run, by name.
	Tests []string `json:"tests,omitempty"`
	// Seconds is how long its last build took, 0 where there is none.
	Seconds float64 `json:"seconds"`
}

// Left is one app that is not rebuilt, and why.
type Left struct {
	App       string    `json:"app"`
	File      string    `json:"file"`
	Action    Action    `json:"action"`
	Reasons   []string  `json:"reasons,omitempty"`
	Findings  []string  `json:"findings,omitempty"`
	NotBefore time.Time `json:"notBefore,omitzero"`
	// Broken says that a signature or a date did not hold.
	Broken bool `json:"broken,omitempty"`
}

// Sum adds up what the apps of a plan have together.
func (p *Plan) Sum() {
	p.Download, p.Seconds = 0, 0
	seen := map[string]bool{}
	for _, a := range p.Apps {
		p.Seconds += a.Seconds
		for _, c := range a.Changes {
			if c.SHA256 != "" && !seen[c.SHA256] {
				seen[c.SHA256] = true
				p.Download += c.Size
			}
		}
	}
}

// Digest returns "sha256:" and the digest of what the plan does, whenever it
// was made.
func (p Plan) Digest() string {
	p.Made = time.Time{}
	for i := range p.Others {
		p.Others = slices.Clone(p.Others)
		p.Others[i].NotBefore = time.Time{}
	}
	text, err := json.Marshal(p)
	if err != nil {
		return "" // texts, numbers, times and lists of them always marshal
	}
	sum := sha256.Sum256(text)
	return "sha256:" + hex.EncodeToString(sum[:])
}

// Names are those of the apps that are rebuilt, in their order.
func (p Plan) Names() []string {
	var names []string
	for _, a := range p.Apps {
		names = append(names, a.App)
	}
	return names
}

// Without says what of the plan no longer holds, seen from a plan that was made
// of the same apps now: one line for each. What the plan leaves alone does not
// count, nor when it was made; an app that done names was rebuilt by this plan
// before.
func (p Plan) Without(now Plan, done map[string]bool) []string {
	var broken []string
	say := func(format string, args ...any) { broken = append(broken, fmt.Sprintf(format, args...)) }
	if p.Bakelite != now.Bakelite {
		say("the plan is of Bakelite %s, and this is %s", p.Bakelite, now.Bakelite)
	}
	for _, planned := range p.Apps {
		if done[planned.App] {
			continue
		}
		n := slices.IndexFunc(now.Apps, func(a Planned) bool { return a.App == planned.App })
		if n < 0 {
			say("%s: %s", planned.App, now.leaves(planned.App))
			continue
		}
		for _, why := range planned.differs(now.Apps[n], done) {
			say("%s: %s", planned.App, why)
		}
	}
	return broken
}

// leaves says why an app is not rebuilt.
func (p Plan) leaves(app string) string {
	for _, l := range p.Others {
		if l.App == app {
			return strings.TrimSuffix(fmt.Sprintf("it is %s now: %s", l.Action, strings.Join(l.Reasons, "; ")), ": ")
		}
	}
	return "it is gone"
}

// differs says what is no longer as it was planned. Where an app that this one
// stands on was rebuilt, its image is another one now, as planned.
func (a Planned) differs(now Planned, done map[string]bool) []string {
	var all []string
	if a.File != now.File {
		all = append(all, fmt.Sprintf("its file is %s now, not %s", now.File, a.File))
	}
	if a.Asked != now.Asked {
		all = append(all, "its app file changed")
	}
	if a.Lock != now.Lock {
		all = append(all, "its lock changed")
	}
	below := slices.ContainsFunc(a.After, func(name string) bool { return done[name] })
	titles := func(changes []Change) (texts []string) {
		for _, c := range changes {
			if !below || c.Kind != Parent && c.Kind != Image {
				texts = append(texts, c.Title())
			}
		}
		return texts
	}
	before, after := titles(a.Changes), titles(now.Changes)
	for _, text := range before {
		if !slices.Contains(after, text) {
			all = append(all, "planned, and no longer so: "+text)
		}
	}
	for _, text := range after {
		if !slices.Contains(before, text) {
			all = append(all, "not planned, and so now: "+text)
		}
	}
	for name, version := range a.Keep {
		if now.Keep[name] != version {
			all = append(all, fmt.Sprintf("%s was to stay at %s", name, version))
		}
	}
	return all
}
