package tree

import (
	"fmt"
	"slices"
	"strings"

	"golang.org/x/sys/unix"

	"github.com/bakelite/bakelite/internal/capability"
	"github.com/bakelite/bakelite/builders/tree/treefs"
)

// setID are the bits of a mode that give a program its owner's or group's
// rights, and make what is in a folder its group's.
const setID = unix.S_ISUID | unix.S_ISGID

// rights takes what gives a program or a file more rights than its mode says,
// and gives what the app file allows.
func (w *work) rights() error {
	kept := map[string]uint32{}
	for _, r := range w.Rights {
		place, err := w.tree.Resolve(r.Path)
		if err != nil {
			return err
		}
		kept[place] |= r.bits()
	}
	if w.Strip {
		if err := w.strip(kept); err != nil {
			return err
		}
	}
	for _, r := range w.Rights {
		if err := w.grant(r); err != nil {
			return err
		}
	}
	return nil
}

func (r Right) bits() (bits uint32) {
	if r.SetUID {
		bits |= unix.S_ISUID
	}
	if r.SetGID {
		bits |= unix.S_ISGID
	}
	return bits
}

// strip takes set-id bits, but for those that are kept, all extended
// attributes, and devices.
func (w *work) strip(kept map[string]uint32) error {
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

// grant gives a program or folder what the app file says.
func (w *work) grant(r Right) error {
	if r.Key == "" {
		return nil
	}
	place, err := w.tree.Resolve(r.Path)
	if err != nil {
		return err
	}
	info, err := w.tree.Lstat(place)
	if err != nil {
		return err
	}
	folder := info != nil && info.IsDir() && len(r.Capabilities) == 0 && !r.SetUID
	if info == nil || !info.Mode().IsRegular() && !folder {
		return mistake(r.Key+".path", "put it there by files, name its package under packages, or say with on which artifact has it",
			"%s is no program in the %s", r.Path, w.Kind)
	}
	return w.tree.At(place, func(e *treefs.Entry) error {
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
	})
}
