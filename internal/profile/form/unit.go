package form

import (
	"fmt"
	"path"
	"strconv"
	"strings"
	"text/template"

	"github.com/bakelite/bakelite/internal/profile"
	"github.com/bakelite/bakelite/templates"
)

// File is a file of the machine that a form consists of.
type File struct{ Path, Text string }

// Units are the service's systemd unit and those that it needs: the pipe that
// takes its output, what passes that on to the journal, and what makes the
// service's folders.
func Units(p profile.Profile) []File {
	u := unit{p}
	all := []File{
		{units + u.Unit(), u.fill("machine/service.unit")},
		{units + u.Output() + ".socket", u.fill("machine/output.socket")},
		{units + u.Output() + ".service", u.fill("machine/output.unit")},
	}
	if u.Owned() != "" {
		all = append(all, File{units + u.Makes(), u.fill("machine/folders.unit")})
	}
	return all
}

// units is where the machine's own units lie.
const units = "/etc/systemd/system/"

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

// Makes is the name of the unit that makes the service's folders.
func (u unit) Makes() string { return "app-" + u.Name + "-folders.service" }

// Pipe is where the output goes.
func (u unit) Pipe() string { return "/run/bakelite/output" }

// Exec is the command line.
func (u unit) Exec() string { return Words(u.Start()) }

// Variables are the environment.
func (u unit) Variables() []string { return mapped(u.Environment, Quote) }

// Folder is the working directory, which a unit file takes without quotes.
func (u unit) Folder() string { return strings.ReplaceAll(u.Dir, "%", "%%") }

// Grace is the time between the signal and SIGKILL.
func (u unit) Grace() string { return fmt.Sprintf("%dms", u.StopGrace.Milliseconds()) }

// Mask is the umask.
func (u unit) Mask() string { return fmt.Sprintf("%04o", profile.Umask) }

// Bounds are the limits of one process, as LimitNAME=soft:hard.
func (u unit) Bounds() []string {
	return mapped(u.Limits(), func(l profile.Limit) string { return "Limit" + l.Name + "=" + bound(l.Soft) + ":" + bound(l.Hard) })
}

func bound(n uint64) string {
	if n == profile.Unlimited {
		return "infinity"
	}
	return strconv.FormatUint(n, 10)
}

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
func (u unit) Writable() string {
	return Words(mapped(u.Folders, func(f profile.Folder) string { return f.Path }))
}

// Binds lists the folders with what lies behind them.
func (u unit) Binds() []string {
	var binds []string
	for i, f := range u.Folders {
		if at := behind(i, f); at != f.Path {
			binds = append(binds, Quote(at+":"+f.Path))
		}
	}
	return binds
}

// Owned are the places, each where it really lies, that belong to the service's
// user.
func (u unit) Owned() string {
	var all []string
	for i, f := range u.Folders {
		if !f.Shared() {
			all = append(all, Quote(behind(i, f)))
		}
	}
	return strings.Join(all, " ")
}

// Private is the mode of those places.
func (u unit) Private() string { return octal(profile.Private) }

// Copies are what folders in memory begin with, and where it goes.
func (u unit) Copies() []string {
	var all []string
	for i, f := range u.Folders {
		if !f.Lasts && !volatile(f.Path) {
			all = append(all, Words([]string{f.Path + "/.", behind(i, f)}))
		}
	}
	return all
}

// Credential is the name by which a machine is given a secret or setting: apart
// from those by which systemd is.
func Credential(g profile.Given) string { return "app." + g.Name }

// Credentials are the service's secrets and settings, each with its own name
// and the machine's.
func (u unit) Credentials() []string {
	return mapped(u.Given, func(g profile.Given) string { return g.Name + ":" + Credential(g) })
}

// Files bind each where the service looks for it.
func (u unit) Files() []string {
	return mapped(u.Given, func(g profile.Given) string { return "-%d/" + g.Name + ":" + g.Path })
}

// Hidden are the files of the kernel that the service does not see, where
// there are any.
func (u unit) Hidden() string {
	return strings.Join(mapped(profile.Hidden(), func(name string) string { return "-" + name }), " ")
}

// Memory is a folder of the machine that lies in memory.
type Memory struct {
	// At is where its file system is mounted, of Bytes and with the octal Mode.
	At    string
	Bytes int64
	Mode  string
	// Execution is "exec" where programs in it can be run, else "noexec".
	Execution string
}

// Memories are the file systems that the machine mounts for the service's
// folders in memory.
func Memories(p profile.Profile) []Memory {
	all := []Memory{{"/dev/shm", p.SharedMemory, "1777", execution(false)}}
	for i, f := range p.Folders {
		if !f.Lasts {
			all = append(all, Memory{memory(i), f.Bytes, "0700", execution(f.Executable)})
		}
	}
	return all
}

// Tmpfiles makes the service's folders at boot (tmpfiles.d(5)), and fills those
// that last and lie in no folder of /var the first time.
func Tmpfiles(p profile.Profile) string {
	var text strings.Builder
	for i, f := range p.Folders {
		at := behind(i, f)
		if below(f.Path, "/var") && at != f.Path {
			fmt.Fprintf(&text, "d %s - - - -\n", f.Path)
		}
		if f.Lasts && at != f.Path {
			fmt.Fprintf(&text, "C %s - - - - %s\n", at, f.Path)
		} else {
			fmt.Fprintf(&text, "d %s %s - - -\n", at, octal(f.Mode))
		}
	}
	return text.String()
}

// memory is where the file system of a folder in memory is mounted, out of
// everybody's sight.
func memory(i int) string { return fmt.Sprintf("/run/bakelite/writable/%d", i) }

// behind is where a folder really lies: in memory one below the root of its
// file system, whose owner nothing can set; what lasts in /var.
func behind(i int, f profile.Folder) string {
	switch {
	case !f.Lasts:
		return memory(i) + "/folder"
	case below(f.Path, "/var"):
		return f.Path
	}
	return path.Join("/var/lib/bakelite/state", f.Path)
}

// volatile says that an image has nothing in a folder.
func volatile(dir string) bool {
	return below(dir, "/run") || below(dir, "/tmp") || below(dir, "/var/tmp")
}

func below(dir, top string) bool { return dir == top || strings.HasPrefix(dir, top+"/") }

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
