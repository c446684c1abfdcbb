// Package apply puts hardening controls into force in a tree that can be
// written to. A second time changes nothing. It works through an os.Root and
// walks through no link: a tree is not trusted, and what would lead it astray
// is an error that says what to put there. It imports nothing heavy, for it
// runs in a small program inside of a build step.
package apply

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"strings"
	"time"

	"github.com/bakelite/bakelite/internal/fault"
	"github.com/bakelite/bakelite/scan/controls"
	"github.com/bakelite/bakelite/scan/tree"
)

// Options say what differs between trees.
type Options struct {
	// Admin is the account that may log in, "" for none.
	Admin string
	// Rights are what the app file lets single paths have.
	Rights []controls.Right
	// Date is given to what is written; zero leaves the clock's.
	Date time.Time
}

// To applies controls to the tree at root, as root. Its errors are of kind
// Invalid where the tree is in the way, and name the control.
func To(root *os.Root, cs []controls.Control, o Options) error {
	top, err := root.Open(".")
	if err != nil {
		return fmt.Errorf("hardening: %w", err)
	}
	seen, err := tree.FolderOf(top)
	if err != nil {
		return fmt.Errorf("hardening: %w", err)
	}
	defer seen.Close()
	o.Rights = controls.RightsAt(o.Rights, func(path string) (string, error) { return tree.Chroot(seen, path) })
	w := &work{root: root, tree: seen, o: o}
	for _, f := range controls.SharedFiles(cs) {
		if err := w.shared(f); err != nil {
			return fmt.Errorf("hardening: %w", err)
		}
	}
	for _, c := range cs {
		if err := w.control(c); err != nil {
			return fmt.Errorf("hardening: %s: %w", c.ID, err)
		}
	}
	return nil
}

// work is one application; the tree is what root is, to read.
type work struct {
	root  *os.Root
	tree  tree.Tree
	o     Options
	found *suspects
}

// kinds is how each kind of setting is applied, by Setting.Name; nil is for
// those that are checked only, or that share a file.
func kinds() map[string]func(*work, controls.Setting) error {
	return map[string]func(*work, controls.Setting) error{
		controls.File:            (*work).file,
		controls.Absent:          (*work).absent,
		controls.Mode:            (*work).mode,
		controls.NoSpecialBits:   (*work).noSpecialBits,
		controls.NoWorldWritable: (*work).noWorldWritable,
		controls.NoSetGIDFolders: (*work).noSetGIDFolders,
		controls.NoCapabilities:  (*work).noCapabilities,
		controls.NoDevices:       (*work).noDevices,
		controls.NoACLs:          (*work).noACLs,
		controls.NoImageNames:    (*work).noImageNames,
		controls.RootOwned:       (*work).rootOwned,
		controls.NoWords:         (*work).noWords,
		controls.NoPassword:      (*work).noPassword,
		controls.NoLogin:         (*work).noLogin,
		controls.Accounts:        nil,
		controls.Sysctl:          nil,
		controls.Module:          nil,
		controls.KernelArgument:  nil,
		controls.MountOption:     nil,
		controls.Process:         nil,
		controls.Ports:           nil,
		controls.KernelState:     nil,
		controls.Refused:         nil,

		controls.Config + " " + controls.Words: (*work).words,
		controls.Config + " " + controls.SSHD:  nil,
	}
}

func (w *work) control(c controls.Control) error {
	ok, err := w.applies(c.Where)
	if err != nil || !ok {
		return err
	}
	for _, s := range c.Sets {
		do, known := kinds()[s.Name()]
		if !known {
			return fault.New(fault.Internal, "nothing applies the kind %q", s.Name())
		}
		if do == nil {
			continue
		}
		if err := do(w, s); err != nil {
			return err
		}
	}
	return nil
}

func (w *work) shared(f controls.SharedFile) error {
	ok, err := w.applies(f.Where)
	if err != nil || !ok {
		return err
	}
	mode, err := octal(f.Mode)
	if err != nil {
		return err
	}
	return w.fill(f.Path, mode, 0, 0, []byte(f.Text()))
}

// applies says whether there is something at a path, or a link hides what is
// there.
func (w *work) applies(where string) (bool, error) {
	if where == "" {
		return true, nil
	}
	inside, err := tree.Inside(w.tree, where)
	if err != nil || !inside {
		return !inside, err
	}
	_, err = w.tree.Lstat(where)
	if errors.Is(err, fs.ErrNotExist) {
		return false, nil
	}
	return true, err
}

// below is a path as the root's methods take it.
func below(name string) string {
	if name == "/" {
		return "."
	}
	return strings.TrimPrefix(name, "/")
}

// guard refuses a path that is behind a link.
func (w *work) guard(name string) error {
	inside, err := tree.Inside(w.tree, name)
	if err == nil && !inside {
		err = wrong("%s is behind a link or a file", name)("put a folder there")
	}
	return err
}

// wrong is a mistake that the tree holds, with what to do about it.
func wrong(format string, args ...any) func(remedy string) error {
	return func(remedy string) error {
		return fault.Hint(fault.New(fault.Invalid, format, args...), "%s", remedy)
	}
}
