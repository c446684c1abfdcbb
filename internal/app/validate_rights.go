package app

import (
	"strings"

	"github.com/bakelite/bakelite/internal/capability"
)

func (c *checker) rights(rights []Right) {
	if len(rights) > maxItems {
		c.add("rights", "has %d entries; at most %d are allowed", len(rights), maxItems)
		return
	}
	for i, r := range rights {
		key := item("rights", i)
		c.absolute(key+".path", r.Path)
		if len(r.Capabilities) == 0 && !r.SetUID && !r.SetGID {
			c.add(key, "gives nothing; add capabilities, setUID or setGID")
		}
		once(c, key+".capabilities", r.Capabilities)
		for j, name := range r.Capabilities {
			c.oneOf(item(key+".capabilities", j), strings.TrimPrefix(strings.ToLower(name), "cap_"), capability.Names())
			if name != strings.TrimPrefix(strings.ToLower(name), "cap_") {
				c.add(item(key+".capabilities", j), "%q: write it in lower case and without cap_", name)
			}
		}
		if r.On != "" {
			c.oneOf(key+".on", r.On, []string{"container", "disk"})
		}
	}
}

func (c *checker) alters(paths []string) {
	if len(paths) > maxItems {
		c.add("alters", "has %d entries; at most %d are allowed", len(paths), maxItems)
		return
	}
	once(c, "alters", paths)
	for i, path := range paths {
		c.absolute(item("alters", i), path)
	}
}
