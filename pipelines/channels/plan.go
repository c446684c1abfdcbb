package channels

import (
	"context"
	"fmt"
	"strings"
	"time"

	"github.com/bakelite/bakelite/internal/app"
	"github.com/bakelite/bakelite/internal/channel"
	"github.com/bakelite/bakelite/internal/fault"
	"github.com/bakelite/bakelite/internal/lock"
	"github.com/bakelite/bakelite/internal/registry"
	"github.com/bakelite/bakelite/pipelines/look"
	"github.com/bakelite/bakelite/pipelines/pin"
	"github.com/bakelite/bakelite/publish/attest"
	"github.com/bakelite/bakelite/publish/intoto"
)

// Plan is what will be done, and what it reaches.
type Plan struct {
	// Repository is where all of it is, without a tag.
	Repository string `json:"repository"`
	// Moves are the records to come, one for each channel.
	Moves []Move `json:"moves"`
	// Revocation is what is stated about a digest first, nil for nothing.
	Revocation *channel.Revocation `json:"revocation,omitempty"`
	// Apps stand on what is moved or revoked, as their locks say.
	Apps []Child `json:"apps,omitempty"`

	store registry.Store
	// name is the app, which goes into what is signed.
	name string
}

// Move is where one channel leads now, and will.
type Move struct {
	From *channel.Head  `json:"from,omitempty"`
	To   channel.Record `json:"to"`
	// Changes are the packages that differ, as the locks say that were signed.
	Changes []Change `json:"changes,omitempty"`
}

// Change is a package, or an image, that differs; From or To is "" where there
// is none.
type Change struct {
	Package string `json:"package"`
	From    string `json:"from,omitempty"`
	To      string `json:"to,omitempty"`
}

// Child is an app that stands on something.
type Child struct {
	App  string `json:"app"`
	Path string `json:"path"`
	// Base is the reference in its lock, and Follows whether that is the tag of
	// a channel that moves: then it is outdated from then on.
	Base    string `json:"base"`
	Follows bool   `json:"follows,omitempty"`
}

// Options say how a channel is moved.
type Options struct {
	Channel string
	Reason  string
	// Valid is how long the record holds; 0 is the default.
	Valid time.Duration
}

// image is something that was published and verified.
type image struct {
	look.Target
	app, kind, version string
	lock               *lock.Lock
}

// verified finds something that was published, and verifies it.
func (f Flow) verified(ctx context.Context, ref string) (image, error) {
	t, err := f.find(ctx, ref)
	if err != nil {
		return image{}, err
	}
	s, err := f.Look.Verify(ctx, t, look.Asked{})
	if err != nil {
		return image{}, fault.Hint(fmt.Errorf("what a channel leads to has to pass verify: %w", err), "publish it again, or choose another one")
	}
	i := image{Target: t, app: s.App, kind: s.Kind, version: s.Version}
	if i.app == "" || i.kind == "" {
		return i, fault.New(fault.Policy, "%s: nobody says which app it is", t.Name)
	}
	i.lock, err = lockOf(s)
	return i, err
}

func (f Flow) find(ctx context.Context, ref string) (look.Target, error) {
	t, err := f.Look.Find(ctx, ref)
	if err == nil && t.Store == nil {
		err = fault.New(fault.Invalid, "%s is a file: channels are of what is in a registry or layout", ref)
	}
	return t, err
}

// lockOf is the lock that was stated, nil for none.
func lockOf(s attest.Summary) (*lock.Lock, error) {
	for _, v := range s.Statements {
		if v.PredicateType == intoto.LockType {
			l, err := intoto.StatedLock(v.Predicate)
			return &l, err
		}
	}
	return nil, nil
}

// changes are what differs to where a channel leads now; a lock that cannot be
// read leaves them out, for a channel must be movable away from anything.
func (f Flow) changes(ctx context.Context, repository string, from *Signed, to image) []Change {
	if from == nil || from.Digest == to.Digest || to.lock == nil {
		return nil
	}
	t, err := f.Look.Find(ctx, repository+"@"+from.Digest)
	if err != nil {
		return nil
	}
	s, _ := f.Look.Verify(ctx, t, look.Asked{}) // a refused one has its lock too
	before, err := lockOf(s)
	if err != nil || before == nil {
		return nil
	}
	var all []Change
	for _, c := range lock.Diff(before, to.lock) {
		all = append(all, Change{c.Package, c.From, c.To})
	}
	return all
}

// children are the apps whose locks stand on a digest, or follow one of some
// channels. An app without a readable lock stands on nothing that is known.
func children(apps []app.App, repository string, digests, channels []string) []Child {
	var all []Child
	for _, a := range apps {
		l, err := lock.Read(pin.Path(a))
		if err != nil {
			continue
		}
		images := l.Images
		if l.Base != nil {
			images = append([]lock.Image{*l.Base}, images...)
		}
		for _, i := range images {
			follows := false
			for _, c := range channels {
				follows = follows || i.Ref == repository+":"+c
			}
			stands := false
			for _, d := range digests {
				stands = stands || i.Digest == d
			}
			if follows || stands {
				all = append(all, Child{App: a.Name, Path: a.Path, Base: i.Ref, Follows: follows})
				break
			}
		}
	}
	return all
}

// repositoryOf is a target's repository, without its digest.
func repositoryOf(t look.Target) string {
	name, _, _ := strings.Cut(t.Name, "@")
	return name
}
