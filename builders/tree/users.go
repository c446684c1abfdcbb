package tree

import (
	"bytes"
	"errors"
	"fmt"

	"golang.org/x/sys/unix"

	"github.com/bakelite/bakelite/builders/tree/accounts"
	"github.com/bakelite/bakelite/builders/tree/treefs"
)

// maxAccounts bounds one file of users or groups, in bytes.
const maxAccounts = 16 << 20

// accounts has the users and groups of the tree changed.
func (w *work) accounts(change func(db *accounts.DB) error) error {
	var before accounts.Files
	places := map[string]*[]byte{
		"etc/passwd": &before.Passwd, "etc/group": &before.Group, "etc/shadow": &before.Shadow, "etc/gshadow": &before.GShadow,
	}
	for name, text := range places {
		if err := w.readAccounts(name, text); err != nil {
			return fmt.Errorf("reading accounts: %w", err)
		}
	}
	db := accounts.Read(before)
	if err := change(db); err != nil {
		return err
	}
	after := db.Files()
	for name, text := range map[string][2][]byte{
		"etc/passwd": {before.Passwd, after.Passwd}, "etc/group": {before.Group, after.Group},
		"etc/shadow": {before.Shadow, after.Shadow}, "etc/gshadow": {before.GShadow, after.GShadow},
	} {
		if bytes.Equal(text[0], text[1]) {
			continue
		}
		place, err := w.tree.Resolve(name)
		if err == nil {
			err = w.tree.Rewrite(place, text[1])
		}
		if err != nil {
			return fmt.Errorf("writing accounts: %w", err)
		}
	}
	return nil
}

// readAccounts leaves the text of a file that is not there nil.
func (w *work) readAccounts(name string, text *[]byte) error {
	place, err := w.tree.Resolve(name)
	if err != nil {
		return err
	}
	there, err := w.tree.Is(place, 0)
	if err != nil || !there {
		return err
	}
	*text, err = w.tree.ReadFile(place, maxAccounts)
	return err
}

// user makes the service's user or gives the one that is there its number.
func (w *work) user() error {
	if w.User == nil {
		return nil
	}
	var moves accounts.Moves
	err := w.accounts(func(db *accounts.DB) (err error) {
		moves, err = db.Service(w.User.Name, w.User.ID, w.day())
		return err
	})
	if err != nil {
		return w.userMistake(err)
	}
	if moves.User == nil && moves.Group == nil {
		return nil
	}
	noted := w.noteNames()
	return w.tree.Walk(func(e *treefs.Entry, _ *unix.Stat_t) error {
		noted(e)
		return giveAway(e, moves)
	})
}

func giveAway(e *treefs.Entry, m accounts.Moves) error {
	uid, gid := -1, -1
	if m.User != nil && e.Stat.Uid == m.User.From {
		uid = int(m.User.To)
	}
	if m.Group != nil && e.Stat.Gid == m.Group.From {
		gid = int(m.Group.To)
	}
	if uid < 0 && gid < 0 {
		return nil
	}
	return e.Chown(uid, gid)
}

func (w *work) userMistake(err error) error {
	name := w.User.Name
	var group *accounts.GroupError
	var taken *accounts.TakenError
	switch {
	case errors.As(err, &group):
		return mistake("service.user", "name another user, or make the user and its group in a Dockerfile",
			"the image has a group %s and no such user, who would get the rights of that group", name)
	case errors.As(err, &taken):
		return mistake("service.uid", "set service.uid to a number that nobody has", "%s cannot have the number %d: it is that of %s", name, taken.Number, taken.By)
	case errors.Is(err, accounts.ErrRoot):
		return mistake("service.user", "name another user", "%s has root's number in this image", name)
	}
	return fmt.Errorf("making the user %s: %w", name, err)
}

// logins leaves nobody a password, and makes the user who may log in by a key.
func (w *work) logins() error {
	if !w.Logins {
		return nil
	}
	err := w.accounts(func(db *accounts.DB) error {
		db.LockPasswords()
		if w.Admin == "" {
			return nil
		}
		return db.Admin(w.Admin, w.day())
	})
	var exists *accounts.ExistsError
	if errors.As(err, &exists) {
		return mistake("vm.admin.user", "name another user", "the image has a user or group %s already, who is not made for logging in", exists.Name)
	}
	return err
}
