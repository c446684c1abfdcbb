package check

import (
	"errors"
	"io/fs"
	"maps"
	"path"
	"slices"
	"strings"

	"github.com/bakelite/bakelite/scan/controls"
	"github.com/bakelite/bakelite/scan/tree"
)

// inKernel wants a value of the running kernel; of a key with "*" each that
// there is.
func (c *checker) inKernel(key, want string) {
	names := c.kernelKeys("/proc/sys", strings.Split(key, "."))
	if len(names) == 0 {
		c.say("the running kernel has no %s", key)
	}
	for _, name := range names {
		text, err := tree.ReadFile(c.Tree, name, maxText)
		if errors.Is(err, fs.ErrNotExist) { // a network device went away
			continue
		}
		c.cannot(err)
		if now := strings.Join(strings.Fields(string(text)), " "); err == nil && now != want {
			c.say("%s is %s in the running kernel, not %s", strings.ReplaceAll(name[len("/proc/sys/"):], "/", "."), now, want)
		}
	}
}

// kernelKeys are the files below a folder that a key stands for.
func (c *checker) kernelKeys(at string, parts []string) []string {
	if len(parts) == 0 {
		return []string{at}
	}
	if parts[0] != "*" {
		next := path.Join(at, parts[0])
		if c.lstat(next) == nil {
			return nil
		}
		return c.kernelKeys(next, parts[1:])
	}
	entries, err := c.Tree.ReadDir(at)
	c.cannot(err)
	var all []string
	for _, e := range entries {
		all = append(all, c.kernelKeys(path.Join(at, e.Name), parts[1:])...)
	}
	return all
}

// loaded wants a module neither in the running kernel nor within reach.
func (c *checker) loaded(name string) {
	key := moduleName(name)
	if c.has(key, "/proc/modules", func(line string) string {
		first, _, _ := strings.Cut(line, " ")
		return first
	}) {
		c.say("%s is loaded", name)
		return
	}
	release, err := tree.ReadFile(c.Tree, "/proc/sys/kernel/osrelease", maxText)
	c.cannot(err)
	builtin := path.Join("/usr/lib/modules", path.Base(strings.TrimSpace(string(release))), "modules.builtin")
	if c.isRegular(builtin) && c.has(key, builtin, func(line string) string {
		return strings.TrimSuffix(path.Base(line), ".ko")
	}) {
		c.say("%s is a part of the kernel", name)
		return
	}
	if c.o.Try == nil {
		return
	}
	has, err := c.o.Try(key)
	if c.cannot(err); has {
		c.say("%s was loaded for a program without rights", name)
	}
}

// has says whether a line of a file names a module.
func (c *checker) has(key, file string, name func(line string) string) bool {
	for _, line := range c.lines(file) {
		if moduleName(name(line)) == key {
			return true
		}
	}
	return false
}

// mounted wants options of what is mounted at a path; the last mount covers
// those before it.
func (c *checker) mounted(s controls.Setting) {
	options, found := "", false
	for _, line := range c.lines("/proc/1/mountinfo") {
		words := strings.Fields(line) // proc_pid_mountinfo(5)
		if len(words) > 5 && unescaped(words[4]) == s.Path {
			options, found = words[5], true
		}
	}
	if !found {
		c.say("nothing is mounted at %s", s.Path)
		return
	}
	c.lacks(s, options)
}

// unescaped undoes how the kernel writes blanks in a mount's path.
func unescaped(text string) string {
	return strings.NewReplacer(`\040`, " ", `\011`, "\t", `\012`, "\n", `\134`, `\`).Replace(text)
}

// state wants files of the running kernel to have a word each.
func (c *checker) state(s controls.Setting) {
	if !c.Running {
		return
	}
	for _, name := range slices.Sorted(maps.Keys(s.Values)) {
		text, err := tree.ReadFile(c.Tree, name, maxText)
		if errors.Is(err, fs.ErrNotExist) {
			c.say("the running kernel has no %s", name)
			continue
		}
		c.cannot(err)
		if word := s.Values[name]; err == nil && !slices.Contains(strings.Fields(string(text)), word) {
			c.say("%s is %s in the running kernel, not %s", name, strings.Join(strings.Fields(string(text)), " "), word)
		}
	}
}

// refused wants what is forbidden to fail where it can be tried.
func (c *checker) refused(s controls.Setting) {
	if c.o.Attempt == nil {
		return
	}
	for _, name := range s.Names {
		works, err := c.o.Attempt(name)
		if c.cannot(err); works {
			c.say("%s was tried and works", name)
		}
	}
}
