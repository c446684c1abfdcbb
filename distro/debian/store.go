package debian

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

	"github.com/bakelite/bakelite/internal/cache"
	"github.com/bakelite/bakelite/internal/vouch"
)

// files is the content-addressed cache folder.
type files struct {
	dir   string
	vouch vouch.Key
}

func (s files) path(sha string) string { return filepath.Join(s.dir, "sha256", sha) }

// verified says whether the store holds the content, read again and hashed. A
// damaged file stays until put replaces it: another process may have done so
// since it was read.
func (s files) verified(want entry) bool {
	f, err := os.Open(s.path(want.sha256))
	if err != nil {
		return false
	}
	defer f.Close()
	if checked(io.Discard, f, want) != nil {
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

// put writes what r holds, if it is the wanted content; nothing stays of a
// failed try. A file that holds it already stays: apt's folders, which another
// process may be reading, are known by the files in them.
func (s files) put(r io.Reader, want entry) error {
	f, err := renameio.NewPendingFile(s.path(want.sha256), renameio.WithTempDir(filepath.Join(s.dir, "tmp")), renameio.WithPermissions(0o600))
	if err != nil {
		return fmt.Errorf("writing the cache: %w", err)
	}
	defer f.Cleanup()
	if err := checked(f, r, want); err != nil {
		return err
	}
	if s.verified(want) {
		return nil
	}
	if err := f.CloseAtomicallyReplace(); err != nil {
		return fmt.Errorf("writing the cache: %w", err)
	}
	return nil
}

// scratch makes a file that nobody else knows: what lies below a hash another
// process may have put there, and may be about to read.
func (s files) scratch() (*os.File, error) {
	f, err := os.CreateTemp(filepath.Join(s.dir, "tmp"), "packed-")
	if err != nil {
		return nil, fmt.Errorf("writing the cache: %w", err)
	}
	return f, nil
}

// rewrite makes f hold what r holds, if it is the wanted content, and stand at
// its beginning.
func rewrite(f *os.File, r io.Reader, want entry) error {
	if _, err := f.Seek(0, io.SeekStart); err != nil {
		return err
	}
	if err := f.Truncate(0); err != nil {
		return err
	}
	if err := checked(f, r, want); err != nil {
		return err
	}
	_, err := f.Seek(0, io.SeekStart)
	return err
}

// expire removes what no lock asked for in a long time, and what killed
// processes left.
func (s files) expire() {
	for _, kind := range []string{"sha256", "seed", "apt", "catalog"} {
		cache.Expire(filepath.Join(s.dir, kind), unusedFor)
	}
	cache.Expire(filepath.Join(s.dir, "tmp"), 24*time.Hour)
}

// unusedFor is how long a package stays that nobody uses; it may be gone from
// the mirrors by then.
const unusedFor = 90 * 24 * time.Hour

// touchEach is how exact the date of a file's last use is.
const touchEach = unusedFor / 3

// seed makes the folder of an unpacked seed with fill, unless it is there as it
// was made; it appears whole or not at all.
func (s files) seed(ctx context.Context, key string, fill func(dir string) error) (string, error) {
	final := filepath.Join(s.dir, "seed", key)
	holds, err := s.vouch.Holds(ctx, vouch.Programs, key, final)
	if err != nil || holds {
		cache.Touch(final)
		return final, err
	}
	if err := s.discard(final); err != nil {
		return "", err
	}
	return final, s.build(final, func(dir string) error {
		if err := fill(dir); err != nil {
			return err
		}
		return s.vouch.NoteTree(ctx, vouch.Programs, key, dir)
	})
}

// build makes a folder with fill; where another process was faster, its folder
// stays.
func (s files) build(final string, fill func(dir string) error) error {
	temp, err := os.MkdirTemp(filepath.Join(s.dir, "tmp"), "new-")
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

// discard removes a folder that build made; its name is free at once, so that
// others who make it again at the same time meet no half of it.
func (s files) discard(dir string) error {
	temp, err := os.MkdirTemp(filepath.Join(s.dir, "tmp"), "old-")
	if err != nil {
		return fmt.Errorf("writing the cache: %w", err)
	}
	defer os.RemoveAll(temp)
	if err := os.Rename(dir, filepath.Join(temp, "old")); err != nil && !errors.Is(err, fs.ErrNotExist) {
		return fmt.Errorf("writing the cache: %w", err)
	}
	return nil
}
