package debian

import (
	"context"
	"crypto/rand"
	"fmt"
	"maps"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync"

	"github.com/bakelite/bakelite/distro/debian/control"
	"github.com/bakelite/bakelite/internal/cache"
	"github.com/bakelite/bakelite/internal/vouch"
)

// aptHost is the host that apt is told the verified indexes came from; the
// top-level domain "invalid" never resolves (RFC 6761).
const aptHost = "archive.invalid"

// aptTree is what apt reads a snapshot from: a folder with lists, and sources
// that name them, and one of this process with apt's parsed form of them.
type aptTree struct {
	dir    string
	parsed *cache.Folder
	// keep keeps the parsed form for the next process, once apt has made it.
	keep func()
}

// aptTree returns the tree of a snapshot. A folder whose lists and sources are
// not the verified ones is made again. The parsed form of an earlier process
// counts where it was vouched for.
func (c *Client) aptTree(ctx context.Context, s *Snapshot) (*aptTree, error) {
	name := s.key()
	return c.aptTrees.Do(ctx, name, func() (*aptTree, error) {
		t := &aptTree{dir: filepath.Join(c.store.Dir, "apt", name)}
		if !s.currentAptTree(t.dir) {
			if err := c.store.Discard(t.dir); err != nil {
				return nil, err
			}
			if err := c.store.Build(t.dir, s.fillAptTree); err != nil {
				return nil, err
			}
		}
		cache.Touch(t.dir)
		var err error
		if t.parsed, err = cache.New(filepath.Join(c.store.Dir, "tmp"), "parsed-"); err != nil { // it ends with the process
			return nil, err
		}
		return t, c.parsedBefore(ctx, t, name)
	})
}

// parsedFile is the name that apt's parsed form of all lists has.
const parsedFile = "srcpkgcache.bin"

// parsedBefore takes over what an earlier process had parsed, or has this one
// keep it. Where keeping fails the next process parses again.
func (c *Client) parsedBefore(ctx context.Context, t *aptTree, name string) error {
	kept := t.dir + ".parsed"
	holds, err := c.store.Vouch.Holds(ctx, vouch.Resolver, name, kept)
	if err != nil {
		return err
	}
	if holds && os.Link(kept, filepath.Join(t.parsed.Path, parsedFile)) == nil {
		cache.Touch(kept)
		t.keep = func() {}
		return nil
	}
	t.keep = sync.OnceFunc(func() {
		beside := kept + "." + rand.Text()
		if os.Link(filepath.Join(t.parsed.Path, parsedFile), beside) == nil && c.store.Vouch.NoteTree(ctx, vouch.Resolver, name, beside) == nil {
			_ = os.Rename(beside, kept)
		}
		_ = os.Remove(beside)
	})
	return nil
}

// aptLists maps the names of apt's list files to the verified files.
func (s *Snapshot) aptLists() map[string]string {
	lists := map[string]string{}
	for _, f := range s.files {
		base := fmt.Sprintf("%s_%s_dists_%s_", aptHost, f.archive, f.suite)
		lists[base+"InRelease"] = f.inRelease
		lists[fmt.Sprintf("%s%s_binary-%s_Packages", base, f.component, s.Arch)] = f.packagesPath
	}
	return lists
}

func (s *Snapshot) currentAptTree(dir string) bool {
	for name, verified := range s.aptLists() {
		a, err1 := os.Stat(filepath.Join(dir, "lists", name))
		b, err2 := os.Stat(verified)
		if err1 != nil || err2 != nil || !os.SameFile(a, b) {
			return false
		}
	}
	sources, err := os.ReadFile(filepath.Join(dir, "etc", "sources.list"))
	return err == nil && string(sources) == s.aptSources()
}

func (s *Snapshot) fillAptTree(dir string) error {
	for _, sub := range []string{"lists/partial", "etc"} {
		if err := os.MkdirAll(filepath.Join(dir, sub), 0o700); err != nil {
			return err
		}
	}
	for name, verified := range s.aptLists() {
		if err := os.Link(verified, filepath.Join(dir, "lists", name)); err != nil {
			return err
		}
	}
	return os.WriteFile(filepath.Join(dir, "etc", "sources.list"), []byte(s.aptSources()), 0o600)
}

// aptSources names the lists for apt.
func (s *Snapshot) aptSources() string {
	var sources strings.Builder
	for _, f := range s.files {
		// trusted: the signature was verified before the file came here.
		fmt.Fprintf(&sources, "deb [arch=%s trusted=yes] http://%s/%s %s %s\n", s.Arch, aptHost, f.archive, f.suite, f.component)
	}
	return sources.String()
}

// aptConfig says where one run of apt finds and leaves its files.
type aptConfig struct {
	// tree is the snapshot's, private the run's own folder.
	tree    *aptTree
	private string
	seed    Seed
	arch    string
}

func (a aptConfig) file() string { return filepath.Join(a.private, "apt.conf") }

// keep writes preferences by which packages stay at a version, even one that is
// older than what else is there (apt_preferences(5)).
func (a aptConfig) keep(versions map[string]string) error {
	if len(versions) == 0 {
		return nil
	}
	var text strings.Builder
	for _, name := range slices.Sorted(maps.Keys(versions)) {
		if !control.ValidName(name) || strings.ContainsAny(versions[name], " \t\n*/") {
			return fmt.Errorf("%q cannot be kept at the version %q", name, versions[name])
		}
		fmt.Fprintf(&text, "Package: %s\nPin: version %s\nPin-Priority: 1001\n\n", name, versions[name])
	}
	dir := filepath.Join(a.private, "etc")
	if err := os.MkdirAll(dir, 0o700); err != nil {
		return err
	}
	return os.WriteFile(filepath.Join(dir, "preferences"), []byte(text.String()), 0o600)
}

// write writes the configuration: nothing of the machine's own apt counts.
func (a aptConfig) write() error {
	settings := [][2]string{
		{"APT::Architecture", a.arch},
		{"APT::Architectures", a.arch},
		{"APT::Install-Recommends", "false"},
		{"APT::Install-Suggests", "false"},
		{"APT::Solver", "internal"},
		{"Debug::NoLocking", "true"},
		{"Acquire::Languages", "none"},
		{"Dir", a.private},
		{"Dir::Ignore-Files-Silently::", "."},
		{"Dir::State", a.private},
		{"Dir::State::status", filepath.Join(a.private, "status")},
		{"Dir::State::extended_states", filepath.Join(a.private, "extended_states")},
		{"Dir::State::lists", filepath.Join(a.tree.dir, "lists")},
		{"Dir::Cache", a.tree.parsed.Path},
		{"Dir::Cache::pkgcache", ""},
		{"Dir::Cache::srcpkgcache", filepath.Join(a.tree.parsed.Path, parsedFile)},
		{"Dir::Etc", filepath.Join(a.private, "etc")},
		{"Dir::Etc::sourcelist", filepath.Join(a.tree.dir, "etc", "sources.list")},
		{"Dir::Log", a.private},
		{"Dir::Bin::dpkg", filepath.Join(a.seed.Dir, "usr/bin/dpkg")},
	}
	var text strings.Builder
	for _, s := range settings {
		if strings.ContainsAny(s[1], "\"\n;{}") {
			return fmt.Errorf("the path %q cannot be written in apt's configuration", s[1])
		}
		fmt.Fprintf(&text, "%s \"%s\";\n", s[0], s[1])
	}
	return os.WriteFile(a.file(), []byte(text.String()), 0o600)
}
