package accounts

import (
	"errors"
	"fmt"
	"strings"
)

// DefaultID is the number of a service's user, and of its group, where neither
// Debian nor anybody else fixed one. It lies among the system accounts (Debian
// Policy 9.2.2, login.defs), amid those that adduser gives away from 100 up
// and systemd-sysusers and useradd from 999 down, so that neither reaches it.
const DefaultID = 500

// Fixed says whether Debian gives a number the same meaning everywhere (Debian
// Policy 9.2.2; base-passwd's group users has 100), or the kernel does.
func Fixed(id uint32) bool {
	return id < 100 || id >= 60000 && id < 65536
}

// usersGroup is the one number from 100 on that base-passwd's files have.
const usersGroup = 100

// Move is a number that every file of a tree has to get in place of another.
type Move struct{ From, To uint32 }

// Moves are those of a change of users and groups; nil leaves numbers as they
// are.
type Moves struct{ User, Group *Move }

// ErrRoot says that a user has root's number.
var ErrRoot = errors.New("it has root's number")

// GroupError says that a group has the name of a user who is not there, who
// would get the group's rights.
type GroupError struct{ Name string }

func (e *GroupError) Error() string {
	return fmt.Sprintf("there is a group %q and no such user", e.Name)
}

// Service makes the user of a service where there is none, and gives it the
// number that it is to have everywhere: id, or for 0 what Debian fixed, or
// DefaultID. Its own group gets the same number; one whose number Debian fixed
// keeps it. day is the day since 1970 on which the password is said to have
// changed.
func (d *DB) Service(name string, id uint32, day int64) (Moves, error) {
	if d.passwd.find(name) == nil {
		return Moves{}, d.create(name, or(id, DefaultID), day, "/nonexistent", "/usr/sbin/nologin", "!")
	}
	uid, gid, ok := d.User(name)
	if !ok {
		return Moves{}, fmt.Errorf("the line of %q in passwd has no numbers", name)
	}
	if uid == 0 {
		return Moves{}, ErrRoot
	}
	to := or(id, DefaultID)
	if id == 0 && Fixed(uid) {
		to = uid
	}
	var moves Moves
	if uid != to {
		if by := d.passwd.nameOf(to, passwdUID); by != "" {
			return moves, &TakenError{to, fmt.Sprintf("the user %q", by)}
		}
		moves.User = &Move{uid, to}
	}
	if !Fixed(gid) && gid != usersGroup && gid != to {
		if by := d.group.nameOf(to, groupGID); by != "" {
			return Moves{}, &TakenError{to, fmt.Sprintf("the group %q", by)}
		}
		moves.Group = &Move{gid, to}
	}
	d.move(moves)
	return moves, nil
}

func (d *DB) move(m Moves) {
	if m.User != nil {
		d.passwd.replace(passwdUID, m.User.From, m.User.To)
	}
	if m.Group != nil {
		d.passwd.replace(passwdGID, m.Group.From, m.Group.To)
		d.group.replace(groupGID, m.Group.From, m.Group.To)
	}
}

// create adds a user and its group, without a password.
func (d *DB) create(name string, id uint32, day int64, home, shell, password string) error {
	if d.group.find(name) != nil {
		return &GroupError{name}
	}
	if by := d.passwd.nameOf(id, passwdUID); by != "" {
		return &TakenError{id, fmt.Sprintf("the user %q", by)}
	}
	if by := d.group.nameOf(id, groupGID); by != "" {
		return &TakenError{id, fmt.Sprintf("the group %q", by)}
	}
	d.group.set(name, "x", text(id), "")
	d.passwd.set(name, "x", text(id), text(id), "", home, shell)
	d.shadow.set(name, password, fmt.Sprint(day), "", "", "", "", "", "")
	d.gshadow.set(name, "!", "", "")
	return nil
}

// ExistsError says that a name is a user's or a group's already.
type ExistsError struct{ Name string }

func (e *ExistsError) Error() string { return fmt.Sprintf("%q is there already", e.Name) }

// firstAdmin is the first number of a person (Debian Policy 9.2.2).
const firstAdmin = 1000

// Admin makes the user of a person who logs in by a key, with the first number
// of a person that is free.
func (d *DB) Admin(name string, day int64) error {
	if d.passwd.find(name) != nil || d.group.find(name) != nil {
		return &ExistsError{name}
	}
	id := uint32(firstAdmin)
	for d.passwd.nameOf(id, passwdUID) != "" || d.group.nameOf(id, groupGID) != "" {
		id++
	}
	return d.create(name, id, day, "/var/home/"+name, "/bin/bash", "*")
}

// LockPasswords gives every user a password that nobody has and nobody set.
func (d *DB) LockPasswords() {
	if d.shadow == nil {
		return
	}
	for _, fields := range d.shadow.lines {
		if len(fields) > 2 {
			fields[1] = "!*"
		}
	}
}

// DatePasswords dates the last change of every password, by the day since
// 1970.
func (d *DB) DatePasswords(day int64) {
	const changed = 2
	if d.shadow == nil {
		return
	}
	for _, fields := range d.shadow.lines {
		if len(fields) > changed+1 && strings.Trim(fields[changed], "0123456789") == "" {
			fields[changed] = fmt.Sprint(day)
		}
	}
}

func or(id, otherwise uint32) uint32 {
	if id == 0 {
		return otherwise
	}
	return id
}
