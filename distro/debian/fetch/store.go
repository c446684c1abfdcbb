package fetch

import (
	"context"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"time"

	"github.com/google/renameio/v2"

	"github.com/bakelite/bakelite/distro/debian/content"
	"github.com/bakelite/bakelite/internal/cache"
	"github.com/bakelite/bakelite/internal/vouch"
)

// Store is the content-addressed cache folder.
type Store struct {
	// Dir is its root; the folders sha256, seed, apt, catalog, seen and tmp are in it.
	Dir string
	// Vouch notes what this user unpacked there.
	Vouch vouch.Key
}

// Path is where the content with a SHA-256 stands.
func (s Store) Path(sha string) string { return filepath.Join(s.Dir, "sha256", sha) }

// Verified says whether the store holds the content, read again and hashed. A
// damaged file stays until Put replaces it: another process may have done so
// since it was read.
func (s Store) Verified(want content.Entry) bool {
	f, err := os.Open(s.Path(want.SHA256))
	if err != nil {
		return false
	}
	defer f.Close()
	if content.Copy(io.Discard, f, want) != nil {
		return false
	}
	touch(f)
	return true
}

// touch marks a file as used, at most once in touchEach: an apt that runs takes
// a list whose date changes for another one, and fails.
func touch(f *os.File) {
	if info, err := f.Stat(); err == nil && time.Since(info.ModTime()) > touchEach {
		cache.Touch(f.Name())
	}
}

// Put writes what r holds, if it is the wanted content, else it gives
// content.ErrMismatch; nothing stays of a failed try. A file that holds it already stays: apt's folders, which another
// process may be reading, are known by the files in them.
func (s Store) Put(r io.Reader, want content.Entry) error {
	f, err := renameio.NewPendingFile(s.Path(want.SHA256), renameio.WithTempDir(filepath.Join(s.Dir, "tmp")), renameio.WithPermissions(0o600))
	if err != nil {
		return fmt.Errorf("writing the cache: %w", err)
	}
	defer f.Cleanup()
	if err := content.Copy(f, r, want); err != nil {
		return err
	}
	if s.Verified(want) {
		return nil
	}
	if err := f.CloseAtomicallyReplace(); err != nil {
		return fmt.Errorf("writing the cache: %w", err)
	}
	return nil
}

// Scratch makes a file that nobody else knows: what lies below a hash another
// process may have put there, and may be about to read.
func (s Store) Scratch() (*os.File, error) {
	f, err := os.CreateTemp(filepath.Join(s.Dir, "tmp"), "packed-")
	if err != nil {
		return nil, fmt.Errorf("writing the cache: %w", err)
	}
	return f, nil
}

// Rewrite makes f hold what r holds, if it is the wanted content, and stand at
// its beginning.
func Rewrite(f *os.File, r io.Reader, want content.Entry) error {
	if _, err := f.Seek(0, io.SeekStart); err != nil {
		return err
	}
	if err := f.Truncate(0); err != nil {
		return err
	}
	if err := content.Copy(f, r, want); err != nil {
		return err
	}
	_, err := f.Seek(0, io.SeekStart)
	return err
}

// Expire removes what no lock asked for in a long time, and what killed
// processes left.
func (s Store) Expire() {
	for _, kind := range []string{"sha256", "seed", "apt", "catalog"} {
		cache.Expire(filepath.Join(s.Dir, kind), unusedFor)
	}
	cache.Expire(filepath.Join(s.Dir, "tmp"), 24*time.Hour)
}

// unusedFor is how long a package stays that nobody uses; it may be gone from
// the mirrors by then.
const unusedFor = 90 * 24 * time.Hour

// touchEach is how exact the date of a file's last use is.
const touchEach = unusedFor / 3

// Seed makes the folder of an unpacked seed with fill, unless it is there as it
// was made; it appears whole or not at all.
func (s Store) Seed(ctx context.Context, key string, fill func(dir string) error) (string, error) {
	final := filepath.Join(s.Dir, "seed", key)
	holds, err := s.Vouch.Holds(ctx, vouch.Programs, key, final)
	if err != nil || holds {
		cache.Touch(final)
		return final, err
	}
	if err := s.Discard(final); err != nil {
		return "", err
	}
	return final, s.Build(final, func(dir string) error {
		if err := fill(dir); err != nil {
			return err
		}
		return s.Vouch.NoteTree(ctx, vouch.Programs, key, dir)
	})
}

// Build makes a folder with fill; where another process was faster, its folder
// stays.
func (s Store) Build(final string, fill func(dir string) error) error {
	temp, err := os.MkdirTemp(filepath.Join(s.Dir, "tmp"), "new-")
	if err != nil {
		return fmt.Errorf("writing the cache: %w", err)
	}
	defer os.RemoveAll(temp)
	if err := fill(temp); err != nil {
		return err
	}
	if err := os.Rename(temp, final); err != nil && !errors.Is(err, fs.ErrExist) {
		return fmt.Errorf("writing the cache: %w", err)
	}
	return nil
}

// Discard removes a folder that Build made; its name is free at once, so that
// others who make it again at the same time meet no half of it.
func (s Store) Discard(dir string) error {
	temp, err := os.MkdirTemp(filepath.Join(s.Dir, "tmp"), "old-")
	if err != nil {
		return fmt.Errorf("writing the cache: %w", err)
	}
	defer os.RemoveAll(temp)
	if err := os.Rename(dir, filepath.Join(temp, "old")); err != nil && !errors.Is(err, fs.ErrNotExist) {
		return fmt.Errorf("writing the cache: %w", err)
	}
	return nil
}
