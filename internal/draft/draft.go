// Package draft writes an app file from what people have: a Dockerfile, an
// image's configuration, a service of a compose.yaml. What it takes is what the
// app file's own rules let it, so that the draft is valid; of the rest it says
// where it stands and why it was left out. It is pure.
package draft

import (
	"fmt"
	"slices"
	"strings"

	"github.com/bakelite/bakelite/internal/app"
	"github.com/bakelite/bakelite/internal/dockerfile"
	"github.com/bakelite/bakelite/internal/plain"
)

// Suite is the suite of Debian that drafts stand on.
const Suite = "trixie"

// Note is something that was not taken as it stands.
type Note struct {
	At        dockerfile.Place
	What, Why string
}

// String is the note as a line; its words are those of a file or an image that
// somebody else may have made.
func (n Note) String() string {
	text := n.What + ": " + n.Why
	if at := n.At.String(); at != "" {
		text = at + ": " + text
	}
	return plain.Line(text)
}

// Draft is an app as far as something else tells it.
type Draft struct {
	App app.App
	// Left is what was not taken, in the order in which it was met.
	Left []Note
}

// Source is what a draft is made from.
type Source struct {
	// Name is the app's, a DNS label.
	Name string
	// Base is what it stands on.
	Base app.Base
	// Packages are what its Dockerfile installs.
	Packages []string
	// Settings say how it runs, Compose what a compose.yaml says besides.
	Settings dockerfile.Settings
	Compose  *Compose
}

// Of drafts an app file; it is valid where the files that it names are there.
func Of(s Source) Draft {
	d := &drafter{}
	d.App = app.App{APIVersion: app.APIVersion, Name: s.Name, Base: s.Base}
	settings := s.Settings
	if s.Compose != nil {
		settings = s.Compose.over(settings)
	}
	d.base(settings.On)
	if s.Compose != nil && s.Compose.Build == nil {
		d.image(s.Compose.Image)
	}
	for _, name := range s.Packages {
		d.take(dockerfile.Place{}, "the package "+name, func(a *app.App) { a.Packages = append(slices.Clip(a.Packages), name) })
	}
	d.service(settings)
	if s.Compose != nil {
		d.compose(s.Compose)
	}
	d.health(settings.Health) // of ports that are known by now
	if slices.ContainsFunc(d.App.Service.Ports, func(p app.Port) bool { return p.Protocol == "tcp" }) {
		d.App.Tests = []app.Test{{Check: app.Check{TCP: &app.TCPCheck{}}}}
	}
	return d.Draft
}

type drafter struct{ Draft }

func (d *drafter) leave(at dockerfile.Place, what, why string, args ...any) {
	d.Left = append(d.Left, Note{at, what, fmt.Sprintf(why, args...)})
}

// take changes the app where its file's rules let it, and else notes why not.
// The change must not write to what slices and maps of the app hold.
func (d *drafter) take(at dockerfile.Place, what string, change func(a *app.App)) bool {
	next := d.App
	change(&next)
	before := app.Validate(d.App)
	for _, p := range app.Validate(next) {
		if !slices.ContainsFunc(before, func(old app.Problem) bool { return old.Key == p.Key && old.Message == p.Message }) {
			d.leave(at, what, "%s", p.Message)
			return false
		}
	}
	d.App = next
	return true
}

// base says what an image stands on that is not Bakelite's own base.
func (d *drafter) base(on dockerfile.Word) {
	if d.App.Base.Dockerfile == "" || on.Text == "" {
		return
	}
	if slices.Contains(dockerfile.Names(Suite), strings.TrimPrefix(strings.TrimPrefix(on.Text, "docker.io/"), "library/")) {
		return
	}
	why := "the base is Debian " + Suite + " in both artifacts: write FROM base in its place, and name the packages that it brought"
	if packages := brought(on.Text); packages != "" {
		why += ", such as " + packages
	}
	d.leave(on.At, "FROM "+on.Text, "%s", why)
}

// image says what an app on an image that is there takes.
func (d *drafter) image(ref dockerfile.Word) {
	why := "it becomes base.image, which has to be an image of Debian, and what it starts is not in the file"
	if packages := brought(ref.Text); packages != "" {
		why += "; the other way is base: {debian: " + Suite + "} and packages: [" + packages + "]"
	}
	d.leave(ref.At, "the image "+ref.Text, "%s", why)
}

// brought are the packages of Debian that have what an official image has, ""
// for those that nobody listed.
func brought(image string) string {
	name, _, _ := strings.Cut(image[strings.LastIndex(image, "/")+1:], ":")
	name, _, _ = strings.Cut(name, "@")
	return map[string]string{
		"haproxy": "haproxy", "httpd": "apache2", "mariadb": "mariadb-server", "memcached": "memcached", "nginx": "nginx", "node": "nodejs",
		"openjdk": "openjdk-21-jre-headless", "eclipse-temurin": "openjdk-21-jre-headless", "php": "php-fpm", "postgres": "postgresql",
		"python": "python3", "redis": "redis-server", "ruby": "ruby", "tomcat": "tomcat11", "valkey": "valkey-server",
	}[name]
}
