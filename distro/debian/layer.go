package debian

import (
	"archive/tar"
	"context"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"runtime"
	"slices"
	"strings"

	"golang.org/x/sync/errgroup"

	"github.com/bakelite/bakelite/distro/debian/deb"
	"github.com/bakelite/bakelite/internal/fault"
	"github.com/bakelite/bakelite/internal/lock"
)

// seedLayout is part of a seed's key in the cache and changes when the same
// pins would make another tree.
const seedLayout = "bakelite seed 3"

// SeedLayer writes the seed as a tar stream: the packages' files as they are
// packed (modes, numeric owners, times), merged and sorted by name, with the
// folders and files that a system needs to have before dpkg runs. The same
// pins in any order make the same bytes. The packages must be in the cache
// (Fetch); a damaged or malformed one is a fault.Integrity.
func (c *Client) SeedLayer(ctx context.Context, w io.Writer, pins []lock.Pin) error {
	t, err := c.seedTree(ctx, pins)
	if err != nil {
		return fault.As(fault.Integrity, fmt.Errorf("making the seed: %w", err))
	}
	if err := t.write(w); err != nil {
		return fault.As(fault.Internal, fmt.Errorf("making the seed: %w", err))
	}
	return nil
}

// Seed is an unpacked seed: programs that run from its folder, unconfigured.
type Seed struct {
	// Dir is the seed's root folder in the cache.
	Dir string
	// Arch is the Debian architecture of its programs.
	Arch string
}

// UnpackSeed unpacks the seed's packages, which must be in the cache (Fetch),
// into the cache, or finds it there. Files belong to the caller and have no
// set-id bits. Errors are those of SeedLayer.
func (c *Client) UnpackSeed(ctx context.Context, pins []lock.Pin) (Seed, error) {
	seed := Seed{Arch: seedArch(pins)}
	var err error
	seed.Dir, err = c.store.seed(ctx, seedKey(pins), func(dir string) error {
		r, w := io.Pipe()
		go func() { w.CloseWithError(c.SeedLayer(ctx, w, pins)) }()
		defer r.Close()
		return extract(r, dir)
	})
	if err != nil {
		return Seed{}, fault.As(fault.Internal, fmt.Errorf("unpacking the seed: %w", err))
	}
	return seed, nil
}

func seedArch(pins []lock.Pin) string {
	for _, pin := range pins {
		if pin.Arch != "all" {
			return pin.Arch
		}
	}
	return ""
}

func seedKey(pins []lock.Pin) string {
	lines := []string{}
	for _, pin := range pins {
		lines = append(lines, pin.SHA256)
	}
	slices.Sort(lines)
	sum := sha256.Sum256([]byte(seedLayout + "\n" + strings.Join(lines, "\n")))
	return hex.EncodeToString(sum[:])
}

func (c *Client) seedTree(ctx context.Context, pins []lock.Pin) (tree, error) {
	pins = slices.Clone(pins)
	sortPins(pins)
	trees := make([]tree, len(pins))
	group, ctx := errgroup.WithContext(ctx)
	group.SetLimit(runtime.NumCPU())
	for i, pin := range pins {
		group.Go(func() (err error) {
			if ctx.Err() != nil {
				return ctx.Err()
			}
			if trees[i], err = c.readPin(pin); err != nil {
				return fmt.Errorf("reading the package %s %s: %w", pin.Name, pin.Version, err)
			}
			return nil
		})
	}
	if err := group.Wait(); err != nil {
		return nil, err
	}
	return assemble(pins, trees)
}

func (c *Client) readPin(pin lock.Pin) (tree, error) {
	if !c.store.verified(entry{sha256: pin.SHA256, size: pin.Size}) {
		return nil, fault.Hint(fault.New(fault.Integrity, "the cache does not hold it, or held a damaged copy that is now removed"), "Run the command again to download it.")
	}
	f, err := os.Open(c.Deb(pin))
	if err != nil {
		return nil, fault.New(fault.Internal, "reading the cache: %w", err)
	}
	defer f.Close()
	return readDeb(f, pin.Name)
}

// assemble merges the packages' trees, base-files first because it says how
// the top folders are, then by name.
func assemble(pins []lock.Pin, trees []tree) (tree, error) {
	whole := tree{}
	order := make([]int, len(pins))
	for i := range order {
		order[i] = i
	}
	slices.SortStableFunc(order, func(a, b int) int {
		return rank(pins[a].Name) - rank(pins[b].Name)
	})
	for _, i := range order {
		if err := whole.addAll(trees[i]); err != nil {
			return nil, err
		}
	}
	if err := whole.furnish(seedArch(pins)); err != nil {
		return nil, err
	}
	return whole, whole.complete()
}

func rank(name string) int {
	if name == "base-files" {
		return 0
	}
	return 1
}

// furnish adds what no package brings: the links of a merged /usr, mount
// points, the state of a dpkg that has installed nothing, and root.
func (t tree) furnish(arch string) error {
	newest := t.newest()
	add := func(kind byte, name, link string, mode int64, content string) error {
		n := &node{from: "the seed", header: tar.Header{Typeflag: kind, Name: name, Linkname: link, Mode: mode, ModTime: newest, Format: tar.FormatPAX}}
		if kind == tar.TypeReg {
			body := []byte(content)
			n.body = &body
		}
		return t.add(n)
	}
	links := []string{"bin", "lib", "sbin"}
	if arch == "amd64" {
		links = append(links, "lib64")
	}
	var failures []error
	for _, link := range links {
		failures = append(failures, add(tar.TypeSymlink, link, "usr/"+link, 0o777, ""), add(tar.TypeDir, "usr/"+link, "", 0o755, ""))
	}
	for name, mode := range seedFolders() {
		failures = append(failures, add(tar.TypeDir, name, "", mode, ""))
	}
	for name, content := range map[string]string{
		"etc/passwd": "root:x:0:0:root:/root:/bin/sh\n", "etc/group": "root:x:0:\n", "var/lib/dpkg/status": "",
	} {
		failures = append(failures, add(tar.TypeReg, name, "", 0o644, content))
	}
	// Bookworm's dash makes this link only when it is configured.
	if t["usr/bin/sh"] == nil && t["usr/bin/dash"] != nil {
		failures = append(failures, add(tar.TypeSymlink, "usr/bin/sh", "dash", 0o777, ""))
	}
	return errors.Join(failures...)
}

func seedFolders() map[string]int64 {
	return map[string]int64{
		"dev": 0o755, "proc": 0o555, "root": 0o700, "run": 0o755, "sys": 0o555, "tmp": 0o1777,
		"var/cache/apt/archives/partial": 0o755, "var/lib/apt/lists/partial": 0o755,
		"var/lib/dpkg/info": 0o755, "var/lib/dpkg/updates": 0o755, "var/lib/dpkg/triggers": 0o755,
		"var/lib/dpkg/alternatives": 0o755, "var/lib/dpkg/parts": 0o755, "var/log/apt": 0o755,
	}
}

// extract writes a tar stream below dir and nowhere else: os.Root follows no
// link out of it.
func extract(r io.Reader, dir string) error {
	root, err := os.OpenRoot(dir)
	if err != nil {
		return err
	}
	defer root.Close()
	in := tar.NewReader(r)
	for {
		h, err := in.Next()
		if err == io.EOF {
			return nil
		}
		if err == nil {
			err = extractOne(root, h, in)
		}
		if err != nil {
			return err
		}
	}
}

func extractOne(root *os.Root, h *tar.Header, body io.Reader) error {
	name := filepath.FromSlash(strings.TrimSuffix(h.Name, "/"))
	perm := fs.FileMode(h.Mode & 0o777)
	switch h.Typeflag {
	case tar.TypeDir:
		return root.MkdirAll(name, perm|0o700)
	case tar.TypeSymlink:
		if !deb.Contained(h.Name, h.Linkname) {
			return fmt.Errorf("link %q to %q leaves the tree", h.Name, h.Linkname)
		}
		return root.Symlink(h.Linkname, name)
	case tar.TypeLink:
		return root.Link(filepath.FromSlash(h.Linkname), name)
	}
	f, err := root.OpenFile(name, os.O_WRONLY|os.O_CREATE|os.O_EXCL, perm|0o600)
	if err != nil {
		return err
	}
	if _, err := io.Copy(f, body); err != nil {
		f.Close()
		return err
	}
	return f.Close()
}
