package draft

import (
	"fmt"
	"maps"
	"slices"
	"strings"

	"github.com/bakelite/bakelite/internal/app"
	"github.com/bakelite/bakelite/internal/dockerfile"
	"github.com/bakelite/bakelite/internal/plain"
)

// Load is app.Load for an app that takes from its Dockerfile what its file
// leaves out.
func Load(path string) (*app.App, error) { return app.LoadFilled(path, Fill) }

// Fill gives an app what its Dockerfile says of how the image runs, where the
// app file leaves it out: variables, folders and labels one by one, all else
// by its key. The user root it never takes.
func Fill(a app.App, said dockerfile.Settings) app.App {
	d := &drafter{}
	d.App = a
	open := d.open(said)
	before := d.App
	d.fill(open)
	d.App.Taken, d.App.LeftOut = taken(before, d.App, open), nil
	for _, n := range d.Left {
		d.App.LeftOut = append(d.App.LeftOut, n.String())
	}
	return d.App
}

// open is what the app file leaves open; the rest is overridden by it.
func (d *drafter) open(s dockerfile.Settings) dockerfile.Settings {
	own := d.App.Service
	blank := map[string]struct {
		set bool
		at  *dockerfile.Word
	}{
		"USER": {own.User != "", &s.User}, "WORKDIR": {own.Dir != "", &s.Dir}, "STOPSIGNAL": {own.StopSignal != "", &s.StopSignal},
	}
	for _, name := range slices.Sorted(maps.Keys(blank)) {
		if w := blank[name]; w.set && w.at.Text != "" {
			d.overridden(w.at.At, name+" "+w.at.Text)
			*w.at = dockerfile.Word{}
		}
	}
	for name, c := range map[string]**dockerfile.Command{"ENTRYPOINT": &s.Entrypoint, "CMD": &s.Command} {
		if len(own.Command) > 0 && *c != nil {
			d.overridden((*c).At, name)
			*c = nil
		}
	}
	if own.Ports != nil && s.Ports != nil {
		d.overridden(s.Ports[0].At, "EXPOSE")
		s.Ports = nil
	}
	if own.Health != nil && s.Health != nil {
		d.overridden(s.Health.At, "HEALTHCHECK")
		s.Health = nil
	}
	s.Environment = d.others("ENV", s.Environment, own.Environment)
	s.Labels = d.others("LABEL", s.Labels, d.App.Container.Labels)
	folders := slices.Concat(own.State, own.Writable)
	s.Volumes = slices.DeleteFunc(slices.Clone(s.Volumes), func(w dockerfile.Word) bool { return slices.Contains(folders, w.Text) })
	s.OnBuild = nil
	slices.SortStableFunc(d.Left, func(a, b Note) int { return a.At.Line - b.At.Line })
	return s
}

func (d *drafter) overridden(at dockerfile.Place, what string) {
	d.leave(at, what, "the app file says otherwise")
}

// others are the variables that the app file does not name.
func (d *drafter) others(what string, all []dockerfile.Variable, own map[string]string) (left []dockerfile.Variable) {
	for _, v := range all {
		switch value, named := own[v.Name]; {
		case !named:
			left = append(left, v)
		case value != v.Value:
			d.overridden(v.At, what+" "+v.Name)
		}
	}
	return left
}

func (d *drafter) fill(s dockerfile.Settings) {
	name, _, _ := strings.Cut(s.User.Text, ":")
	switch {
	case name == "":
	case name == "root" || strings.Trim(name, "0") == "":
		d.leave(s.User.At, "USER "+s.User.Text, "no service runs as root; set service.user")
	default:
		d.user(s.User)
	}
	if s.Entrypoint != nil || s.Command != nil {
		d.command(s)
	}
	d.rest(s)
	d.health(s.Health)
}

// taken says what of the Dockerfile became what.
func taken(before, after app.App, s dockerfile.Settings) (all []string) {
	add := func(changed bool, what string, at dockerfile.Place, key string) {
		if changed {
			all = append(all, plain.Line(fmt.Sprintf("%s: %s as %s", at, what, key)))
		}
	}
	b, a := before.Service, after.Service
	add(a.User != b.User, "USER", s.User.At, "service.user")
	add(a.Dir != b.Dir, "WORKDIR", s.Dir.At, "service.dir")
	for _, c := range []*dockerfile.Command{s.Entrypoint, s.Command} {
		if c != nil {
			add(len(b.Command) == 0, "the command", c.At, "service.command")
			break
		}
	}
	if len(s.Ports) > 0 {
		add(len(a.Ports) > len(b.Ports), "EXPOSE", s.Ports[0].At, "service.ports")
	}
	for _, v := range s.Environment {
		_, has := a.Environment[v.Name]
		add(has, "ENV "+v.Name, v.At, "service.environment")
	}
	for _, w := range s.Volumes {
		add(slices.Contains(a.State, w.Text), "VOLUME "+w.Text, w.At, "service.state")
	}
	add(a.StopSignal != b.StopSignal, "STOPSIGNAL", s.StopSignal.At, "service.stopSignal")
	if s.Health != nil {
		add(a.Health != b.Health, "HEALTHCHECK", s.Health.At, "service.health")
	}
	if s.Entrypoint != nil || s.Command != nil {
		add(after.Container.Shell && !before.Container.Shell, "the shell that it starts", dockerfile.Place{File: after.Base.Dockerfile}, "container.shell")
	}
	for _, v := range s.Labels {
		_, has := after.Container.Labels[v.Name]
		add(has, "LABEL "+v.Name, v.At, "container.labels")
	}
	return all
}
