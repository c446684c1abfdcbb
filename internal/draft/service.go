package draft

import (
	"fmt"
	"maps"
	"path"
	"regexp"
	"slices"
	"strconv"
	"strings"

	"github.com/bakelite/bakelite/internal/app"
	"github.com/bakelite/bakelite/internal/dockerfile"
)

// maxRange bounds the ports of one range.
const maxRange = 64

func (d *drafter) service(s dockerfile.Settings) {
	d.user(s.User)
	d.command(s)
	d.rest(s)
}

// rest takes all but the user, the command and the check of health.
func (d *drafter) rest(s dockerfile.Settings) {
	for _, p := range s.Ports {
		d.ports(p)
	}
	d.environment(s.Environment)
	if s.Dir.Text != "" && s.Dir.Text != "/" {
		d.take(s.Dir.At, "the working folder "+s.Dir.Text, func(a *app.App) { a.Service.Dir = s.Dir.Text })
	}
	for _, v := range s.Volumes {
		d.state(v.At, v.Text)
	}
	if s.StopSignal.Text != "" {
		d.take(s.StopSignal.At, "the signal "+s.StopSignal.Text, func(a *app.App) { a.Service.StopSignal = signal(s.StopSignal.Text) })
	}
	for _, v := range s.Labels {
		d.take(v.At, "the label "+v.Name, func(a *app.App) { a.Container.Labels = with(a.Container.Labels, v) })
	}
	for _, w := range s.OnBuild {
		d.leave(w.At, "ONBUILD "+w.Text, "nothing is built on this image")
	}
}

func with(all map[string]string, v dockerfile.Variable) map[string]string {
	all = maps.Clone(all)
	if all == nil {
		all = map[string]string{}
	}
	all[v.Name] = v.Value
	return all
}

func (d *drafter) state(at dockerfile.Place, folder string) {
	d.take(at, "the volume "+folder, func(a *app.App) { a.Service.State = append(slices.Clip(a.Service.State), path.Clean(folder)) })
}

// signal is a signal by its whole name.
func signal(text string) string {
	numbers := map[string]string{"1": "HUP", "2": "INT", "3": "QUIT", "6": "ABRT", "9": "KILL", "10": "USR1", "12": "USR2", "15": "TERM", "28": "WINCH"}
	name := strings.TrimPrefix(strings.ToUpper(text), "SIG")
	if known, ok := numbers[name]; ok {
		name = known
	}
	return "SIG" + name
}

// user takes the user's name, or the number for one of the app's own name.
func (d *drafter) user(w dockerfile.Word) {
	name, group, _ := strings.Cut(w.Text, ":")
	own := d.own()
	uid, err := strconv.Atoi(name)
	switch {
	case name == "" || name == "root" || err == nil && uid == 0:
		d.App.Service.User = own
		d.leave(w.At, "the user root", "no service runs as root: this one runs as %s; ports below 1024 need no root, and folders that it writes to stand in service.writable or service.state", own)
	case err == nil:
		d.App.Service.User = own
		d.take(w.At, "the user number "+name, func(a *app.App) { a.Service.UID = uid })
	default:
		d.App.Service.User = own
		d.take(w.At, "the user "+name, func(a *app.App) { a.Service.User = name })
	}
	if group != "" && group != name {
		d.leave(w.At, "the group "+group, "the service has its user's own groups")
	}
}

// own is a user's name made of the app's.
func (d *drafter) own() string {
	for _, name := range []string{d.App.Name, "app-" + d.App.Name} {
		trial := d.App
		trial.Service.User = name
		if !slices.ContainsFunc(app.Validate(trial), func(p app.Problem) bool { return p.Key == "service.user" }) {
			return name
		}
	}
	return "app"
}

// ports takes "80", "53/udp" or "8000-8010/tcp".
func (d *drafter) ports(w dockerfile.Word) {
	numbers, protocol, _ := strings.Cut(w.Text, "/")
	if protocol = strings.ToLower(protocol); protocol == "" {
		protocol = "tcp"
	}
	from, to, isRange := strings.Cut(numbers, "-")
	first, err := strconv.Atoi(from)
	last := first
	if isRange && err == nil {
		last, err = strconv.Atoi(to)
	}
	switch {
	case err != nil:
		d.leave(w.At, "the port "+w.Text, "it is no number")
	case last < first || last-first >= maxRange:
		d.leave(w.At, "the ports "+w.Text, "name those that the service listens on in service.ports")
	default:
		for n := first; n <= last; n++ {
			if p := (app.Port{Number: n, Protocol: protocol}); !slices.Contains(d.App.Service.Ports, p) {
				d.take(w.At, fmt.Sprintf("the port %d/%s", n, protocol), func(a *app.App) { a.Service.Ports = append(slices.Clip(a.Service.Ports), p) })
			}
		}
	}
}

// plainWords is a command without anything that only a shell knows.
var plainWords = regexp.MustCompile(`^[\w@%+=:,./-]+( +[\w@%+=:,./-]+)*$`)

// command is what an image starts: the entry point, and the command as its
// arguments.
func (d *drafter) command(s dockerfile.Settings) {
	var words []string
	var at dockerfile.Place
	for _, c := range []*dockerfile.Command{s.Entrypoint, s.Command} {
		if c == nil || len(c.Words) == 0 {
			continue
		}
		if at == (dockerfile.Place{}) {
			at = c.At
		}
		words = append(words, d.words(*c)...)
		if c.Shell && c == s.Entrypoint {
			break // a shell's text takes no arguments
		}
	}
	if len(words) == 0 {
		words = []string{"/usr/local/bin/" + d.App.Name}
		d.leave(at, "the command", "nothing says what to start; service.command has a guess")
	} else {
		words[0] = d.program(at, words[0], s.Dir.Text)
	}
	d.App.Service.Command = words
}

// words are those of a command line; what only a shell knows is left to one.
func (d *drafter) words(c dockerfile.Command) []string {
	if !c.Shell {
		return slices.Clone(c.Words)
	}
	text := strings.TrimSpace(strings.TrimPrefix(strings.Join(c.Words, " "), "exec "))
	if first, _, _ := strings.Cut(text, " "); plainWords.MatchString(text) && !strings.Contains(first, "=") {
		return strings.Fields(text)
	}
	d.App.Container.Shell = true
	return []string{"/bin/sh", "-c", strings.Join(c.Words, " ")}
}

// program is a program by its absolute path.
func (d *drafter) program(at dockerfile.Place, name, dir string) string {
	if base := path.Base(name); strings.HasSuffix(base, ".sh") || slices.Contains([]string{"sh", "bash", "dash"}, base) {
		d.App.Container.Shell = true
	}
	switch {
	case strings.HasPrefix(name, "/"):
		return path.Clean(name)
	case strings.Contains(name, "/"):
		return path.Join("/", dir, name)
	}
	guess := "/usr/bin/" + name
	if strings.HasSuffix(name, ".sh") {
		guess = "/usr/local/bin/" + name
	} else if slices.Contains(daemons(), name) {
		guess = "/usr/sbin/" + name
	}
	d.leave(at, "the program "+name, "programs are named by absolute path; %s is a guess", guess)
	return guess
}

// daemons are programs that Debian has in /usr/sbin.
func daemons() []string {
	return []string{"apache2", "chronyd", "dnsmasq", "haproxy", "mariadbd", "named", "nginx", "php-fpm8.4", "slapd", "squid", "sshd", "unbound", "varnishd", "vsftpd"}
}
