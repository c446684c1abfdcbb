package tree

import (
	"fmt"
	"slices"
	"strings"

	"golang.org/x/sys/unix"

	"github.com/bakelite/bakelite/builders/tree/treefs"
	"github.com/bakelite/bakelite/internal/capability"
)

// setID are the bits of a mode that give a program its owner's or group's
// rights, and make what is in a folder its group's.
const setID = unix.S_ISUID | unix.S_ISGID

func (r Right) bits() (bits uint32) {
	if r.SetUID {
		bits |= unix.S_ISUID
	}
	if r.SetGID {
		bits |= unix.S_ISGID
	}
	return bits
}

// strip takes from everything what gives it more rights than its mode says:
// set-id bits, but for those that are kept, and extended attributes; and
// devices from the tree.
func (w *work) strip() error {
	if !w.Strip {
		return nil
	}
	kept := map[string]uint32{}
	for _, r := range w.Rights {
		place, err := w.tree.Resolve(r.Path)
		if err != nil {
			return err
		}
		kept[place] |= r.bits()
	}
	var devices []loss
	err := w.tree.Walk(func(e *treefs.Entry, _ *unix.Stat_t) error {
		switch e.Type() {
		case unix.S_IFCHR, unix.S_IFBLK:
			devices = append(devices, loss{e.Path, "what runs the image gives it its devices"})
			return nil
		case unix.S_IFLNK:
		default:
			if extra := e.Stat.Mode & setID &^ kept[e.Path]; extra != 0 {
				if err := e.Chmod(e.Stat.Mode & 0o7777 &^ extra); err != nil {
					return err
				}
			}
		}
		return w.stripAttributes(e)
	})
	if err != nil {
		return err
	}
	return w.leaveOut(devices)
}

// machines are the beginnings of names of attributes that the kernel of the
// machine which builds gives every file; they are no part of the tree.
func machines() []string {
	return []string{"security.selinux", "security.SMACK64", "security.apparmor", "security.ima", "security.evm", "trusted.overlay.", "user.overlay."}
}

func (w *work) stripAttributes(e *treefs.Entry) error {
	names, err := e.Attributes()
	if err != nil {
		return err
	}
	for _, name := range names {
		if slices.ContainsFunc(machines(), func(begin string) bool { return strings.HasPrefix(name, begin) }) {
			continue
		}
		if err := e.RemoveAttribute(name); err != nil {
			return err
		}
		if name == capability.Attribute || w.isOwn(e.Path) { // packages' lists of access are systemd's, which makes them anew
			w.leftOut("%s of %s: the app file's rights do not name it", name, shown(e.Path))
		}
	}
	return nil
}

// grant gives programs and folders what the app file says.
func (w *work) grant() error {
	for _, r := range w.Rights {
		if r.Key == "" {
			continue
		}
		place, err := w.program(r)
		if err != nil {
			return err
		}
		if err := w.tree.At(place, r.give); err != nil {
			return err
		}
	}
	return nil
}

// program returns where what a right names lies: a program, or a folder where
// folders can have such a right.
func (w *work) program(r Right) (string, error) {
	place, err := w.tree.Resolve(r.Path)
	if err != nil {
		return "", err
	}
	if led, noted := w.led[r.Path]; noted && led != place { // the gate judges the path that it is told
		return "", mistake(r.Key+".path", "name that path itself", "%s leads by a link of the app's own to %s", r.Path, shown(place))
	}
	info, err := w.tree.Lstat(place)
	if err != nil {
		return "", err
	}
	folder := info != nil && info.IsDir() && len(r.Capabilities) == 0 && !r.SetUID
	if info == nil || !info.Mode().IsRegular() && !folder {
		return "", mistake(r.Key+".path", "put it there by files, name its package under packages, or say with on which artifact has it",
			"%s is no program in the %s", r.Path, w.Kind)
	}
	return place, nil
}

func (r Right) give(e *treefs.Entry) error {
	if bits := r.bits(); bits != 0 {
		if err := e.Chmod(e.Stat.Mode&0o7777 | bits); err != nil {
			return err
		}
	}
	if len(r.Capabilities) == 0 {
		return nil
	}
	value, err := capability.File(r.Capabilities)
	if err != nil {
		return fmt.Errorf("reading %s: %w", r.Key, err)
	}
	return e.SetAttribute(capability.Attribute, value)
}
