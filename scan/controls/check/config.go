package check

import (
	"maps"
	"path"
	"slices"
	"strings"

	"github.com/bakelite/bakelite/scan/controls"
)

// words wants keys of a file with a key and a value on each line; the last
// counts.
func (c *checker) words(s controls.Setting) {
	if !c.isRegular(s.Path) {
		c.say("%s is missing or not a file", s.Path)
		return
	}
	have := map[string]string{}
	for _, line := range c.lines(s.Path) {
		words := strings.Fields(line)
		if len(words) == 0 || strings.HasPrefix(words[0], "#") {
			continue
		}
		have[words[0]] = ""
		if len(words) > 1 {
			have[words[0]] = words[1]
		}
	}
	for _, key := range slices.Sorted(maps.Keys(s.Values)) {
		now, ok := have[key]
		if !ok {
			now = "not set"
		}
		if now != s.Values[key] {
			c.say("%s in %s is %s, not %s", key, s.Path, now, s.Values[key])
		}
	}
}

// noWords wants no line of the files to have a word; a file that is missing has
// none.
func (c *checker) noWords(s controls.Setting) {
	for _, name := range s.Paths {
		if !c.isRegular(name) {
			if c.present(name) {
				c.say("%s is not a file", name)
			}
			continue
		}
		for _, line := range c.lines(name) {
			if word := controls.HasWord(line, s.Names); word != "" {
				c.say("%s says %s", name, word)
			}
		}
	}
}

const (
	sshdConfig  = "/etc/ssh/sshd_config"
	sshdFolder  = "/etc/ssh/sshd_config.d"
	sshdDropIns = sshdFolder + "/*.conf"
)

// sshd wants values of the SSH server: the first that it reads counts, and a
// Match block can set another one for some logins.
func (c *checker) sshd(s controls.Setting) {
	if !c.isRegular(sshdConfig) || !c.inside(sshdFolder+"/x") {
		c.say("%s is missing or behind a link", sshdConfig)
		return
	}
	r := &sshdReader{checker: c, want: map[string]string{}, have: map[string]string{}}
	for key, value := range s.Values {
		r.want[strings.ToLower(key)] = strings.ToLower(value)
	}
	for _, name := range c.confs(sshdFolder) {
		r.dropIns = append(r.dropIns, c.show(path.Join(sshdFolder, name)))
	}
	for _, line := range c.show(sshdConfig) {
		r.read(line, true)
	}
	for _, key := range slices.Sorted(maps.Keys(s.Values)) {
		key = strings.ToLower(key)
		now, ok := r.have[key]
		if !ok {
			now = "its default"
		}
		if now != r.want[key] {
			c.say("sshd sets %s to %s, not %s", key, now, r.want[key])
		}
	}
}

// sshdReader reads lines as sshd_config(5) says.
type sshdReader struct {
	*checker
	want, have map[string]string
	dropIns    [][]string
	block      bool // in a Match block
}

func (r *sshdReader) read(line string, main bool) {
	key, value := sshdWords(line)
	switch {
	case key == "" || strings.HasPrefix(key, "#"):
	case key == "match":
		r.block = true
	case key == "include" && main && value == sshdDropIns:
		r.include()
	case key == "include":
		r.say("sshd includes %s", value)
	default:
		r.set(key, value)
	}
}

func (r *sshdReader) set(key, value string) {
	want, asked := r.want[key]
	if !asked {
		return
	}
	if r.block {
		if value != want {
			r.say("a Match block sets %s %s", key, value)
		}
		return
	}
	if _, before := r.have[key]; !before {
		r.have[key] = value
	}
}

// include reads the drop-ins; a block of one of them ends with its file.
func (r *sshdReader) include() {
	outer := r.block
	for _, lines := range r.dropIns {
		r.block = outer
		for _, line := range lines {
			r.read(line, false)
		}
	}
	r.block = outer
}

// sshdWords splits a line into its keyword and its argument, both in small
// letters.
func sshdWords(line string) (key, value string) {
	line = strings.Trim(line, " \t\r")
	i := strings.IndexAny(line, " \t=")
	if i < 0 {
		return strings.ToLower(line), ""
	}
	value = strings.TrimLeft(line[i:], " \t")
	value = strings.TrimLeft(strings.TrimPrefix(value, "="), " \t")
	return strings.ToLower(line[:i]), strings.ToLower(strings.ReplaceAll(value, `"`, ""))
}
