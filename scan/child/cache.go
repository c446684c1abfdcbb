package child

import (
	"bytes"
	"context"
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"os"
	"path/filepath"
	"regexp"
	"syscall"

	"github.com/google/renameio/v2"

	age "github.com/bakelite/bakelite/internal/cache"
	"github.com/bakelite/bakelite/internal/fault"
	"github.com/bakelite/bakelite/internal/regular"
	"github.com/bakelite/bakelite/internal/vouch"
	"github.com/bakelite/bakelite/scan/protocol"
)

// cache is a folder with what was found in trees. Only this process writes
// it: a child sees, read-only, the entries of what it is to scan, and hands
// back those that are missing. Where an entry comes from is in its name
// (scope), so a child that its content took over lies about that content
// alone. What others put there counts for nothing. The zero value keeps
// nothing.
type cache struct {
	folder string
	vouch  vouch.Key
}

// ready makes the folder, takes it back from whom an earlier version gave it
// to, and returns it by its full name.
func (c cache) ready() (cache, error) {
	if err := os.MkdirAll(c.folder, 0o700); err != nil {
		return c, fault.As(fault.Missing, fmt.Errorf("making cache: %w", err))
	}
	err := os.Chown(c.folder, os.Geteuid(), -1)
	if err == nil {
		err = os.Chmod(c.folder, 0o700)
	}
	if err != nil {
		return c, fault.Hint(fault.As(fault.Missing, fmt.Errorf("owning cache: %w", err)), "remove %s: it belongs to another user", c.folder)
	}
	return c, absolute(&c.folder)
}

// knownTrees returns what there is of the roots' trees, and the names of the
// rest.
func (c cache) knownTrees(ctx context.Context, roots []protocol.Root, limits protocol.Limits) ([][]protocol.Known, error) {
	if c.folder == "" {
		return nil, nil
	}
	c, err := c.ready()
	if err != nil {
		return nil, err
	}
	names, err := scopes(ctx, roots, limits.Filled())
	if err != nil {
		return nil, err
	}
	all := make([][]protocol.Known, len(names))
	for i, trees := range names {
		for _, name := range trees {
			k := protocol.Known{Name: name}
			if name != "" && c.vouched(name) {
				k.Path = c.file(name)
				age.Touch(k.Path)
			}
			all[i] = append(all[i], k)
		}
	}
	return all, nil
}

func (c cache) file(name string) string { return filepath.Join(c.folder, name+".json") }

// vouched says that an entry is what this cache wrote.
func (c cache) vouched(name string) bool {
	if !ownEntry(c.file(name)) {
		return false
	}
	text, err := regular.ReadFile(c.file(name), protocol.MaxEntries)
	want, noted := c.vouch.Noted(vouch.Entry, name)
	return err == nil && noted && want == sumOf(text)
}

func sumOf(text []byte) string {
	sum := sha256.Sum256(text)
	return hex.EncodeToString(sum[:])
}

// ownEntry says that a file is a regular one that nobody but this user writes.
func ownEntry(file string) bool {
	info, err := os.Lstat(file)
	if err != nil || !info.Mode().IsRegular() || info.Mode().Perm()&0o022 != 0 {
		return false
	}
	stat, ok := info.Sys().(*syscall.Stat_t)
	return ok && stat.Uid == uint32(os.Geteuid())
}

// keep writes entries that accept has let pass. A cache that cannot be
// written to only costs time.
func (c cache) keep(entries []protocol.Entry) {
	for _, e := range entries {
		if text := e.Text(); writeEntry(c.file(e.Name), text) == nil {
			_ = c.vouch.Note(vouch.Entry, e.Name, sumOf(text))
		}
	}
	if len(entries) > 0 {
		age.Trim(c.folder, keptEntries)
	}
}

// keptEntries is how many entries stay, those used last; each is of one layer
// or disk and has some 10 to 1000 kB.
const keptEntries = 2048

// writeEntry makes a file beside another and puts it in its place. Whoever the
// child becomes may read it, in a folder that is ours; what modes the old one
// had does not count.
func writeEntry(file string, text []byte) error {
	f, err := renameio.NewPendingFile(file, renameio.WithTempDir(filepath.Dir(file)), renameio.WithStaticPermissions(0o644))
	if err != nil {
		return err
	}
	defer func() { _ = f.Cleanup() }()
	if _, err := f.Write(text); err != nil {
		return err
	}
	return f.CloseAtomicallyReplace()
}

var makers = regexp.MustCompile(`^[0-9a-f]{64}$`)

// accept refuses entries that nobody asked for: of other content, twice, out
// of the order that the trees are read in, too large together, or of another
// form.
func accept(entries []protocol.Entry, known [][]protocol.Known) error {
	wrong := func(format string, args ...any) error {
		err := fault.New(fault.Integrity, "the scanner hands over "+format, args...)
		return fault.Hint(err, "nothing of it was kept; look at what it scans: content made to take scanners over is a reason")
	}
	awaited, size := asked(known), 0
	for _, e := range entries {
		for len(awaited) > 0 && awaited[0] != e.Name {
			awaited = awaited[1:]
		}
		if len(awaited) == 0 {
			return wrong("an entry for the cache that is not of what it was asked to read next: %.100q", e.Name)
		}
		awaited = awaited[1:]
		size += len(e.Body)
		if size > protocol.MaxEntries || !makers.MatchString(e.Maker) || !bytes.HasPrefix(e.Body, []byte("{")) {
			return wrong("an entry for the cache of a wrong form: %d bytes by %.100q", len(e.Body), e.Maker)
		}
	}
	return nil
}

// asked returns the names of the entries that a child may hand over, in their
// order.
func asked(known [][]protocol.Known) []string {
	var names []string
	for _, trees := range known {
		for _, k := range trees {
			if k.Name != "" {
				names = append(names, k.Name)
			}
		}
	}
	return names
}
