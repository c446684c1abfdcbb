package vm

import (
	"fmt"
	"strings"
	"text/template"

	"github.com/bakelite/bakelite/builders/rootfs"
	"github.com/bakelite/bakelite/internal/app"
	"github.com/bakelite/bakelite/internal/disk"
	"github.com/bakelite/bakelite/internal/profile"
	"github.com/bakelite/bakelite/internal/profile/form"
	"github.com/bakelite/bakelite/templates"
)

// settings maps files of the machine's /etc to the templates that make them.
func settings(a app.App) [][2]string {
	return [][2]string{
		{"/etc/fstab", "machine/fstab"},
		{"/etc/modprobe.d/bakelite-machine.conf", "machine/modprobe.conf"},
		{"/etc/nftables.conf", "machine/nftables.conf"},
		{"/etc/repart.d/50-var.conf", "machine/repart.conf"},
		{"/etc/systemd/network/80-bakelite.network", "machine/network"},
		{"/etc/systemd/system/multi-user.target.d/10-bakelite.conf", "machine/target.conf"},
		{"/etc/systemd/system/systemd-repart.service.d/10-bakelite.conf", "machine/repart-order.conf"},
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
func (m machine) extra(g rootfs.Graph) (rootfs.Extra, error) {
	var extra rootfs.Extra
	for _, s := range settings(m.App) {
		text, err := m.render(s[1])
		if err != nil {
			return extra, err
		}
		extra.Files = append(extra.Files, app.File{To: s[0], Content: text})
	}
	p, err := g.Profile()
	if err != nil {
		return extra, err
	}
	if p.Starts() {
		extra.Files = append(extra.Files, g.Program())
	}
	for _, f := range append(form.Units(p), form.Hosts(p)...) {
		extra.Files = append(extra.Files, app.File{To: f.Path, Content: f.Text})
	}
	for _, dir := range p.Own() {
		if !strings.HasPrefix(dir, "/run/") && !strings.HasPrefix(dir, "/var/") && !strings.HasPrefix(dir, "/tmp/") {
			extra.Folders = append(extra.Folders, dir)
		}
	}
	return extra, nil
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
