// Package vouch authenticates what earlier commands of this user noted down:
// what is in a receipt, and what is in the parts that the next command uses
// again. A note is bound by a MAC to a key that lies in the private state
// folder, to a purpose and to a name. Whoever can write to a cache or to
// results, but does not have the key, can take notes away, which costs time,
// and make none; who can write to the state folder itself can put an older note
// back beside what it spoke of. It refuses a key that others can read. It signs
// nothing for others: see publish/attest. Flows, stages and commands may import
// it.
package vouch

import (
	"cmp"
	"context"
	"crypto/hmac"
	"crypto/sha256"
	"encoding/binary"
	"encoding/hex"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"time"

	"github.com/google/renameio/v2"

	"github.com/bakelite/bakelite/internal/cache"
	"github.com/bakelite/bakelite/internal/fault"
	"github.com/bakelite/bakelite/internal/regular"
)

// Purpose keeps one kind of notes from standing for another.
type Purpose string

// What is vouched for.
const (
	Receipt     Purpose = "receipt"         // a receipt, by the digest of its file
	Publication Purpose = "publication"     // what says what was published, by its file
	Judged      Purpose = "judged artifact" // what the scanner saw and the gate said, by its file
	Clock       Purpose = "clock of fixes"  // how long fixes took, by its file
	Memory      Purpose = "fleet memory"    // what earlier looks at apps found
	Journal     Purpose = "fleet run"       // what became of the apps of a plan, by the run's file
	Packed      Purpose = "packed disk"     // a disk file's packed form
	Part        Purpose = "disk part"       // a part that disks are put together from
	Layout      Purpose = "seed layout"     // the image that a seed's layout names
	Tree        Purpose = "tree program"    // the image of the program that works on trees
	Programs    Purpose = "seed programs"   // a seed unpacked for this machine
	Resolver    Purpose = "apt cache"       // what apt parsed of an index
	Catalog     Purpose = "catalog"         // an index in its compact form
	Firsts      Purpose = "first seen"      // what came to a suite when, by the file's content
	Entry       Purpose = "scanner entry"   // what the scanner found in a tree
	Database    Purpose = "vulnerabilities" // the scanner's database
	Channel     Purpose = "channel record"  // the last record of a channel, by its number and digest
)

const (
	// folder is that of the notes, below the state folder.
	folder = "vouched"
	// maxNote bounds a note, in bytes.
	maxNote = 4 << 10
	// kept is how long a note stays that nobody used: longer than anything
	// that it may be about.
	kept = 180 * 24 * time.Hour
)

// Key vouches. The zero value notes nothing and finds nothing.
type Key struct {
	// mac is a function so that nothing prints the key.
	mac   func(parts ...string) string
	notes string
}

// Note keeps a value of some hundred bytes, on one line, under a purpose and a
// name; an older value of that name is no longer there.
func (k Key) Note(p Purpose, name, value string) error {
	if k.mac == nil {
		return nil
	}
	if strings.ContainsAny(value, "\n") || len(value) > maxNote/2 {
		return fault.New(fault.Internal, "a note of %d bytes or several lines about %s", len(value), p)
	}
	if err := os.MkdirAll(k.notes, 0o700); err != nil {
		return fmt.Errorf("making folder for notes: %w", err)
	}
	text := value + "\n" + k.mac(string(p), name, value) + "\n"
	if err := renameio.WriteFile(k.path(p, name), []byte(text), 0o600); err != nil {
		return fmt.Errorf("noting what was made: %w", err)
	}
	return nil
}

// Noted returns what was noted under a purpose and a name, where it was noted
// with this key.
func (k Key) Noted(p Purpose, name string) (value string, ok bool) {
	if k.mac == nil {
		return "", false
	}
	path := k.path(p, name)
	text, err := regular.ReadFile(path, maxNote)
	value, mac, found := strings.Cut(strings.TrimSuffix(string(text), "\n"), "\n")
	if err != nil || !found || !hmac.Equal([]byte(mac), []byte(k.mac(string(p), name, value))) {
		return "", false
	}
	cache.Touch(path)
	return value, true
}

// NoteTree notes what a file or folder holds.
func (k Key) NoteTree(ctx context.Context, p Purpose, name, path string) error {
	if k.mac == nil {
		return nil
	}
	digest, err := tree(ctx, path)
	if err != nil {
		return err
	}
	return k.Note(p, name, digest)
}

// Holds says whether a file or folder holds what was noted. It reads all of
// it; only an ended context is an error.
func (k Key) Holds(ctx context.Context, p Purpose, name, path string) (bool, error) {
	want, noted := k.Noted(p, name)
	if !noted {
		return false, nil
	}
	got, err := tree(ctx, path)
	return err == nil && got == want, ctx.Err()
}

// Use is cache.Use for a folder that holds what was noted. One that holds
// anything else is removed, so that its name is free.
func (k Key) Use(ctx context.Context, p Purpose, name, path string) (done func(), err error) {
	done, err = cache.Use(path)
	if err != nil {
		return nil, err
	}
	holds, err := k.Holds(ctx, p, name, path)
	if holds {
		return done, nil
	}
	done()
	if err == nil {
		err = cmp.Or(cache.Discard(path), fs.ErrNotExist)
	}
	return nil, err
}

// Expire removes notes that nobody used for half a year.
func (k Key) Expire() {
	if k.mac != nil {
		cache.Expire(k.notes, kept)
	}
}

func (k Key) path(p Purpose, name string) string {
	return filepath.Join(k.notes, k.mac("name", string(p), name)[:sha256.Size])
}

// macWith returns the MAC of texts; none can be taken for two.
func macWith(secret []byte) func(parts ...string) string {
	return func(parts ...string) string {
		h := hmac.New(sha256.New, secret)
		for _, part := range parts {
			_ = binary.Write(h, binary.BigEndian, uint64(len(part))) // a hash takes all
			h.Write([]byte(part))
		}
		return hex.EncodeToString(h.Sum(nil))
	}
}
