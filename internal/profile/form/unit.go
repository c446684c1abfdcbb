package form

import (
	"fmt"
	"path"
	"slices"
	"strconv"
	"strings"
	"text/template"

	"github.com/bakelite/bakelite/internal/profile"
	"github.com/bakelite/bakelite/templates"
)

// File is a file of the machine that a form consists of.
type File struct{ Path, Text string }

// Units are the service's systemd unit and those that it needs: the pipe that
// takes its output, and what passes that on to the journal.
func Units(p profile.Profile) []File {
	u := unit{p}
	return []File{
		{"/etc/systemd/system/" + u.Unit(), u.fill("machine/service.unit")},
		{"/etc/systemd/system/" + u.Output() + ".socket", u.fill("machine/output.socket")},
		{"/etc/systemd/system/" + u.Output() + ".service", u.fill("machine/output.unit")},
	}
}

// unit is what the templates of units see.
type unit struct{ profile.Profile }

// fill panics where a template is broken, which only a defect of this program
// can cause.
func (u unit) fill(name string) string {
	var text strings.Builder
	if err := template.Must(template.New(name).Parse(templates.Text(name))).Execute(&text, u); err != nil {
		panic("filling template " + name + ": " + err.Error())
	}
	return text.String()
}

// Unit is the name of the service's unit. The prefix keeps an app called ssh
// or nftables from replacing the unit of that name.
func (u unit) Unit() string { return "app-" + u.Name + ".service" }

// Output names the units of the service's output.
func (u unit) Output() string { return "app-" + u.Name + "-output" }

// Pipe is where the output goes.
func (u unit) Pipe() string { return "/run/bakelite/output" }

// Exec is the command line.
func (u unit) Exec() string { return Words(u.Command) }

// Variables are the environment.
func (u unit) Variables() []string { return mapped(u.Environment, Quote) }

// Folder is the working directory, which a unit file takes without quotes.
func (u unit) Folder() string { return strings.ReplaceAll(u.Dir, "%", "%%") }

// Grace is the time between the signal and SIGKILL.
func (u unit) Grace() string { return fmt.Sprintf("%dms", u.StopGrace.Milliseconds()) }

// Mask is the umask.
func (u unit) Mask() string { return fmt.Sprintf("%04o", profile.Umask) }

// Quota is the share of processors in percent of one.
func (u unit) Quota() string { return strconv.FormatFloat(u.CPUs*100, 'f', 0, 64) }

// Rights are the capabilities.
func (u unit) Rights() string { return strings.Join(u.Capabilities, " ") }

// Allowed are the system calls that are let through.
func (u unit) Allowed() string { return strings.Join(u.Calls.Allowed, " ") }

// Sockets are the families of sockets.
func (u unit) Sockets() string {
	return strings.Join(mapped(u.Families, func(f profile.Family) string { return f.Name }), " ")
}

// Writable lists the folders that the service may write to.
func (u unit) Writable() string { return Words(u.own()) }

// own are the writable folders but /tmp, which PrivateTmp makes.
func (u unit) own() []string {
	return slices.DeleteFunc(mapped(u.Folders, func(f profile.Folder) string { return f.Path }), func(dir string) bool { return dir == profile.Tmp })
}

// Binds lists the writable folders outside /var and /run with what lies
// behind them.
func (u unit) Binds() []string {
	var binds []string
	for _, dir := range u.own() {
		if !Ephemeral(dir) {
			binds = append(binds, Quote(Behind(dir)+":"+dir))
		}
	}
	return binds
}

// Ephemeral says whether a folder lies where the machine can be written to.
func Ephemeral(dir string) bool {
	return slices.ContainsFunc([]string{"/var/", "/run/", "/tmp/"}, func(p string) bool { return strings.HasPrefix(dir, p) })
}

// Behind is where a folder of the read-only system really lies.
func Behind(dir string) string { return path.Join("/var/lib/bakelite/writable", dir) }

// Words writes a command line or a list of a unit file.
func Words(all []string) string { return strings.Join(mapped(all, Quote), " ") }

// Quote writes one word of a unit file (systemd.syntax(7), Quoting): quoted,
// with specifiers and control characters escaped.
func Quote(word string) string {
	var b strings.Builder
	for _, c := range []byte(word) {
		switch {
		case c == '%':
			b.WriteString("%%")
		case c == '\\', c == '"':
			b.WriteString(`\` + string(c))
		case c < ' ', c == 0x7f:
			fmt.Fprintf(&b, `\x%02x`, c)
		default:
			b.WriteByte(c)
		}
	}
	if quoted := b.String(); quoted == "" || strings.ContainsAny(quoted, ` ;"'\`) {
		return `"` + quoted + `"`
	}
	return b.String()
}

func mapped[T any](all []T, f func(T) string) []string {
	out := make([]string, len(all))
	for i, one := range all {
		out[i] = f(one)
	}
	return out
}
