package vouch

import (
	"crypto/rand"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"syscall"

	"github.com/bakelite/bakelite/internal/fault"
)

const (
	// file is the key's name in the state folder.
	file = "vouch.key"
	// keyBytes is its size.
	keyBytes = 32
)

// Open returns the key of a state folder, which is made where there is none.
// A key that others can read, or that another user owns, is fault.Policy; a
// folder that cannot be written to fault.Invalid.
func Open(state string) (Key, error) {
	path := filepath.Join(state, file)
	secret, err := read(path)
	if errors.Is(err, fs.ErrNotExist) {
		if err = create(path); err == nil {
			secret, err = read(path)
		}
	}
	if err != nil {
		return Key{}, fault.As(fault.Invalid, fmt.Errorf("reading the key of the state folder: %w", err))
	}
	return Key{mac: macWith(secret), notes: filepath.Join(state, folder)}, nil
}

func read(path string) ([]byte, error) {
	f, err := os.OpenFile(path, os.O_RDONLY|syscall.O_NOFOLLOW|syscall.O_NONBLOCK, 0)
	if err != nil {
		return nil, err
	}
	defer f.Close()
	info, err := f.Stat()
	if err != nil {
		return nil, err
	}
	stat, ok := info.Sys().(*syscall.Stat_t)
	if !ok || !info.Mode().IsRegular() || info.Size() != keyBytes || info.Mode().Perm()&0o077 != 0 || int(stat.Uid) != os.Geteuid() {
		err := fault.New(fault.Policy, "%s is no file of %d bytes that this user alone can read", path, keyBytes)
		return nil, fault.Hint(err, "remove it: another one is made, and what the old one vouched for is made again")
	}
	secret := make([]byte, keyBytes)
	_, err = io.ReadFull(f, secret)
	return secret, err
}

// create makes a key beside its name and links it there, so that of two
// processes that do so at once both read the same one.
func create(path string) error {
	f, err := os.CreateTemp(filepath.Dir(path), "."+file+"-*") // mode 0600
	if err != nil {
		return err
	}
	defer os.Remove(f.Name())
	secret := make([]byte, keyBytes)
	_, _ = rand.Read(secret) // it never fails
	_, err = f.Write(secret)
	if err = errors.Join(err, f.Sync(), f.Close()); err != nil {
		return err
	}
	if err := os.Link(f.Name(), path); err != nil && !errors.Is(err, fs.ErrExist) {
		return err
	}
	return nil
}
