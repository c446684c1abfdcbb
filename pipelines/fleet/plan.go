package fleet

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"io"
	"path/filepath"
	"slices"
	"strings"
	"time"

	"github.com/bakelite/bakelite/internal/app"
	"github.com/bakelite/bakelite/internal/fault"
	"github.com/bakelite/bakelite/internal/regular"
	"github.com/bakelite/bakelite/internal/update"
	"github.com/bakelite/bakelite/pipelines/bake"
	"github.com/bakelite/bakelite/pipelines/release"
)

// Order is what a rebuild is asked for.
type Order struct {
	bake.Options
	// Publish, where set, publishes what was built.
	Publish *release.Options
}

// Plan says what a rebuild of apps will do, and does none of it. Apps that
// cannot be judged at all come back as one error, beside the plan of the rest.
func (f Fleet) Plan(ctx context.Context, apps []app.App, o Order) (update.Plan, error) {
	stand, err := f.Outdated(ctx, apps, Options{Build: &o.Options, Rollback: o.Rollback, WithoutAdvisories: !f.needsAdvisories(apps, o)})
	if err != nil {
		return update.Plan{}, err
	}
	p := update.Plan{
		APIVersion: update.PlanVersion, Kind: update.PlanKind, Made: f.Now().UTC().Truncate(time.Second), Bakelite: f.Version,
		Publish: o.Publish != nil, SkipTests: o.SkipTests, Targets: o.Targets, Apps: []update.Planned{}, Others: []update.Left{},
	}
	order, parents, err := f.order(stand)
	if err != nil {
		return p, err
	}
	rebuilt := map[string]bool{}
	var unfit []error
	for _, name := range order {
		s := stand[slices.IndexFunc(stand, func(s Standing) bool { return s.App.Name == name })]
		if s.Err != nil {
			unfit = append(unfit, fmt.Errorf("%s: %w", name, s.Err))
			continue
		}
		after := slices.DeleteFunc(slices.Clone(parents[name]), func(parent string) bool { return !rebuilt[parent] })
		alone := s.Decision.Action == update.Rebuild
		f.follow(&s, after)
		if s.Decision.Action != update.Rebuild {
			p.Others = append(p.Others, update.Left{
				App: name, File: s.App.Path, Action: s.Decision.Action, Reasons: s.Decision.Reasons, Findings: s.Decision.Findings, NotBefore: s.Decision.NotBefore,
				Broken: slices.ContainsFunc(s.Unknown, func(u update.Unknown) bool { return u.Broken }),
			})
			continue
		}
		rebuilt[name] = true
		planned, err := f.planned(s, after, o)
		if err != nil {
			return p, err
		}
		planned.Follows = !alone
		p.Apps = append(p.Apps, planned)
	}
	p.Sum()
	return p, errors.Join(unfit...)
}

// needsAdvisories says whether the database is asked: where something is
// published, and where a policy depends on it.
func (f Fleet) needsAdvisories(apps []app.App, o Order) bool {
	return o.Publish != nil || slices.ContainsFunc(apps, func(a app.App) bool { return a.Update.Policy(f.Policy).AsksForAdvisories() })
}

// follow decides again about an app that stands on others that are rebuilt.
func (f Fleet) follow(s *Standing, after []string) {
	if len(after) == 0 {
		return
	}
	for _, parent := range after {
		s.Changes = append(s.Changes, update.Change{Kind: update.Parent, Name: parent, Why: "it stands on " + parent + ", which is rebuilt first", In: []string{update.Container, update.Disk}})
	}
	update.Sort(s.Changes)
	s.Decision = update.Decide(update.Question{
		Changes: s.Changes, Unknown: s.Unknown, Facts: s.facts, Policy: s.App.Update.Policy(f.Policy), Now: f.Now().UTC().Truncate(time.Second),
	})
}

func (f Fleet) planned(s Standing, after []string, o Order) (update.Planned, error) {
	asked, err := fileDigest(s.App.Path)
	if err != nil {
		return update.Planned{}, err
	}
	p := update.Planned{
		App: s.App.Name, File: s.App.Path, Asked: asked, Lock: s.LockDigest, Reasons: s.Decision.Reasons, Changes: s.Changes, Undecided: s.Undecided,
		Keep: s.Decision.Keep, Findings: s.Decision.Findings, After: after,
	}
	if !o.SkipTests {
		for _, t := range s.App.Tests {
			p.Tests = append(p.Tests, t.Name)
		}
	}
	if r, err := f.Folder.Receipt(s.App.Name); err == nil {
		p.Seconds = r.Made.Sub(r.Started).Seconds()
	}
	return p, nil
}

// order sorts the apps so that each comes after those that it stands on, and
// says which those are.
func (f Fleet) order(stand []Standing) (order []string, parents map[string][]string, err error) {
	parents = map[string][]string{}
	made := map[string]string{} // apps by what is made of them
	for _, s := range stand {
		for _, name := range f.names(s.App.Name) {
			made[imageName("", name)] = s.App.Name
		}
	}
	var nodes []update.Node
	for _, s := range stand {
		name := s.App.Name
		for _, ref := range standsOn(s) {
			if parent, ok := made[imageName(s.App.Dir, ref)]; ok && !slices.Contains(parents[name], parent) {
				parents[name] = append(parents[name], parent)
			}
		}
		slices.Sort(parents[name])
		nodes = append(nodes, update.Node{Name: name, Stands: parents[name]})
	}
	order, cycle := update.Order(nodes)
	if cycle != nil {
		return nil, nil, fault.Hint(fault.New(fault.Invalid, "these apps stand on each other: %s", update.Arrow(cycle)), "let one of them stand on something else")
	}
	return order, parents, nil
}

// standsOn are the references that an app takes its base from, and those that
// its Dockerfile names.
func standsOn(s Standing) []string {
	var refs []string
	if s.App.Base.Image != "" {
		refs = append(refs, s.App.Base.Image)
	}
	if s.Lock != nil {
		for _, i := range s.Lock.Images {
			refs = append(refs, i.Ref)
		}
	}
	return refs
}

// imageName is what a reference names, without a tag or digest: a repository,
// or a layout folder by its real path, which starts at dir.
func imageName(dir, ref string) string {
	folder, local := strings.CutPrefix(ref, app.LayoutPrefix)
	if !local {
		name, _, _ := strings.Cut(ref, "@")
		if colon := strings.LastIndex(name, ":"); colon > strings.LastIndex(name, "/") {
			name = name[:colon]
		}
		return name
	}
	if !filepath.IsAbs(folder) {
		folder = filepath.Join(dir, folder)
	}
	folder, err := filepath.Abs(folder)
	if err != nil {
		return ref
	}
	// The folder itself need not exist yet.
	if parent, err := filepath.EvalSymlinks(filepath.Dir(folder)); err == nil {
		folder = filepath.Join(parent, filepath.Base(folder))
	}
	return app.LayoutPrefix + folder
}

func fileDigest(path string) (string, error) {
	f, err := regular.Open(path)
	if err != nil {
		return "", fault.New(fault.Missing, "reading app file: %w", err)
	}
	defer f.Close()
	sum := sha256.New()
	if _, err := io.Copy(sum, f); err != nil {
		return "", fmt.Errorf("reading app file: %w", err)
	}
	return "sha256:" + hex.EncodeToString(sum.Sum(nil)), nil
}
