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
	"github.com/bakelite/bakelite/internal/app"
	"github.com/bakelite/bakelite/internal/disk"
	"github.com/bakelite/bakelite/templates"
)

// settings maps files of the machine's /etc to the templates that make them.
func settings(a app.App) [][2]string {
	return [][2]string{
		{"/etc/fstab", "machine/fstab"},
		{"/etc/modprobe.d/bakelite-machine.conf", "machine/modprobe.conf"},
		{"/etc/nftables.conf", "machine/nftables.conf"},
		{"/etc/systemd/network/80-bakelite.network", "machine/network"},
		{"/etc/systemd/system/" + a.Unit(), "machine/service.unit"},
		{"/etc/systemd/system/multi-user.target.d/10-bakelite.conf", "machine/target.conf"},
		{"/etc/tmpfiles.d/bakelite.conf", "machine/tmpfiles.conf"},
	}
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

// extra is what the disk adds to the app's own files.
func (m machine) extra() (rootfs.Extra, error) {
	var extra rootfs.Extra
	for _, s := range settings(m.App) {
		text, err := m.render(s[1])
		if err != nil {
			return extra, err
		}
		extra.Files = append(extra.Files, app.File{To: s[0], Content: text})
	}
	for _, dir := range m.App.Service.Writable {
		if !ephemeral(dir) {
			extra.Folders = append(extra.Folders, dir)
		}
	}
	return extra, nil
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
