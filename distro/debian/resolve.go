package debian

import (
	"cmp"
	"context"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"runtime"
	"slices"
	"strings"
	"time"

	"github.com/bakelite/bakelite/internal/fault"
	"github.com/bakelite/bakelite/internal/lock"
	"github.com/bakelite/bakelite/internal/program"
)

const (
	// resolveTimeout bounds one run of apt's resolver; a run takes about a
	// second once its cache is there.
	resolveTimeout = 2 * time.Minute
	// maxResolverOutput bounds what is kept of the resolver's output, in bytes.
	maxResolverOutput = 8 << 20
	// maxProviders bounds the packages that a hint names.
	maxProviders = 8
)

// Installed is what a system has already: the text of its dpkg status file,
// where there is one, and packages of the snapshot.
type Installed struct {
	Status []byte
	Pins   []lock.Pin
	// Keep are versions that packages stay at although there may be newer ones,
	// by name, whether they are installed or to be.
	Keep map[string]string
}

// Resolve returns the packages that must be added to the installed ones so
// that names are installed, as apt-get without recommended packages decides,
// sorted by name. It runs the seed's apt-get from the cache, with no root and
// no network. A name that the archive does not have and names that cannot be
// installed together are a fault.Invalid; so are installed pins that are not
// in the snapshot. The client remembers the answer.
func (c *Client) Resolve(ctx context.Context, s *Snapshot, seed Seed, installed Installed, names []string) ([]lock.Pin, error) {
	names = slices.Sorted(slices.Values(names))
	pins, err := c.plans.Do(ctx, planKey(s, seed, installed, names), func() ([]lock.Pin, error) {
		return c.resolve(ctx, s, seed, installed, names)
	})
	return slices.Clone(pins), err
}

func planKey(s *Snapshot, seed Seed, installed Installed, names []string) string {
	key := sha256.New()
	fmt.Fprintf(key, "%s %s %x %q\n", s.key(), seed.Dir, sha256.Sum256(installed.Status), names)
	fmt.Fprintf(key, "%q\n", installed.Keep) // sorted by name
	for _, pin := range installed.Pins {
		fmt.Fprintln(key, pin.Name, pin.Version, pin.Arch, pin.SHA256)
	}
	return hex.EncodeToString(key.Sum(nil))
}

func (c *Client) resolve(ctx context.Context, s *Snapshot, seed Seed, installed Installed, names []string) ([]lock.Pin, error) {
	if len(names) == 0 {
		return nil, nil
	}
	if err := s.checkNames(names); err != nil {
		return nil, err
	}
	tree, err := c.aptTree(ctx, s)
	if err != nil {
		return nil, fault.As(fault.Internal, fmt.Errorf("preparing apt's resolver: %w", err))
	}
	private, err := os.MkdirTemp(filepath.Join(c.store.Dir, "tmp"), "resolve-")
	if err != nil {
		return nil, fault.New(fault.Internal, "preparing apt's resolver: %w", err)
	}
	defer os.RemoveAll(private)
	if err := s.writeStatus(filepath.Join(private, "status"), installed); err != nil {
		return nil, fmt.Errorf("preparing apt's resolver: %w", err)
	}
	config := aptConfig{tree: tree, private: private, seed: seed, arch: s.Arch}
	if err := errors.Join(config.write(), config.keep(installed.Keep)); err != nil {
		return nil, fault.New(fault.Internal, "preparing apt's resolver: %w", err)
	}
	out, err := runApt(ctx, config, append([]string{"install", "--"}, names...))
	if err != nil {
		return nil, err
	}
	tree.keep()
	return s.parsePlan(out)
}

// checkNames says which names the snapshot does not have, and which ones
// several packages provide, so that the choice is the user's.
func (s *Snapshot) checkNames(names []string) error {
	var problems, hints []string
	for _, name := range names {
		if len(s.index.ByName[name]) > 0 {
			continue
		}
		switch providers := s.providersOf(name); len(providers) {
		case 0:
			problems = append(problems, fmt.Sprintf("there is no package %q", name))
			if near := s.Nearest(name); len(near) > 0 {
				hints = append(hints, fmt.Sprintf("Instead of %q, did you mean %s?", name, strings.Join(near, ", ")))
			}
		case 1:
		default:
			problems = append(problems, fmt.Sprintf("%q stands for any of %d packages", name, len(providers)))
			hints = append(hints, fmt.Sprintf("Instead of %q, name one of %s.", name, strings.Join(providers[:min(len(providers), maxProviders)], ", ")))
		}
	}
	if len(problems) == 0 {
		return nil
	}
	err := fault.New(fault.Invalid, "%s in %s (%s)", strings.Join(problems, ", "), s.Suite, s.Arch)
	return fault.Hint(err, "%s", cmp.Or(strings.Join(hints, " "), "Only the component main counts; look the name up in the distribution's package search."))
}

// providersOf returns the names of the packages that provide name, sorted.
func (s *Snapshot) providersOf(name string) []string {
	var names []string
	for _, p := range s.index.Providers[name] {
		names = append(names, p.Name)
	}
	slices.Sort(names)
	return slices.Compact(names)
}

// runApt runs the seed's apt-get by the seed's own loader. It asks for the
// addresses of what would be downloaded, which takes apt half the time of a
// simulation and changes as little.
func runApt(ctx context.Context, config aptConfig, args []string) ([]byte, error) {
	loader, triplet, err := loaderOf(config.seed)
	if err != nil {
		return nil, err
	}
	lib := filepath.Join(config.seed.Dir, "usr/lib", triplet)
	result, err := program.Run(ctx, program.Command{
		Path: filepath.Join(lib, loader),
		Args: append([]string{"--library-path", lib, filepath.Join(config.seed.Dir, "usr/bin/apt-get"),
			"--print-uris", "--quiet=1", "--assume-yes"}, args...),
		Dir:     config.private,
		Env:     []string{"LC_ALL=C", "APT_CONFIG=" + config.file(), "TMPDIR=" + config.private, "HOME=" + config.private},
		Timeout: resolveTimeout,
		Limit:   maxResolverOutput,
	})
	var exit *program.ExitError
	switch {
	case errors.As(err, &exit):
		return nil, refusal(result.Stdout, exit.Stderr)
	case err != nil:
		return nil, fault.As(fault.Internal, fmt.Errorf("running apt's resolver: %w", err))
	case result.Truncated:
		return nil, fault.New(fault.Internal, "running apt's resolver: its output is larger than %d bytes", maxResolverOutput)
	}
	return result.Stdout, nil
}

// loaderOf returns the dynamic loader of the seed's programs and the folder
// of its libraries below usr/lib.
func loaderOf(seed Seed) (loader, triplet string, err error) {
	if seed.Arch != runtime.GOARCH {
		err := fault.New(fault.Invalid, "a seed for %q cannot run on this machine (%s)", seed.Arch, runtime.GOARCH)
		return "", "", fault.Hint(err, "Unpack the seed of this machine's architecture; it resolves for every architecture.")
	}
	switch seed.Arch {
	case "amd64":
		return "ld-linux-x86-64.so.2", "x86_64-linux-gnu", nil
	case "arm64":
		return "ld-linux-aarch64.so.1", "aarch64-linux-gnu", nil
	}
	return "", "", fault.New(fault.Invalid, "seeds for %q are not supported", seed.Arch)
}
