package debian

import (
	"fmt"
	"maps"
	"os"
	"path/filepath"
	"slices"
	"strings"

	"github.com/bakelite/bakelite/distro/debian/control"
)

// aptHost is the host that apt is told the verified indexes came from; the
// top-level domain "invalid" never resolves (RFC 6761).
const aptHost = "archive.invalid"

// aptTree returns the folder in the cache that apt reads the snapshot from:
// lists, and sources that name them. apt keeps its parsed form there too. A
// folder whose lists are not the verified files is made again.
func (c *Client) aptTree(s *Snapshot) (string, error) {
	name := s.key()
	build := func() (string, error) {
		return c.store.build("apt", name, func(dir string) error { return s.fillAptTree(dir) })
	}
	dir, err := build()
	if err != nil || s.currentAptTree(dir) {
		return dir, err
	}
	if err := c.store.discard(dir); err != nil {
		return "", err
	}
	return build()
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
	return true
}

func (s *Snapshot) fillAptTree(dir string) error {
	for _, sub := range []string{"lists/partial", "etc", "cache/archives/partial"} {
		if err := os.MkdirAll(filepath.Join(dir, sub), 0o700); err != nil {
			return err
		}
	}
	for name, verified := range s.aptLists() {
		if err := os.Link(verified, filepath.Join(dir, "lists", name)); err != nil {
			return err
		}
	}
	var sources strings.Builder
	for _, f := range s.files {
		// trusted: the signature was verified before the file came here.
		fmt.Fprintf(&sources, "deb [arch=%s trusted=yes] http://%s/%s %s %s\n", s.Arch, aptHost, f.archive, f.suite, f.component)
	}
	return os.WriteFile(filepath.Join(dir, "etc", "sources.list"), []byte(sources.String()), 0o600)
}

// aptConfig says where one run of apt finds and leaves its files.
type aptConfig struct {
	// shared is the snapshot's folder, private the run's own.
	shared, private string
	seed            Seed
	arch            string
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
		{"Dir::State::lists", filepath.Join(a.shared, "lists")},
		{"Dir::Cache", filepath.Join(a.shared, "cache")},
		{"Dir::Cache::pkgcache", ""},
		{"Dir::Cache::srcpkgcache", filepath.Join(a.shared, "cache", "srcpkgcache.bin")},
		{"Dir::Etc", filepath.Join(a.private, "etc")},
		{"Dir::Etc::sourcelist", filepath.Join(a.shared, "etc", "sources.list")},
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
