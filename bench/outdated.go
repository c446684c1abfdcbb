package main

import (
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"time"

	"github.com/bakelite/bakelite/internal/lock"
)

const (
	// outdatedSize is how many apps are looked at, and outdatedSets how many
	// sets of packages they have among them.
	outdatedSize = 1000
	outdatedSets = 10
)

// outdated looks what is beneath a thousand apps, by indexes that are here but
// for the question whether they are still the archive's, and beside it at one
// system as apt does.
func (b *bench) outdated() ([]row, error) {
	fleet := filepath.Join(b.work, "thousand")
	status, err := b.thousand(fleet)
	if err != nil {
		return nil, err
	}
	list, err := b.upgradable(status)
	if err != nil {
		return nil, err
	}
	look := func() *exec.Cmd {
		c := b.command("outdated", "--all", "--json", "--without-advisories", "--apps", "*/app.yaml")
		c.Dir = fleet
		return c
	}
	if _, err := b.run(look()); err != nil { // reads the indexes
		return nil, err
	}
	var ours, apt []time.Duration
	var peaks []int64
	for range b.runs {
		mine, err := b.run(look())
		if err != nil {
			return nil, err
		}
		theirs, err := b.run(list())
		if err != nil {
			return nil, err
		}
		ours, peaks, apt = append(ours, mine.took), append(peaks, mine.peak), append(apt, theirs.took)
	}
	return []row{
		{fmt.Sprintf("`outdated` of %d apps, advisories apart", outdatedSize), seconds(median(ours)), "1 s"},
		{"its memory", megabytes(middle(peaks)), "200 MB"},
		{fmt.Sprintf("`apt list --upgradable` in one root, times %d", outdatedSize), seconds(median(apt) * outdatedSize), ""},
	}, nil
}

// thousand writes apps that are locked and returns the dpkg status of one.
func (b *bench) thousand(dir string) (status string, err error) {
	for set := range outdatedSets {
		file := filepath.Join(b.app, "app.yaml")
		text, err := os.ReadFile(file)
		if err != nil {
			return "", err
		}
		app := filepath.Join(dir, fmt.Sprintf("set-%d", set))
		if err := os.CopyFS(app, os.DirFS(b.app)); err != nil {
			return "", err
		}
		text = replaceOnce(text, "packages: [nginx]", "packages: [nginx, "+small[set]+"]")
		if err := os.WriteFile(filepath.Join(app, "app.yaml"), replaceOnce(text, "name: web", fmt.Sprintf("name: set-%d", set)), 0o644); err != nil {
			return "", err
		}
		if _, err := b.bakelite("lock", app); err != nil {
			return "", err
		}
		for n := range outdatedSize/outdatedSets - 1 {
			if err := copyApp(app, fmt.Sprintf("%s-%d", app, n)); err != nil {
				return "", err
			}
		}
	}
	l, err := lock.Read(filepath.Join(dir, "set-0", "app.lock"))
	if err != nil {
		return "", err
	}
	return statusOf(l), nil
}

// copyApp copies an app and its lock under another name.
func copyApp(from, to string) error {
	if err := os.CopyFS(to, os.DirFS(from)); err != nil {
		return err
	}
	for file, key := range map[string]string{"app.yaml": "name: ", "app.lock": "app: "} {
		path := filepath.Join(to, file)
		text, err := os.ReadFile(path)
		if err != nil {
			return err
		}
		if err := os.WriteFile(path, replaceOnce(text, key+filepath.Base(from)+"\n", key+filepath.Base(to)+"\n"), 0o644); err != nil {
			return err
		}
	}
	return nil
}

// statusOf is what dpkg would say of a machine that a lock is for.
func statusOf(l *lock.Lock) string {
	var out strings.Builder
	for _, pins := range [][]lock.Pin{l.Packages.Base, l.Packages.Machine, l.Packages.MachineApp} {
		for _, p := range pins {
			fmt.Fprintf(&out, "Package: %s\nStatus: install ok installed\nVersion: %s\nArchitecture: %s\nMaintainer: nobody\nDescription: one\n\n", p.Name, p.Version, p.Arch)
		}
	}
	return out.String()
}

// upgradable makes a root whose indexes were fetched, and returns what lists in
// it what apt would upgrade.
func (b *bench) upgradable(status string) (func() *exec.Cmd, error) {
	root := filepath.Join(b.work, "apt")
	sources, err := sourcesFor("trixie")
	if err != nil {
		return nil, err
	}
	for name, text := range map[string]string{"etc/apt/sources.list.d/debian.sources": string(sources), "var/lib/dpkg/status": status} {
		path := filepath.Join(root, name)
		if err := os.MkdirAll(filepath.Dir(path), 0o755); err != nil {
			return nil, err
		}
		if err := os.WriteFile(path, []byte(text), 0o644); err != nil {
			return nil, err
		}
	}
	for _, name := range []string{"etc/apt/preferences.d", "etc/apt/apt.conf.d", "var/lib/apt/lists/partial", "var/cache/apt/archives/partial"} {
		if err := os.MkdirAll(filepath.Join(root, name), 0o755); err != nil {
			return nil, err
		}
	}
	command := func(args ...string) *exec.Cmd {
		return exec.CommandContext(b.ctx, "apt", append([]string{"-o", "Dir=" + root, "-o", "Dir::State::status=" + root + "/var/lib/dpkg/status", "-o", "APT::Sandbox::User=root", "-o", "Dir::Bin::methods=/usr/lib/apt/methods"}, args...)...)
	}
	if _, err := b.run(command("update")); err != nil {
		return nil, err
	}
	return func() *exec.Cmd { return command("list", "--upgradable") }, nil
}
