package host

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"path"
	"slices"
	"strings"

	"github.com/bakelite/bakelite/scan/tree"
)

// Limits on what is read of a machine.
const (
	maxFile      = 1 << 20 // bytes of one file
	maxProcesses = 100_000
	maxRules     = 1000 // files of audit rules
	maxParts     = 1000 // files of Podman's settings in one folder
)

// facts are what was read of a machine.
type facts struct {
	tree tree.Tree
	// daemon is daemon.json, and arguments are those of each dockerd that runs:
	// whoever runs a program can call it so, and none speaks for another. unread
	// is why they could not be read.
	daemon    map[string]any
	arguments [][]string
	docker    bool
	unread    error
	// podman is containers.conf by section and key, and hasPodman whether its
	// program is there.
	podman    map[string]string
	hasPodman bool
	// audit are the rules, line by line.
	audit  []string
	engine engine
}

const daemonFile = "/etc/docker/daemon.json"

func gather(ctx context.Context, m Machine) facts {
	f := facts{tree: m.Tree, daemon: map[string]any{}, podman: map[string]string{}}
	f.readDaemon()
	f.readPodman()
	f.readAudit()
	f.engine = ask(ctx, m.Sockets)
	return f
}

// read returns a file's text, "" where there is none.
func (f facts) read(name string) (string, error) {
	real, err := tree.Chroot(f.tree, name)
	if err == nil {
		var text []byte
		if text, err = tree.ReadFile(f.tree, real, maxFile); err == nil {
			return string(text), nil
		}
	}
	if errors.Is(err, fs.ErrNotExist) {
		return "", nil
	}
	return "", err
}

func (f *facts) readDaemon() {
	text, err := f.read(daemonFile)
	if err == nil && text != "" {
		f.docker = true
		d := json.NewDecoder(bytes.NewReader([]byte(text)))
		d.UseNumber()
		err = d.Decode(&f.daemon)
	}
	f.unread = err
	for _, name := range []string{"/usr/bin/dockerd", "/usr/sbin/dockerd"} {
		f.docker = f.docker || tree.IsFile(f.tree, name)
	}
	processes, err := f.tree.ReadDir("/proc")
	if err != nil && !errors.Is(err, fs.ErrNotExist) {
		f.unread = errors.Join(f.unread, err)
	}
	if len(processes) > maxProcesses {
		f.unread = errors.Join(f.unread, fmt.Errorf("more than %d processes run", maxProcesses))
		return
	}
	for _, p := range processes {
		if strings.Trim(p.Name, "0123456789") != "" {
			continue
		}
		line, err := tree.ReadFile(f.tree, "/proc/"+p.Name+"/cmdline", maxFile)
		words := strings.Split(strings.TrimRight(string(line), "\x00"), "\x00")
		if err == nil && path.Base(words[0]) == "dockerd" {
			f.docker, f.arguments = true, append(f.arguments, words[1:])
			f.elsewhere(words[1:])
		}
	}
}

// elsewhere notes a daemon that takes its settings from another file.
func (f *facts) elsewhere(arguments []string) {
	for _, file := range f.daemonValues(Control{Key: "config-file", Default: daemonFile}, arguments) {
		if path.Clean(file) != daemonFile {
			f.unread = errors.Join(f.unread, fmt.Errorf("dockerd takes its settings from %s", file))
		}
	}
}

// podmanFiles are where containers.conf lies, with the parts beside it, of which
// later ones count first (containers.conf(5)).
func (f *facts) podmanFiles() (names []string) {
	for _, main := range []string{"/usr/share/containers/containers.conf", "/etc/containers/containers.conf"} {
		names = append(names, main)
		parts, err := f.tree.ReadDir(main + ".d")
		if err == nil && len(parts) > maxParts {
			err = fmt.Errorf("%s.d has more than %d files", main, maxParts)
		}
		if err != nil && !errors.Is(err, fs.ErrNotExist) {
			f.unread = errors.Join(f.unread, err)
			continue
		}
		for _, part := range parts {
			if strings.HasSuffix(part.Name, ".conf") {
				names = append(names, main+".d/"+part.Name)
			}
		}
	}
	return names
}

// readPodman reads the keys of containers.conf.
func (f *facts) readPodman() {
	f.hasPodman = tree.IsFile(f.tree, "/usr/bin/podman")
	for _, name := range f.podmanFiles() {
		text, err := f.read(name)
		if err != nil {
			f.unread = errors.Join(f.unread, err)
		}
		section := ""
		for line := range strings.Lines(text) {
			line = strings.TrimSpace(line)
			key, value, pair := strings.Cut(line, "=")
			switch {
			case strings.HasPrefix(line, "#"):
			case strings.HasPrefix(line, "["):
				section = strings.Trim(line, "[]")
			case pair:
				f.podman[section+"."+strings.TrimSpace(key)] = strings.Trim(strings.TrimSpace(value), `"`)
			}
		}
	}
}

func (f *facts) readAudit() {
	names := []string{"/etc/audit/audit.rules"}
	entries, _ := f.tree.ReadDir("/etc/audit/rules.d")
	for _, e := range entries[:min(len(entries), maxRules)] {
		if strings.HasSuffix(e.Name, ".rules") {
			names = append(names, "/etc/audit/rules.d/"+e.Name)
		}
	}
	for _, name := range names {
		text, _ := f.read(name)
		f.audit = slices.AppendSeq(f.audit, strings.Lines(text))
	}
}
