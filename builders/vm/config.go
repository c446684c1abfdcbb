package vm

import (
	"fmt"
	"slices"
	"strings"
	"text/template"

	"github.com/bakelite/bakelite/builders/rootfs"
	"github.com/bakelite/bakelite/builders/tree"
	"github.com/bakelite/bakelite/internal/app"
	"github.com/bakelite/bakelite/internal/artifact"
	"github.com/bakelite/bakelite/internal/disk"
	"github.com/bakelite/bakelite/internal/lock"
	"github.com/bakelite/bakelite/internal/profile"
	"github.com/bakelite/bakelite/internal/profile/form"
	"github.com/bakelite/bakelite/templates"
)

// setting is a file of the machine's /etc and the template that makes it.
type setting struct{ path, template, mode string }

func settings(a app.App) []setting {
	all := []setting{
		{"/etc/fstab", "machine/fstab", ""},
		{"/etc/modprobe.d/bakelite-machine.conf", "machine/modprobe.conf", ""},
		{"/etc/nftables.conf", "machine/nftables.conf", ""},
		{"/etc/repart.d/50-var.conf", "machine/repart.conf", ""},
		{"/etc/systemd/network/80-bakelite.network", "machine/network", ""},
		{"/etc/systemd/system/multi-user.target.d/10-bakelite.conf", "machine/target.conf", ""},
		{"/etc/systemd/system/systemd-repart.service.d/10-bakelite.conf", "machine/repart-order.conf", ""},
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
		Name: artifact.Disk, On: g.Machine(), Pins: g.Lock.Packages.MachineApp, Build: g.Lock.Packages.MachineBuild, Units: m.units(g.Lock),
		Remove: rootfs.Trimmed(g.App, artifact.Disk), Rights: []tree.Right{{Path: sudo, SetUID: true}},
		Machine: true, Admin: m.Admin(),
	}
	if m.App.VM.Kernel == "" {
		k.Modules = templates.Lines("machine/modules.txt")
	}
	for _, s := range settings(m.App) {
		text, err := m.render(s.template)
		if err != nil {
			return k, err
		}
		k.Files = append(k.Files, app.File{To: s.path, Content: text, Mode: s.mode})
	}
	p, err := g.Profile()
	if err != nil {
		return k, err
	}
	if p.Starts() {
		k.Files = append(k.Files, g.Program())
	}
	for _, f := range append(form.Units(p), form.Hosts(p)...) {
		k.Files = append(k.Files, app.File{To: f.Path, Content: f.Text})
	}
	for _, dir := range p.Own() {
		if !strings.HasPrefix(dir, "/run/") && !strings.HasPrefix(dir, "/var/") && !strings.HasPrefix(dir, "/tmp/") {
			k.Folders = append(k.Folders, dir)
		}
	}
	return k, nil
}

// sudo is the one program that keeps its set-uid bit, where it is there: an
// administrator becomes root by it.
const sudo = "/usr/bin/sudo"

// units are what the machine starts, less those of packages of ours that gave
// way to the app's own; such a unit has its package's name.
func (m machine) units(l *lock.Lock) []string {
	holds := l.Holds(artifact.Disk)
	gone := slices.DeleteFunc(slices.Clone(templates.Lines("machine/packages.txt")), func(name string) bool {
		return slices.ContainsFunc(holds, func(i lock.Installed) bool { return i.Name == name })
	})
	names := slices.DeleteFunc(slices.Clone(templates.Lines("machine/units.txt")), func(unit string) bool {
		return slices.Contains(gone, strings.TrimSuffix(unit, ".service"))
	})
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

// Memories are the file systems in memory that hold the service's folders.
func (m machine) Memories() []form.Memory { return form.Memories(profile.Of(m.App)) }

// Tmpfiles makes the service's folders.
func (m machine) Tmpfiles() string { return form.Tmpfiles(profile.Of(m.App)) }

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
