package archive

import (
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"os"
	"path/filepath"
	"strings"
)

// aptHost is the host that apt is told the verified indexes came from; the
// top-level domain "invalid" never resolves (RFC 6761).
const aptHost = "archive.invalid"

// aptTree returns the folder in the cache that apt reads the snapshot from:
// lists, and sources that name them. apt keeps its parsed form there too.
func (c *Client) aptTree(s *Snapshot) (string, error) {
	key := sha256.New()
	fmt.Fprintln(key, "bakelite apt tree 1", s.Arch)
	for _, f := range s.files {
		fmt.Fprintln(key, f.source, f.signed.sha256, f.packages.sha256)
	}
	return c.store.build("apt", hex.EncodeToString(key.Sum(nil)), func(dir string) error {
		for _, sub := range []string{"lists/partial", "etc", "cache/archives/partial"} {
			if err := os.MkdirAll(filepath.Join(dir, sub), 0o700); err != nil {
				return err
			}
		}
		var sources strings.Builder
		for _, f := range s.files {
			// trusted: the signature was verified before the file came here.
			fmt.Fprintf(&sources, "deb [arch=%s trusted=yes] http://%s/%s %s %s\n", s.Arch, aptHost, f.archive, f.suite, f.component)
			base := filepath.Join(dir, "lists", fmt.Sprintf("%s_%s_dists_%s_", aptHost, f.archive, f.suite))
			if err := os.Link(f.inRelease, base+"InRelease"); err != nil {
				return err
			}
			if err := os.Link(f.packagesPath, fmt.Sprintf("%s%s_binary-%s_Packages", base, f.component, s.Arch)); err != nil {
				return err
			}
		}
		return os.WriteFile(filepath.Join(dir, "etc", "sources.list"), []byte(sources.String()), 0o600)
	})
}

// aptConfig says where one run of apt finds and leaves its files.
type aptConfig struct {
	// shared is the snapshot's folder, private the run's own.
	shared, private string
	seed            Seed
	arch            string
}

func (a aptConfig) file() string { return filepath.Join(a.private, "apt.conf") }

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
