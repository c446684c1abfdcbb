package check

import (
	"fmt"
	"path"
	"slices"
	"strings"

	"github.com/bakelite/bakelite/internal/capability"
	"github.com/bakelite/bakelite/scan/controls"
	"github.com/bakelite/bakelite/scan/tree"
)

// found is a name that a walk of the tree came upon.
type found struct {
	name string
	info tree.Info
}

// survey is what one walk found for all kinds that look at the whole tree.
type survey struct {
	err                                error
	bits, writable, devices            []found
	setGID, capable, lists, attributes []found
	marks, foreign                     []found
}

// maxFound bounds each list of a survey: a tree with more is not judged.
const maxFound = 100_000

// specialBits give a file's user or group to who runs it.
const specialBits = tree.SetUID | tree.SetGID

// surveyTree walks the tree at the first call.
func (c *checker) surveyTree() *survey {
	if c.survey != nil {
		return c.survey
	}
	c.survey = &survey{}
	var w tree.Walker
	for _, start := range c.trees() {
		if err := w.Walk(c.ctx, c.Tree, start, c.survey.visit); err != nil {
			c.survey.err = err
			break
		}
	}
	return c.survey
}

// trees are the root, and the folders below it that are file systems of their
// own and hold files of the system.
func (c *checker) trees() []string {
	all := []string{"/"}
	for _, dir := range []string{"/boot", "/etc", "/home", "/opt", "/root", "/srv", "/usr", "/var", "/var/lib", "/var/log", "/var/tmp"} {
		if !c.inside(dir + "/x") {
			continue
		}
		info, above := c.lstat(dir), c.lstat(path.Dir(dir))
		if info != nil && above != nil && info.IsDir() && info.Device != above.Device {
			all = append(all, dir)
		}
	}
	return all
}

func (s *survey) visit(name string, info tree.Info) error {
	_, capable := info.Xattrs[capability.Attribute]
	_, access := info.Xattrs[tree.AccessACL]
	_, inherited := info.Xattrs[tree.DefaultACL]
	for _, list := range []struct {
		to    *[]found
		found bool
	}{
		{&s.bits, info.IsRegular() && info.Mode&specialBits != 0},
		{&s.writable, info.Mode&0o002 != 0 && !info.IsLink() && !info.IsDevice()},
		{&s.devices, info.IsDevice()},
		{&s.setGID, info.IsDir() && info.Mode&specialBits != 0},
		{&s.capable, capable},
		{&s.lists, access || inherited},
		{&s.attributes, len(info.Xattrs) > 0},
		{&s.foreign, controls.MayBeRoots(name) && !info.IsLink() && controls.Foreign(info.UID, info.GID, info.Mode)},
		{&s.marks, controls.IsImageName(path.Base(name))},
	} {
		if list.found && len(*list.to) < maxFound {
			*list.to = append(*list.to, found{name, info})
		}
	}
	return nil
}

// shown is how many names of one kind a result lists.
const shown = 5

// report notes what of a list is wrong: say gives the words, "" where it is
// right.
func (c *checker) report(all []found, say func(found) string) {
	var lines []string
	for _, f := range all {
		if words := say(f); words != "" {
			lines = append(lines, controls.Printable(f.name)+" "+words)
		}
	}
	slices.Sort(lines)
	lines = slices.Compact(lines)
	for _, line := range lines[:min(len(lines), shown)] {
		c.say("%s", line)
	}
	if more := len(lines) - shown; more > 0 {
		c.say("%d more of these", more)
	}
	c.cannot(c.surveyTree().err)
}

// allowed notes that the app file asks for what a control else forbids.
func (c *checker) allowed(name, what string) string {
	c.notes = append(c.notes, "the app file lets "+name+" have "+what)
	return ""
}

func (c *checker) specialBits(s controls.Setting) {
	c.report(c.surveyTree().bits, func(f found) string {
		switch right := controls.RightOf(c.o.Rights, f.name); {
		case s.Excepted(f.name):
			return ""
		case right.AllowsBits(f.info.Mode):
			return c.allowed(f.name, "its set-uid or set-gid bit")
		}
		return "has a set-uid or set-gid bit"
	})
}

func (c *checker) setGIDFolders(s controls.Setting) {
	c.report(c.surveyTree().setGID, func(f found) string {
		switch right := controls.RightOf(c.o.Rights, f.name); {
		case s.Excepted(f.name):
			return ""
		case right.AllowsBits(f.info.Mode):
			return c.allowed(f.name, "its set-gid bit")
		}
		return "is a folder with a set-gid bit"
	})
}

func (c *checker) worldWritable(controls.Setting) {
	all := c.surveyTree().writable
	c.report(all, func(f found) string {
		if f.info.IsDir() {
			return ""
		}
		return "can be written by everybody"
	})
	c.report(all, func(f found) string {
		if !f.info.IsDir() || f.info.Mode&tree.Sticky != 0 {
			return ""
		}
		return "can be written by everybody and is not sticky"
	})
}

func (c *checker) capabilities(controls.Setting) {
	c.report(c.surveyTree().capable, func(f found) string {
		names, ok := capability.OfFile(f.info.Xattrs[capability.Attribute])
		switch {
		case !ok:
			return "has capabilities of a form that is not known"
		case controls.RightOf(c.o.Rights, f.name).AllowsCapabilities(names):
			return c.allowed(f.name, strings.Join(names, ", "))
		}
		return "has the capabilities " + strings.Join(names, ", ")
	})
}

func (c *checker) devices(controls.Setting) {
	c.report(c.surveyTree().devices, func(f found) string {
		return "is the device " + f.info.Node()
	})
}

func (c *checker) lists(s controls.Setting) {
	c.report(c.surveyTree().lists, func(f found) string {
		if s.Excepted(f.name) {
			return ""
		}
		return "has an access list"
	})
}

// rootOwned wants what root runs or reads to be written by root alone. A program
// that runs as its owner or group by a right has it from the app file.
func (c *checker) rootOwned(s controls.Setting) {
	c.report(c.surveyTree().foreign, func(f found) string {
		switch right := controls.RightOf(c.o.Rights, f.name); {
		case !s.Covers(f.name):
			return ""
		case right.SetUID || right.SetGID:
			return c.allowed(f.name, "its owner and group")
		case f.info.UID != 0:
			return fmt.Sprintf("belongs to %d", f.info.UID)
		}
		return fmt.Sprintf("can be written by the group %d", f.info.GID)
	})
}

// imageNames wants neither a name nor an attribute that a runtime takes for a
// mark of its own, nor such a mark in the layers. An image that others made may
// have marks in all layers but the lowest, which has nothing to hide.
func (c *checker) imageNames(controls.Setting) {
	c.report(c.surveyTree().marks, func(found) string { return "is a name that hides another in an image" })
	c.report(c.surveyTree().attributes, func(f found) string {
		for name := range f.info.Xattrs {
			if controls.IsImageAttribute(name) {
				return "has an attribute that hides files in an image"
			}
		}
		return ""
	})
	layered, ok := c.Tree.(tree.Layered)
	if !ok {
		return
	}
	var marks []found
	for _, w := range layered.Whiteouts() {
		if c.o.Own || w.Layer == 0 {
			marks = append(marks, found{name: w.Name})
		}
	}
	c.report(marks, func(found) string { return "hides what layers below it hold" })
}
