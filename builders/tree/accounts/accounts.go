// Package accounts reads and changes a tree's users and groups: passwd, group,
// shadow and gshadow of passwd(5), as texts. It is pure, keeps every line that
// it does not change byte for byte, and refuses names that two accounts would
// share and numbers that are another's. Only builders/tree may import it.
package accounts

import (
	"fmt"
	"slices"
	"strconv"
	"strings"
)

// Files are the texts of a tree's four files; nil stands for one that is not
// there.
type Files struct{ Passwd, Group, Shadow, GShadow []byte }

// DB is a tree's users and groups.
type DB struct{ passwd, group, shadow, gshadow *table }

// Read splits the files into lines.
func Read(f Files) *DB {
	return &DB{split(f.Passwd), split(f.Group), split(f.Shadow), split(f.GShadow)}
}

// Files returns the texts as they are now.
func (d *DB) Files() Files {
	return Files{d.passwd.text(), d.group.text(), d.shadow.text(), d.gshadow.text()}
}

// table is one file by lines and fields.
type table struct{ lines [][]string }

func split(text []byte) *table {
	if text == nil {
		return nil
	}
	t := &table{}
	for line := range strings.Lines(string(text)) {
		t.lines = append(t.lines, strings.Split(strings.TrimSuffix(line, "\n"), ":"))
	}
	return t
}

func (t *table) text() []byte {
	if t == nil {
		return nil
	}
	var b strings.Builder
	for _, fields := range t.lines {
		b.WriteString(strings.Join(fields, ":") + "\n")
	}
	return []byte(b.String())
}

// find returns the first line of a name, as the C library does.
func (t *table) find(name string) []string {
	if t == nil {
		return nil
	}
	i := slices.IndexFunc(t.lines, func(f []string) bool { return f[0] == name && len(f) > 1 })
	if i < 0 {
		return nil
	}
	return t.lines[i]
}

// set adds a line, in place of those of the same name.
func (t *table) set(fields ...string) {
	if t == nil {
		return
	}
	t.lines = append(slices.DeleteFunc(t.lines, func(f []string) bool { return f[0] == fields[0] && len(f) > 1 }), fields)
}

// number returns a field as an identifier.
func number(fields []string, at int) (uint32, bool) {
	if len(fields) <= at {
		return 0, false
	}
	n, err := strconv.ParseUint(fields[at], 10, 32)
	return uint32(n), err == nil
}

// The fields of a line that hold identifiers.
const (
	passwdUID = 2
	passwdGID = 3
	groupGID  = 2
)

// User returns a user's number and that of its group.
func (d *DB) User(name string) (uid, gid uint32, ok bool) {
	fields := d.passwd.find(name)
	uid, ok = number(fields, passwdUID)
	gid, both := number(fields, passwdGID)
	return uid, gid, ok && both
}

// Group returns a group's number.
func (d *DB) Group(name string) (gid uint32, ok bool) { return number(d.group.find(name), groupGID) }

// Owner returns the numbers of user[:group], each by name or by number; a user
// alone stands for its own group too, a number alone for the group of the same
// number.
func (d *DB) Owner(text string) (uid, gid uint32, ok bool) {
	user, group, both := strings.Cut(text, ":")
	uid, gid, ok = d.User(user)
	if n, err := strconv.ParseUint(user, 10, 32); err == nil {
		uid, gid, ok = uint32(n), uint32(n), true
	}
	if both {
		var known bool
		gid, known = d.Group(group)
		if n, err := strconv.ParseUint(group, 10, 32); err == nil {
			gid, known = uint32(n), true
		}
		ok = ok && known
	}
	return uid, gid, ok
}

// nameOf returns the first name of a number in a table, "" for none.
func (t *table) nameOf(id uint32, at int) string {
	if t == nil {
		return ""
	}
	for _, fields := range t.lines {
		if n, ok := number(fields, at); ok && n == id {
			return fields[0]
		}
	}
	return ""
}

// replace puts one number in the place of another in one field of every line.
func (t *table) replace(at int, old, by uint32) {
	if t == nil {
		return
	}
	for _, fields := range t.lines {
		if n, ok := number(fields, at); ok && n == old {
			fields[at] = strconv.FormatUint(uint64(by), 10)
		}
	}
}

func text(id uint32) string { return strconv.FormatUint(uint64(id), 10) }

// TakenError says that a number is another's.
type TakenError struct {
	Number uint32
	// By is a user or group: `the group "games"`.
	By string
}

func (e *TakenError) Error() string {
	return fmt.Sprintf("the number %d is that of %s", e.Number, e.By)
}
