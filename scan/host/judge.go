package host

import (
	"errors"
	"fmt"
	"io/fs"
	"path"
	"slices"
	"strconv"
	"strings"

	"github.com/bakelite/bakelite/scan/tree"
)

// finding is what a judge found: what is bad, or why there was nothing to
// judge, and where.
type finding struct{ bad, none, place string }

// judges are the kinds of controls, each with what judges it.
func judges() map[string]func(facts, Control) finding {
	return map[string]func(facts, Control) finding{
		"daemon":     judgeDaemon,
		"tcp":        judgeTCP,
		"file":       judgeFile,
		"audit":      judgeAudit,
		"sysctl":     judgeSysctl,
		"podman":     judgePodman,
		"mount":      judgeMount,
		"no-members": judgeMembers,
		"swarm":      judgeSwarm,
		"container":  judgeContainers,
	}
}

// judgeFile asks for owner and mode of all that is there of some paths.
func judgeFile(f facts, c Control) finding {
	found := finding{none: "none is here"}
	for _, name := range c.Paths {
		real, err := tree.Chroot(f.tree, name)
		var info tree.Info
		if err == nil {
			info, err = f.tree.Lstat(real)
		}
		if errors.Is(err, fs.ErrNotExist) {
			continue
		}
		if err != nil {
			return finding{bad: "it cannot be read: " + err.Error(), place: name}
		}
		found.none, found.place = "", name
		if bad := f.wrongFile(info, c); bad != "" {
			return finding{bad: name + " " + bad, place: name}
		}
	}
	return found
}

func (f facts) wrongFile(info tree.Info, c Control) string {
	if c.Mode != 0 && info.Mode&tree.Permissions&^c.Mode != 0 {
		return fmt.Sprintf("has the mode %04o, more than %04o", info.Mode&tree.Permissions, c.Mode)
	}
	if c.Owner == "" {
		return ""
	}
	user, group, _ := strings.Cut(c.Owner, ":")
	for _, one := range []struct {
		what, name, file string
		id               uint32
	}{{"owner", user, "/etc/passwd", info.UID}, {"group", group, "/etc/group", info.GID}} {
		if id, ok := f.number(one.file, one.name); !ok || id != one.id {
			return fmt.Sprintf("has the %s %d, not %s", one.what, one.id, one.name)
		}
	}
	return ""
}

// number is a user's or group's in its file; root is 0 without one.
func (f facts) number(file, name string) (uint32, bool) {
	if name == "root" {
		return 0, true
	}
	text, _ := f.read(file)
	for line := range strings.Lines(text) {
		if fields := strings.Split(strings.TrimSpace(line), ":"); len(fields) > 2 && fields[0] == name {
			n, err := strconv.ParseUint(fields[2], 10, 32)
			return uint32(n), err == nil
		}
	}
	return 0, false
}

// judgeAudit asks that the audit rules watch what is there of some paths.
func judgeAudit(f facts, c Control) finding {
	found := finding{none: "none is here"}
	for _, name := range c.Paths {
		if _, err := f.tree.Lstat(name); errors.Is(err, fs.ErrNotExist) {
			continue
		}
		found.none, found.place = "", name
		if !slices.ContainsFunc(f.audit, func(line string) bool { return watches(line, name) }) {
			return finding{bad: "no audit rule watches " + name, place: name}
		}
	}
	return found
}

// watches says whether a line of auditctl(8) watches a path.
func watches(line, name string) bool {
	words := strings.Fields(line)
	for i, word := range words {
		switch {
		case strings.HasPrefix(word, "#"):
			return false
		case word == "-w" && i+1 < len(words) && path.Clean(words[i+1]) == name:
			return true
		case word == "path="+name, word == "dir="+name:
			return true
		}
	}
	return false
}

func judgeSysctl(f facts, c Control) finding {
	name := "/proc/sys/" + strings.ReplaceAll(c.Key, ".", "/")
	text, err := f.read(name)
	switch {
	case err != nil:
		return finding{bad: "it cannot be read: " + err.Error(), place: name}
	case text == "":
		return finding{none: "this kernel has no " + c.Key}
	case !slices.Contains(c.Want, strings.TrimSpace(text)):
		return finding{bad: fmt.Sprintf("%s is %s", c.Key, strings.TrimSpace(text)), place: name}
	}
	return finding{place: name}
}

func judgePodman(f facts, c Control) finding {
	const place = "/etc/containers/containers.conf"
	if !f.hasPodman {
		return finding{none: "Podman is not here"}
	}
	if f.unread != nil {
		return finding{bad: "it cannot be read: " + f.unread.Error(), place: place}
	}
	value, ok := f.podman[c.Key]
	if !ok {
		value = c.Default
	}
	if !slices.Contains(c.Want, value) {
		return finding{bad: fmt.Sprintf("%s is %q", c.Key, value), place: place}
	}
	return finding{place: place}
}

// judgeMount asks that a folder is a mount of its own.
func judgeMount(f facts, c Control) finding {
	for _, name := range c.Paths {
		info, err := f.tree.Lstat(name)
		if err != nil {
			continue
		}
		above, err := f.tree.Lstat(path.Dir(name))
		if err != nil || above.Device == info.Device {
			return finding{bad: name + " is on the file system of " + path.Dir(name), place: name}
		}
		return finding{place: name}
	}
	return finding{none: "none is here"}
}

// judgeMembers asks that a group has no members: who may talk to the engine is
// root by it.
func judgeMembers(f facts, c Control) finding {
	text, err := f.read("/etc/group")
	if err != nil {
		return finding{bad: "it cannot be read: " + err.Error(), place: "/etc/group"}
	}
	for line := range strings.Lines(text) {
		fields := strings.Split(strings.TrimSpace(line), ":")
		if len(fields) < 4 || fields[0] != c.Key {
			continue
		}
		if fields[3] != "" {
			return finding{bad: "members of the group " + c.Key + ": " + fields[3], place: "/etc/group"}
		}
		if bad := f.ownGroup(c.Key, fields[2]); bad != (finding{}) {
			return bad
		}
	}
	return finding{place: "/etc/group"}
}

// ownGroup finds users whose own group has a number: no group lists them.
func (f facts) ownGroup(name, number string) finding {
	text, err := f.read("/etc/passwd")
	if err != nil {
		return finding{bad: "it cannot be read: " + err.Error(), place: "/etc/passwd"}
	}
	for line := range strings.Lines(text) {
		if fields := strings.Split(strings.TrimSpace(line), ":"); len(fields) > 3 && fields[3] == number {
			return finding{bad: "the group " + name + " is the own one of " + fields[0], place: "/etc/passwd"}
		}
	}
	return finding{}
}
