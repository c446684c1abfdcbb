package check

import (
	"maps"
	"path"
	"regexp"
	"slices"
	"strings"

	"github.com/bakelite/bakelite/scan/controls"
	"github.com/bakelite/bakelite/scan/tree"
)

// folders are where systemd and kmod look for settings of a kind, in the order
// of their weight.
func folders(kind string) []string {
	return []string{"/etc/" + kind, "/run/" + kind, "/usr/local/lib/" + kind, "/usr/lib/" + kind}
}

// settings reads the .conf files of a kind as systemd and kmod do: by name; of
// equal names the first folder's counts.
func (c *checker) settings(kind string) []string {
	files := map[string]string{}
	for _, dir := range slices.Backward(folders(kind)) {
		for _, name := range c.confs(dir) {
			files[name] = path.Join(dir, name)
		}
	}
	var lines []string
	for _, name := range slices.Sorted(maps.Keys(files)) {
		lines = append(lines, c.show(files[name])...)
	}
	return lines
}

// confs lists the .conf files of a folder, through a link too, which is a
// problem.
func (c *checker) confs(dir string) []string {
	if !c.inside(dir + "/x") {
		c.say("%s is behind a link", dir)
	}
	real, err := tree.Real(c.Tree, dir)
	if err != nil {
		return nil // a problem already
	}
	entries, err := c.Tree.ReadDir(real)
	if err != nil {
		if info := c.lstat(real); info != nil && info.IsDir() {
			c.cannot(err)
		}
		return nil
	}
	var names []string
	for _, e := range entries {
		if strings.HasSuffix(e.Name, ".conf") && !strings.HasPrefix(e.Name, ".") {
			names = append(names, e.Name)
		}
	}
	return names
}

// show reads a file, which may be a link: one to /dev/null stands for an empty
// file, and what leads out of the tree is a problem.
func (c *checker) show(name string) []string {
	at, err := tree.Real(c.Tree, path.Dir(name))
	if err != nil {
		return nil // a problem already: its folder is behind a link
	}
	info, err := c.Tree.Lstat(path.Join(at, path.Base(name)))
	if err == nil && info.IsLink() && info.Target == "/dev/null" {
		return nil
	}
	real, absolute, err := tree.Follow(c.Tree, name)
	if err != nil {
		c.say("%s leads out of the tree", name)
		return nil
	}
	to := c.lstat(real)
	switch {
	case to == nil && absolute:
		c.say("%s leads out of the tree", name)
	case to != nil && to.IsRegular():
		return c.lines(real)
	}
	return nil
}

var slashed = regexp.MustCompile(`^[^.]*/`)

// sysctlName is a kernel key with dots: where a slash comes first, the two
// have changed places (sysctl.d(5)).
func sysctlName(key string) string {
	if !slashed.MatchString(key) {
		return key
	}
	return strings.NewReplacer(".", "/", "/", ".").Replace(key)
}

// values reads the kernel's settings; the last value of a key counts.
func (c *checker) values() map[string]string {
	have := map[string]string{}
	for _, line := range c.settings("sysctl.d") {
		line = strings.TrimLeft(line, " \t")
		key, value, ok := strings.Cut(line, "=")
		if !ok || strings.HasPrefix(line, "#") || strings.HasPrefix(line, ";") {
			continue
		}
		key = strings.Trim(strings.TrimPrefix(key, "-"), " \t")
		have[sysctlName(key)] = strings.Join(strings.Fields(value), " ")
	}
	return have
}

func (c *checker) sysctl(s controls.Setting) {
	have := c.values()
	for _, name := range slices.Sorted(maps.Keys(s.Values)) {
		want := s.Values[name]
		if now, ok := have[name]; !ok {
			c.say("%s is not set", name)
		} else if now != want {
			c.say("%s is %s, not %s", name, now, want)
		}
		for _, glob := range slices.Sorted(maps.Keys(have)) {
			if glob != name && strings.Contains(glob, "*") && have[glob] != want && globMatches(glob, name) {
				c.say("%s is %s", glob, have[glob])
			}
		}
		if c.Running {
			c.inKernel(name, want)
		}
	}
}

// globMatches says whether a pattern of keys fits a key: "*" stands for any
// text without a dot.
func globMatches(glob, key string) bool {
	patterns, names := strings.Split(glob, "."), strings.Split(key, ".")
	if len(patterns) != len(names) {
		return false
	}
	for i, p := range patterns {
		if !controls.MatchesName(p, names[i]) {
			return false
		}
	}
	return true
}

// module wants modules blacklisted, and a program that fails in the place of
// what loads them.
func (c *checker) module(s controls.Setting) {
	black, shut, open := map[string]bool{}, map[string]bool{}, map[string]bool{}
	for _, line := range joined(c.settings("modprobe.d")) {
		switch words := strings.Fields(line); {
		case len(words) > 1 && words[0] == "blacklist":
			black[moduleName(words[1])] = true
		case len(words) == 3 && words[0] == "install" && words[2] == "/bin/false":
			shut[moduleName(words[1])] = true
		case len(words) > 1 && words[0] == "install":
			open[moduleName(words[1])] = true
		}
	}
	for _, name := range s.Names {
		key := moduleName(name)
		if !black[key] {
			c.say("%s is not blacklisted", name)
		}
		if !shut[key] || open[key] {
			c.say("%s can be loaded", name)
		}
		if c.Running {
			c.loaded(name)
		}
	}
}

func moduleName(name string) string { return strings.ReplaceAll(name, "-", "_") }

// joined puts lines together that end in a backslash, as kmod reads them.
func joined(lines []string) []string {
	var all []string
	open := false
	for _, line := range lines {
		text, more := strings.CutSuffix(line, `\`)
		if open {
			all[len(all)-1] += text
		} else {
			all = append(all, text)
		}
		open = more
	}
	return all
}

// argument wants words on the kernel's command line.
func (c *checker) argument(s controls.Setting) {
	line, ok := c.cmdline()
	if !ok {
		return
	}
	words := strings.FieldsFunc(line, func(r rune) bool { return r == ' ' || r == '\n' || r == '\t' })
	for _, word := range s.Names {
		if !slices.Contains(words, word) {
			c.say("the kernel command line lacks %s", word)
		}
		name, _, valued := strings.Cut(word, "=")
		if !valued {
			continue
		}
		// Of two values for one name the kernel takes the last.
		for _, w := range slices.Backward(words) {
			if strings.HasPrefix(w, name+"=") {
				if w != word {
					c.say("the kernel command line ends with %s", w)
				}
				break
			}
		}
	}
}

func (c *checker) cmdline() (string, bool) {
	if c.Cmdline != nil {
		line, err := c.Cmdline()
		c.cannot(err)
		return line, err == nil
	}
	if !c.isRegular("/proc/cmdline") {
		c.say("there is no kernel command line to look at")
		return "", false
	}
	text, err := tree.ReadFile(c.Tree, "/proc/cmdline", maxText)
	c.cannot(err)
	return string(text), err == nil
}

// mount wants options of a mount point: of /etc/fstab, and of the running
// machine's mounts.
func (c *checker) mount(s controls.Setting) {
	if !c.isRegular("/etc/fstab") {
		c.say("/etc/fstab is missing or not a file")
	} else {
		options, named := "", false
		for _, line := range c.lines("/etc/fstab") {
			words := strings.Fields(line)
			if len(words) > 1 && !strings.HasPrefix(words[0], "#") && words[1] == s.Path {
				options, named = "", true
				if len(words) > 3 {
					options = words[3]
				}
			}
		}
		if !named {
			c.say("/etc/fstab does not name %s", s.Path)
		} else {
			c.lacks(s, options)
		}
	}
	if c.Running {
		c.mounted(s)
	}
}

func (c *checker) lacks(s controls.Setting, options string) {
	have := strings.Split(options, ",")
	for _, option := range s.Options {
		if !slices.Contains(have, option) {
			c.say("%s is mounted without %s", s.Path, option)
		}
	}
}
