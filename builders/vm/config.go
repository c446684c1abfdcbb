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
		{"/etc/systemd/network/80-bakelite.network", "machine/network"},
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
	for _, f := range form.Units(profile.Of(m.App)) {
		extra.Files = append(extra.Files, app.File{To: f.Path, Content: f.Text})
	}
	for _, dir := range m.App.Service.Writable {
		if !form.Ephemeral(dir) {
			extra.Folders = append(extra.Folders, dir)
		}
	}
	return extra, nil
}

// Folders lists the folders to make at boot: the writable ones, each where it
// really lies, and the administrator's home.
func (m machine) Folders() []string {
	return mapped(m.App.Service.Writable, func(dir string) string {
		if form.Ephemeral(dir) {
			return dir
		}
		return form.Behind(dir)
	})
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
