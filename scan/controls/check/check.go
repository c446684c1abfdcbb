// Package check says which hardening controls hold in a tree: that of an
// image, of a disk, of a folder, or of a machine that runs. Where a machine
// runs it looks at effects too: what the kernel says of itself, and not only
// what a file asks of it. It changes nothing, reads through package tree alone
// and bounds what it reads; a control whose check cannot be finished fails.
// It imports nothing heavy, for a small program in a machine links it.
package check

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"slices"
	"strings"

	"github.com/bakelite/bakelite/scan/controls"
	"github.com/bakelite/bakelite/scan/tree"
)

// Subject is what is looked at.
type Subject struct {
	Tree tree.Tree
	// Cmdline is the command line that the kernel will be started with; nil
	// reads the tree's own /proc/cmdline.
	Cmdline func() (string, error)
	// Running says that the tree is the root of a machine that runs, with its
	// /proc and /sys.
	Running bool
}

// Options say what the subject is meant to be.
type Options struct {
	// Admin is the account that may log in, "" for none.
	Admin string `json:"admin,omitempty"`
	// Rights are what the app file lets single paths have.
	Rights []controls.Right `json:"rights,omitempty"`
	// Own says that Bakelite made the image, in whose layers nothing is hidden
	// by one above.
	Own bool `json:"own,omitempty"`
	// Service is the one that a running machine is there for; nil is none.
	Service *Service `json:"service,omitempty"`
	// Ports are those of a running machine that others may reach, as "8080/tcp".
	Ports []string `json:"ports,omitempty"`
	// Try asks the running kernel for a module, as a program without rights
	// could have it loaded, and says whether it has it then; nil asks nothing.
	Try func(module string) (has bool, err error) `json:"-"`
	// Attempt does what a control forbids, by its name, and says whether it
	// worked; nil attempts nothing.
	Attempt func(name string) (works bool, err error) `json:"-"`
}

// Service is what runs on a machine, as its app file says.
type Service struct {
	// Unit is its systemd unit.
	Unit string `json:"unit"`
	// User is a name or a number.
	User string `json:"user"`
	// Capabilities are the most that its processes may have, as "net_raw".
	Capabilities []string `json:"capabilities,omitempty"`
}

// Tree checks controls and returns a result for each, in their order. The only
// error is an ended context.
func Tree(ctx context.Context, s Subject, cs []controls.Control, o Options) ([]controls.Result, error) {
	o.Rights = controls.RightsAt(o.Rights, func(path string) (string, error) { return tree.Chroot(s.Tree, path) })
	c := &checker{ctx: ctx, Subject: s, o: o}
	results := make([]controls.Result, len(cs))
	for i, control := range cs {
		results[i] = c.control(control)
	}
	return results, ctx.Err()
}

// checker is one check.
type checker struct {
	ctx context.Context
	Subject
	o        Options
	problems []string
	notes    []string
	survey   *survey
}

// kinds is how each kind of setting is checked, by Setting.Name.
func kinds() map[string]func(*checker, controls.Setting) {
	return map[string]func(*checker, controls.Setting){
		controls.File:            (*checker).file,
		controls.Absent:          (*checker).absent,
		controls.Mode:            (*checker).mode,
		controls.NoSpecialBits:   (*checker).specialBits,
		controls.NoWorldWritable: (*checker).worldWritable,
		controls.NoSetGIDFolders: (*checker).setGIDFolders,
		controls.NoCapabilities:  (*checker).capabilities,
		controls.NoDevices:       (*checker).devices,
		controls.NoACLs:          (*checker).lists,
		controls.NoImageNames:    (*checker).imageNames,
		controls.RootOwned:       (*checker).rootOwned,
		controls.NoWords:         (*checker).noWords,
		controls.NoPassword:      (*checker).passwords,
		controls.NoLogin:         (*checker).shells,
		controls.Accounts:        (*checker).accounts,
		controls.Sysctl:          (*checker).sysctl,
		controls.Module:          (*checker).module,
		controls.KernelArgument:  (*checker).argument,
		controls.MountOption:     (*checker).mount,
		controls.Process:         (*checker).process,
		controls.Ports:           (*checker).ports,
		controls.KernelState:     (*checker).state,
		controls.Refused:         (*checker).refused,

		controls.Config + " " + controls.Words: (*checker).words,
		controls.Config + " " + controls.SSHD:  (*checker).sshd,
	}
}

func (c *checker) control(control controls.Control) controls.Result {
	r := controls.Result{ID: control.ID, Title: control.Title, Level: control.Level}
	c.problems, c.notes = nil, nil
	if why := c.without(control); why != "" {
		r.Passed, r.NotApplicable, r.Detail = true, true, controls.Printable(why)
		return r
	}
	for _, s := range control.Sets {
		do, known := kinds()[s.Name()]
		if !known {
			c.say("nothing checks the kind %q", s.Name())
			continue
		}
		do(c, s)
	}
	if r.Passed = len(c.problems) == 0; r.Passed {
		c.problems = c.notes
	}
	r.Detail = detail(c.problems)
	return r
}

// without says why a control has nothing to do, "" where it has.
func (c *checker) without(control controls.Control) string {
	switch {
	case control.ImageOnly && c.Running:
		return "holds for the image only"
	case control.RunningOnly && !c.Running:
		return "shows on the running machine only"
	case c.o.Service == nil && slices.ContainsFunc(control.Sets, func(s controls.Setting) bool { return s.Kind == controls.Process }):
		return "no service is named to look at"
	case control.Where != "" && !c.present(control.Where):
		return "nothing to do without " + control.Where
	}
	return ""
}

// detail joins problems, each of them once.
func detail(problems []string) string {
	var all []string
	seen := map[string]bool{}
	for _, p := range problems {
		if p = controls.Printable(p); !seen[p] {
			seen[p], all = true, append(all, p)
		}
	}
	text := strings.Join(all, "; ")
	return text[:min(len(text), controls.MaxDetail)]
}

// say notes a problem.
func (c *checker) say(format string, args ...any) {
	c.problems = append(c.problems, fmt.Sprintf(format, args...))
}

// cannot notes that a check could not be finished.
func (c *checker) cannot(err error) {
	if err != nil {
		c.say("%v: the check did not finish", err)
	}
}

// present says whether there is something at a path, or a link hides what is
// there.
func (c *checker) present(name string) bool {
	inside, err := tree.Inside(c.Tree, name)
	if err != nil || !inside {
		return true
	}
	_, err = c.Tree.Lstat(name)
	return !errors.Is(err, fs.ErrNotExist)
}

// inside says whether no folder on the way to a path is a link or a file; an
// error is a problem.
func (c *checker) inside(name string) bool {
	inside, err := tree.Inside(c.Tree, name)
	c.cannot(err)
	return err == nil && inside
}

// lstat describes what is at a path, nil where there is nothing; an error is a
// problem.
func (c *checker) lstat(name string) *tree.Info {
	info, err := c.Tree.Lstat(name)
	if err == nil {
		return &info
	}
	if !errors.Is(err, fs.ErrNotExist) {
		c.cannot(err)
	}
	return nil
}

// isRegular says whether a path is a file and no link stands for it.
func (c *checker) isRegular(name string) bool {
	if !c.inside(name) {
		return false
	}
	info := c.lstat(name)
	return info != nil && info.IsRegular()
}

// maxText bounds a file that is read for what it says, in bytes.
const maxText = 4 << 20

// lines reads a file that is there; an error is a problem.
func (c *checker) lines(name string) []string {
	text, err := tree.ReadFile(c.Tree, name, maxText)
	if err != nil {
		c.cannot(err)
		return nil
	}
	return split(string(text))
}

func split(text string) []string {
	if text == "" {
		return nil
	}
	return strings.Split(strings.TrimSuffix(text, "\n"), "\n")
}

// Reads says whether checks may open a file: those that hold settings.
func Reads(name string) bool {
	for _, folder := range []string{"/etc/", "/run/", "/proc/", "/usr/local/lib/", "/usr/lib/sysctl.d/", "/usr/lib/modprobe.d/"} {
		if strings.HasPrefix(name, folder) {
			return true
		}
	}
	return false
}
