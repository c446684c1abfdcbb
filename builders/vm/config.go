package vm

import (
	"cmp"
	"fmt"
	"path"
	"slices"
	"sort"
	"strconv"
	"strings"
	"text/template"

	"github.com/bakelite/bakelite/builders/rootfs"
	"github.com/bakelite/bakelite/builders/tree"
	"github.com/bakelite/bakelite/internal/app"
	"github.com/bakelite/bakelite/internal/artifact"
	"github.com/bakelite/bakelite/internal/disk"
	"github.com/bakelite/bakelite/templates"
)

// setting is a file of the machine's /etc and the template that makes it.
type setting struct{ path, template, mode string }

func settings(a app.App) []setting {
	all := []setting{
		{"/etc/fstab", "machine/fstab", ""},
		{"/etc/modprobe.d/bakelite-machine.conf", "machine/modprobe.conf", ""},
		{"/etc/nftables.conf", "machine/nftables.conf", ""},
		{"/etc/systemd/network/80-bakelite.network", "machine/network", ""},
		{"/etc/systemd/system/" + a.Unit(), "machine/service.unit", ""},
		{"/etc/systemd/system/multi-user.target.d/10-bakelite.conf", "machine/target.conf", ""},
		{"/etc/tmpfiles.d/bakelite.conf", "machine/tmpfiles.conf", ""},
	}
	if a.VM.Admin == nil {
		return all
	}
	return append(all,
		setting{"/etc/ssh/authorized/" + a.VM.Admin.User, "machine/authorized-keys", ""},
		setting{"/etc/ssh/sshd_config.d/10-bakelite.conf", "machine/sshd.conf", ""},
		setting{"/etc/systemd/system/ssh.service.d/10-host-key.conf", "machine/host-key.conf", ""},
		setting{"/etc/sudoers.d/bakelite", "machine/sudoers", "0440"})
}

// machine is what the templates of templates/machine see.
type machine struct {
	App   app.App
	VarID disk.GUID
}

// namespace is the root of the identifiers that are made from names.
var namespace = disk.NameGUID(disk.GUID{}, "bakelite.dev")

func newMachine(a app.App) machine {
	return machine{App: a, VarID: disk.NameGUID(namespace, "var of "+a.Name)}
}

// kind is what a disk makes of the app: a whole system that is started, and
// whose settings are files of its own.
func (m machine) kind(g rootfs.Graph) (rootfs.Kind, error) {
	k := rootfs.Kind{
		Name: artifact.Disk, On: g.Machine(), Pins: g.Lock.Packages.MachineApp, Units: m.units(),
		Remove: templates.Lines("machine/remove.txt"), Rights: []tree.Right{{Path: sudo, SetUID: true}},
		Machine: true, Admin: m.Admin(),
	}
	for _, s := range settings(m.App) {
		text, err := m.render(s.template)
		if err != nil {
			return k, err
		}
		k.Files = append(k.Files, app.File{To: s.path, Content: text, Mode: s.mode})
	}
	for _, dir := range m.App.Service.Writable {
		if !ephemeral(dir) {
			k.Folders = append(k.Folders, dir)
		}
	}
	return k, nil
}

// sudo is the one program that keeps its set-uid bit, where it is there: an
// administrator becomes root by it.
const sudo = "/usr/bin/sudo"

func (m machine) units() []string {
	names := templates.Lines("machine/units.txt")
	if m.App.VM.Admin != nil {
		names = append(names, "ssh.service")
	}
	return names
}

// Admin is the user who may log in, "" for nobody.
func (m machine) Admin() string {
	if m.App.VM.Admin == nil {
		return ""
	}
	return m.App.VM.Admin.User
}

// Command is the command line in the form of a unit file.
func (m machine) Command() string {
	return strings.Join(mapped(m.App.Service.Command, quote), " ")
}

// Environment lists the variables in the form of a unit file, by name.
func (m machine) Environment() []string {
	var all []string
	for name, value := range m.App.Service.Environment {
		all = append(all, quote(name+"="+value))
	}
	sort.Strings(all)
	return all
}

// Dir is the working directory, which a unit file takes without quotes.
func (m machine) Dir() string { return strings.ReplaceAll(m.App.Service.Dir, "%", "%%") }

// PIDs is the largest number of processes and threads.
func (m machine) PIDs() int { return cmp.Or(m.App.Service.Resources.PIDs, app.DefaultPIDs) }

// OpenFiles is the limit of open files of one process.
func (m machine) OpenFiles() int { return app.MaxOpenFiles }

// CPUQuota is the share of processors in percent of one.
func (m machine) CPUQuota() string {
	return strconv.FormatFloat(m.App.Service.Resources.CPUs*100, 'f', 0, 64)
}

// Capabilities is empty, or what binding a port below 1024 takes.
func (m machine) Capabilities() string {
	for _, p := range m.App.Service.Ports {
		if p.Number < 1024 {
			return "CAP_NET_BIND_SERVICE"
		}
	}
	return ""
}

// Folders lists the folders to make at boot: the writable ones, each where it
// really lies, and the administrator's home.
func (m machine) Folders() []string {
	return mapped(m.App.Service.Writable, func(dir string) string {
		if ephemeral(dir) {
			return dir
		}
		return behind(dir)
	})
}

// Binds lists the writable folders outside /var and /run with what lies
// behind them.
func (m machine) Binds() []string {
	var binds []string
	for _, dir := range m.App.Service.Writable {
		if !ephemeral(dir) {
			binds = append(binds, quote(behind(dir)+":"+dir))
		}
	}
	return binds
}

// Writable lists the writable folders in the form of a unit file.
func (m machine) Writable() string {
	return strings.Join(mapped(m.App.Service.Writable, quote), " ")
}

func ephemeral(dir string) bool {
	return slices.ContainsFunc([]string{"/var/", "/run/", "/tmp/"}, func(p string) bool { return strings.HasPrefix(dir, p) })
}

func behind(dir string) string { return path.Join("/var/lib/bakelite/writable", dir) }

// quote writes one word of a unit file (systemd.syntax(7), Quoting): quoted,
// with specifiers and control characters escaped.
func quote(word string) string {
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

func (m machine) render(name string) (string, error) {
	t, err := template.New(name).Parse(templates.Text(name))
	if err != nil {
		return "", fmt.Errorf("reading template %s: %w", name, err)
	}
	var text strings.Builder
	if err := t.Execute(&text, m); err != nil {
		return "", fmt.Errorf("filling template %s: %w", name, err)
	}
	return text.String(), nil
}

func mapped(words []string, f func(string) string) []string {
	out := make([]string, len(words))
	for i, word := range words {
		out[i] = f(word)
	}
	return out
}
