// Package tree does all work on root filesystems that is neither the user's
// own nor dpkg's: the app's files, users and groups, what packages and trims
// leave out, rights, names and dates. A Request says what to do with one tree;
// Run does it, in the program bakelite-tree, as a step of a build graph. It
// imports little, so that the program is small. It trusts neither tree nor
// request, and loses nothing in silence: what it leaves out it says, and what
// it cannot keep is a Mistake.
package tree

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"maps"
	"path"
	"slices"
	"strings"
)

// Version is the form of requests that this package reads.
const Version = 1

// MaxRequest bounds a request, in bytes: the texts of an app file and of a
// machine's settings.
const MaxRequest = 64 << 20

// Request says what to do with one tree. What is asked for is done in the
// order of the fields; the dates come last.
type Request struct {
	Version int `json:"version"`
	// Tree is the folder of the tree.
	Tree string `json:"tree"`
	// Before is the folder of the tree as it was before somebody else worked
	// on it; "" stands for an empty one where Packages is set, and else for
	// nobody.
	Before string `json:"before,omitempty"`
	// Files is the folder that the app's files are copied from.
	Files string `json:"files,omitempty"`
	// Date is what everything gets that is not as it was before, in seconds
	// since 1970.
	Date int64 `json:"date"`
	// Packages says that dpkg worked on the tree: files that it unpacked keep
	// the dates that they came with.
	Packages bool `json:"packages,omitempty"`
	// Own says who else worked on the tree, by the key of the app file, such
	// as "steps": what changed is judged, and is no package's to take away.
	Own string `json:"own,omitempty"`
	// Evidence says that what packages are known and judged by must stay as it
	// was before.
	Evidence bool `json:"evidence,omitempty"`
	// Alters are the paths of the system that the app's own part may change
	// (package system). Others are refused
	// where Evidence is set, but for what holds just what Ours says: the SHA-256
	// of files, in hexadecimal digits, by path.
	Alters []string          `json:"alters,omitempty"`
	Ours   map[string]string `json:"ours,omitempty"`
	// Kind is that of the artifact, "container" or "disk", for messages.
	Kind string `json:"kind,omitempty"`

	// Clean are patterns of what differs from run to run and goes, Empty are
	// files that lose their content.
	Clean []string `json:"clean,omitempty"`
	Empty []string `json:"empty,omitempty"`
	// User is the service's.
	User *User `json:"user,omitempty"`
	// Apart are folders that are made from another tree: nothing of the app's may
	// lie in them.
	Apart []string `json:"apart,omitempty"`
	// Put copies files.
	Put []Put `json:"put,omitempty"`
	// Remove are packages that go; with KeepNeeded those stay that others need.
	Remove     []string `json:"remove,omitempty"`
	KeepNeeded bool     `json:"keepNeeded,omitempty"`
	// Trim are patterns of what no service needs; it goes, but for the app's
	// own. Drop is the same without that exception.
	Trim []string `json:"trim,omitempty"`
	Drop []string `json:"drop,omitempty"`
	// Logins leaves nobody a password, and makes Admin: the user who may log in
	// by a key, "" for nobody.
	Logins bool   `json:"logins,omitempty"`
	Admin  string `json:"admin,omitempty"`
	// Strip takes rights from every program and folder, but for those of
	// Rights.
	Strip  bool    `json:"strip,omitempty"`
	Rights []Right `json:"rights,omitempty"`
	// Folders are made for the service.
	Folders []Folder `json:"folders,omitempty"`
	// Controls are the hardening controls, in the form of who applies them;
	// they spare Admin and what Rights names.
	Controls json.RawMessage `json:"controls,omitempty"`
	// Runnable is the program that must be there and can be executed.
	Runnable string `json:"runnable,omitempty"`
}

// User is the service's user, by name, and its number; 0 stands for the
// default one.
type User struct {
	Name string `json:"name"`
	ID   uint32 `json:"id,omitempty"`
}

// Put copies one file or folder of Request.Files, or what Content holds.
type Put struct {
	From    string `json:"from,omitempty"`
	Content []byte `json:"content"`
	To      string `json:"to"`
	// Mode is that of files; folders get execute bits to match. Nil leaves
	// files whether they can be executed, and nothing else of their mode.
	Mode *uint32 `json:"mode,omitempty"`
	// Owner is user[:group], by name or number.
	Owner string `json:"owner"`
	// Key is the entry's in the app file: "files[1]".
	Key string `json:"key"`
}

// Folder is one that the service's user owns.
type Folder struct {
	Path string `json:"path"`
	Mode uint32 `json:"mode"`
}

// Right is what one program or folder may have that others may not.
type Right struct {
	Path string `json:"path"`
	// Capabilities are the names of those that a program gets, without "cap_".
	Capabilities []string `json:"capabilities,omitempty"`
	// SetUID and SetGID are bits of the mode that are set.
	SetUID bool `json:"setUID,omitempty"`
	SetGID bool `json:"setGID,omitempty"`
	// Key is the entry's in the app file; without one it may name what is not
	// there, and sets nothing.
	Key string `json:"key,omitempty"`
}

// Encode writes a request, the same bytes for the same one.
func (r Request) Encode() ([]byte, error) {
	r.Version = Version
	return json.Marshal(r)
}

// Decode reads a request strictly: unknown keys, other versions, and paths
// that are not what they must be, are errors.
func Decode(text []byte) (Request, error) {
	var r Request
	d := json.NewDecoder(bytes.NewReader(text))
	d.DisallowUnknownFields()
	if err := d.Decode(&r); err != nil {
		return Request{}, fmt.Errorf("reading request: %w", err)
	}
	if _, err := d.Token(); !errors.Is(err, io.EOF) {
		return Request{}, errors.New("reading request: something follows it")
	}
	if r.Version != Version {
		return Request{}, fmt.Errorf("the request is of version %d: want %d", r.Version, Version)
	}
	return r, r.validate()
}

func (r Request) validate() error {
	absolute := []string{r.Tree}
	for _, p := range []string{r.Before, r.Files, r.Runnable} {
		if p != "" {
			absolute = append(absolute, p)
		}
	}
	for _, p := range r.Put {
		absolute = append(absolute, p.To)
		if (p.From == "") == (p.Content == nil) {
			return fmt.Errorf("the request's entry for %q has not one of from and content", p.To)
		}
	}
	if len(r.Folders) > 0 && r.User == nil {
		return errors.New("the request has folders and no user whose they are")
	}
	for _, f := range r.Folders {
		absolute = append(absolute, f.Path)
	}
	absolute = append(absolute, r.Alters...)
	absolute = slices.AppendSeq(absolute, maps.Keys(r.Ours))
	for _, right := range r.Rights {
		absolute = append(absolute, right.Path)
	}
	for _, p := range absolute {
		if !path.IsAbs(p) || path.Clean(p) != p || strings.ContainsRune(p, 0) {
			return fmt.Errorf("the request names %q, which is no clean absolute path", p)
		}
	}
	return nil
}
