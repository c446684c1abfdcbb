// Package cache keeps folders of work, those that a process needs while it
// runs, and what costs time to make and is used again, folders and files. A
// folder is written beside its name and renamed; what a killed process left is
// removed by the next one; and of what can be made again only that stays which
// was used last. Locks tell which folders are in use, so several processes may
// share a parent; it must not be one that other users can write to. It knows
// no content.
package cache

import (
	"cmp"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"time"

	"github.com/bakelite/bakelite/internal/flock"
)

const (
	// young is the age up to which a folder without a lock is left alone: its
	// maker may be about to lock it.
	young = time.Minute
	// maybeRead is how long after its last use a file, which has no lock, is
	// left alone: its user may be about to read it.
	maybeRead = time.Hour
	// removed ends the names of folders that are being removed.
	removed = ".removed"
)

// Folder is a folder of this process; nobody removes it while it is open.
type Folder struct {
	// Path is where it stands.
	Path string
	lock *os.File
}

// New makes a folder below parent, which is made for this user alone where it
// is missing, named by prefix and something random, and removes those with the
// prefix whose processes have ended.
func New(parent, prefix string) (*Folder, error) {
	if err := os.MkdirAll(parent, 0o700); err != nil {
		return nil, fmt.Errorf("making work folder: %w", err)
	}
	expire(parent, prefix, young)
	path, err := os.MkdirTemp(parent, prefix+"*")
	if err != nil {
		return nil, fmt.Errorf("making work folder: %w", err)
	}
	lock, err := take(path, flock.Exclusive)
	if err != nil {
		_ = os.RemoveAll(path)
		return nil, fmt.Errorf("making work folder: %w", err)
	}
	return &Folder{path, lock}, nil
}

// Close removes the folder; after Rename there is nothing left to remove.
func (f *Folder) Close() error {
	err := os.RemoveAll(f.Path)
	return errors.Join(err, f.lock.Close())
}

// Rename gives the folder its final name, where others may use it too. Where
// another process was faster, its folder has the name and this one is left to
// Close.
func (f *Folder) Rename(final string) error {
	if err := os.Rename(f.Path, final); err != nil && !errors.Is(err, fs.ErrExist) {
		return fmt.Errorf("naming folder: %w", err)
	}
	_, err := flock.Try(f.lock, flock.Shared) // nobody can hold a lock that this process has
	return err
}

// Use marks a folder as used now and keeps Trim from it until done is called.
// The error is fs.ErrNotExist where it is not there, or about to go.
func Use(path string) (done func(), err error) {
	lock, err := take(path, flock.Shared)
	if err != nil {
		return nil, err
	}
	Touch(path)
	return func() { _ = lock.Close() }, nil
}

// Discard removes a folder that does not count, so that another one can have
// its name. One that is not there is fine; one that is in use is an error.
func Discard(path string) error {
	if _, err := os.Lstat(path); errors.Is(err, fs.ErrNotExist) {
		return nil
	}
	lock, err := take(path, flock.Exclusive)
	if err != nil {
		return fmt.Errorf("removing a folder that does not count: %w", err)
	}
	defer lock.Close()
	gone := path + removed
	if err := errors.Join(os.RemoveAll(gone), os.Rename(path, gone)); err != nil {
		return fmt.Errorf("removing a folder that does not count: %w", err)
	}
	return os.RemoveAll(gone)
}

// Touch marks a file or folder as used now.
func Touch(path string) {
	now := time.Now()
	_ = os.Chtimes(path, now, now) // what cannot be written to is never removed either
}

// take opens and locks a folder that is still the one of its name.
func take(path string, how flock.Kind) (*os.File, error) {
	f, err := os.Open(path)
	if err != nil {
		return nil, err
	}
	taken, err := flock.Try(f, how)
	if err == nil && !taken {
		err = &fs.PathError{Op: "lock", Path: path, Err: fs.ErrNotExist}
	}
	if err != nil {
		_ = f.Close()
		return nil, err
	}
	ours, err := f.Stat()
	if err == nil {
		var there fs.FileInfo
		if there, err = os.Stat(path); err == nil && !os.SameFile(ours, there) {
			err = &fs.PathError{Op: "lock", Path: path, Err: fs.ErrNotExist}
		}
	}
	if err != nil {
		_ = f.Close()
		return nil, err
	}
	return f, nil
}

// Trim removes what stands below parent and was used least recently, but for
// the newest, folders that are in use, and files that were used within the
// hour; folders of New are not its concern where their prefix is among besides.
// Errors are left to the next Trim.
func Trim(parent string, newest int, besides ...string) {
	for _, e := range list(parent, func(name string) bool { return strings.HasSuffix(name, removed) }) {
		remove(filepath.Join(parent, e.Name()), e.IsDir())
	}
	entries := list(parent, func(name string) bool {
		return !slices.ContainsFunc(besides, func(prefix string) bool { return strings.HasPrefix(name, prefix) })
	})
	for _, e := range entries[min(newest, len(entries)):] {
		if e.IsDir() || time.Since(e.ModTime()) > maybeRead {
			remove(filepath.Join(parent, e.Name()), e.IsDir())
		}
	}
}

// TrimBytes removes the files below parent that were used least recently, until
// the others have no more than so many bytes together; the newest stays in any
// case, and folders are not its concern. Nothing tells which files are in use:
// whoever needs one opens it, and makes it again where it is gone.
func TrimBytes(parent string, bytes int64) {
	var sum int64
	for _, e := range list(parent, func(string) bool { return true }) {
		if !e.Mode().IsRegular() {
			continue
		}
		if sum += e.Size(); sum > bytes && sum > e.Size() {
			remove(filepath.Join(parent, e.Name()), false)
		}
	}
}

// Expire removes what stands below parent and was not used for an age, as
// Trim does.
func Expire(parent string, age time.Duration) { expire(parent, "", age) }

func expire(parent, prefix string, age time.Duration) {
	for _, e := range list(parent, func(name string) bool { return strings.HasPrefix(name, prefix) }) {
		if time.Since(e.ModTime()) > age {
			remove(filepath.Join(parent, e.Name()), e.IsDir())
		}
	}
}

// list lists what stands below parent, the newest first.
func list(parent string, want func(name string) bool) []fs.FileInfo {
	entries, _ := os.ReadDir(parent)
	var all []fs.FileInfo
	for _, e := range entries {
		if info, err := e.Info(); err == nil && want(e.Name()) {
			all = append(all, info)
		}
	}
	slices.SortFunc(all, func(a, b fs.FileInfo) int {
		return cmp.Or(b.ModTime().Compare(a.ModTime()), strings.Compare(a.Name(), b.Name()))
	})
	return all
}

// remove removes a file, or takes a folder that nobody holds away from its
// name and then removes it.
func remove(path string, folder bool) {
	if !folder {
		_ = os.Remove(path)
		return
	}
	lock, err := take(path, flock.Exclusive)
	if err != nil {
		return
	}
	defer lock.Close()
	if strings.HasSuffix(path, removed) {
		_ = os.RemoveAll(path)
		return
	}
	gone := path + removed
	if os.RemoveAll(gone) == nil && os.Rename(path, gone) == nil {
		_ = os.RemoveAll(gone)
	}
}
