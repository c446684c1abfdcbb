package check

import (
	"errors"
	"fmt"
	"io/fs"
	"path"
	"strconv"

	"github.com/bakelite/bakelite/scan/controls"
	"github.com/bakelite/bakelite/scan/tree"
)

func (c *checker) file(s controls.Setting) {
	if !c.isRegular(s.Path) {
		c.say("%s is missing or not a file", s.Path)
		return
	}
	text, err := tree.ReadFile(c.Tree, s.Path, maxText)
	if c.cannot(err); err == nil && string(text) != s.Content {
		c.say("%s has other content", s.Path)
	}
	c.limit(s.Path, s.Mode, "0:0")
}

// absent wants nothing at paths whose last part may be a pattern.
func (c *checker) absent(s controls.Setting) {
	for _, p := range s.Paths {
		if !c.inside(p) {
			c.say("%s is behind a link or a file", p)
			continue
		}
		entries, err := c.Tree.ReadDir(path.Dir(p))
		if errors.Is(err, fs.ErrNotExist) {
			continue
		}
		c.cannot(err)
		for _, e := range entries {
			if controls.MatchesName(path.Base(p), e.Name) {
				c.say("%s is there", path.Join(path.Dir(p), e.Name))
			}
		}
	}
}

func (c *checker) mode(s controls.Setting) {
	for _, p := range s.Paths {
		c.limit(p, s.Mode, s.Owner)
	}
}

// limit wants what is at a path to have no bit beyond a mode, and an owner.
func (c *checker) limit(name, mode, owner string) {
	inside := c.inside(name)
	info := c.lstat(name)
	if !inside || info != nil && info.IsLink() {
		c.say("%s is a link or behind one", name)
		return
	}
	if info == nil {
		return
	}
	most, err := strconv.ParseUint(mode, 8, 16)
	c.cannot(err)
	if now := info.Mode & tree.Permissions; now&^uint32(most) != 0 {
		c.say("%s has mode %o, not %o", name, now, most)
	}
	if whose := fmt.Sprintf("%d:%d", info.UID, info.GID); whose != owner {
		c.say("%s belongs to %s, not %s", name, whose, owner)
	}
}
