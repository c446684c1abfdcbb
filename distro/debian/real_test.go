package debian_test

import (
	"context"
	"os"
	"runtime"
	"slices"
	"strings"
	"testing"

	"github.com/bakelite/bakelite/distro/debian"
	"github.com/bakelite/bakelite/distro/debian/fetch"
	"github.com/bakelite/bakelite/internal/fault"
	"github.com/bakelite/bakelite/internal/lock"
)

// realSeed returns a client of the machine's own Debian mirrors with trixie's
// snapshot and unpacked seed, or skips the test where there is no mirror.
func realSeed(t *testing.T) (*debian.Client, *debian.Snapshot, debian.Seed) {
	t.Helper()
	cache := os.Getenv("BAKELITE_TEST_CACHE")
	if cache == "" {
		cache = t.TempDir()
	}
	c, err := debian.New(debian.Options{Cache: cache, Mirrors: fetch.MachineMirrors(os.DirFS("/"))})
	if err != nil {
		t.Fatal(err)
	}
	ctx := context.Background()
	s, err := c.Snapshot(ctx, "trixie", runtime.GOARCH)
	switch fault.KindOf(err) {
	case fault.Network, fault.Missing:
		t.Skipf("SKIPPED, NOT PASSED: no Debian mirror is reachable, so apt's resolver was not tried: %v", err)
	}
	if err != nil {
		t.Fatal(err)
	}
	pins, err := debian.SeedPins(s)
	if err == nil {
		err = c.Fetch(ctx, pins, nil)
	}
	if err != nil {
		t.Fatal(err)
	}
	seed, err := c.UnpackSeed(ctx, pins)
	if err != nil {
		t.Fatal(err)
	}
	return c, s, seed
}

func names(pins []lock.Pin) []string {
	var names []string
	for _, p := range pins {
		names = append(names, p.Name)
	}
	return names
}

func TestRealArchive(t *testing.T) {
	c, s, seed := realSeed(t)
	ctx := context.Background()
	base, err := c.Resolve(ctx, s, seed, debian.Installed{}, debian.Essential(s))
	if err != nil {
		t.Fatal(err)
	}
	for _, name := range append(debian.Essential(s), "libc6", "mawk") {
		if !slices.Contains(names(base), name) {
			t.Errorf("the base lacks %s", name)
		}
	}
	t.Run("nginx on the essential set", func(t *testing.T) {
		added, err := c.Resolve(ctx, s, seed, debian.Installed{Pins: base}, []string{"nginx"})
		if err != nil || !slices.Contains(names(added), "nginx-common") || slices.Contains(names(added), "libc6") {
			t.Errorf("got %v, %v", names(added), err)
		}
		if !slices.IsSorted(names(added)) {
			t.Errorf("not sorted: %v", names(added))
		}
	})
	t.Run("nothing to add", func(t *testing.T) {
		if added, err := c.Resolve(ctx, s, seed, debian.Installed{Pins: base}, []string{"bash", "libc6"}); err != nil || len(added) > 0 {
			t.Errorf("got %v, %v", names(added), err)
		}
	})
	t.Run("another architecture", func(t *testing.T) {
		other := map[string]string{"amd64": "arm64", "arm64": "amd64"}[runtime.GOARCH]
		foreign, err := c.Snapshot(ctx, "trixie", other)
		if err != nil {
			t.Fatal(err)
		}
		added, err := c.Resolve(ctx, foreign, seed, debian.Installed{}, []string{"nginx"})
		if err != nil || !slices.ContainsFunc(added, func(p lock.Pin) bool { return p.Name == "nginx" && p.Arch == other }) {
			t.Errorf("got %v, %v", names(added), err)
		}
	})
	refusals := []struct {
		name  string
		names []string
		words string
		hint  string
	}{
		{"unknown", []string{"ngnix"}, `no package "ngnix"`, "nginx"},
		{"option", []string{"--fix-broken"}, `no package "--fix-broken"`, ""},
		{"removal", []string{"bash-"}, `no package "bash-"`, "bash"},
		{"virtual", []string{"mail-transport-agent"}, "stands for any of", "exim4"},
		{"conflict", []string{"postfix", "exim4-daemon-light"}, "cannot be installed together", ""},
	}
	for _, r := range refusals {
		t.Run(r.name, func(t *testing.T) {
			_, err := c.Resolve(ctx, s, seed, debian.Installed{Pins: base}, r.names)
			if fault.KindOf(err) != fault.Invalid || err == nil || !strings.Contains(err.Error(), r.words) || !strings.Contains(fault.HintOf(err), r.hint) || fault.HintOf(err) == "" {
				t.Errorf("got %v; hint %s", err, fault.HintOf(err))
			}
		})
	}
	t.Run("removal of an installed package", func(t *testing.T) {
		mail, err := c.Resolve(ctx, s, seed, debian.Installed{Pins: base}, []string{"postfix"})
		if err != nil {
			t.Fatal(err)
		}
		_, err = c.Resolve(ctx, s, seed, debian.Installed{Pins: slices.Concat(base, mail)}, []string{"exim4-daemon-light"})
		if fault.KindOf(err) != fault.Invalid || err == nil || !strings.Contains(err.Error(), "remove postfix") {
			t.Errorf("got %v", err)
		}
	})
	t.Run("installed package that the archive lost", func(t *testing.T) {
		gone := slices.Clone(base)
		gone[0].Version = "0"
		if _, err := c.Resolve(ctx, s, seed, debian.Installed{Pins: gone}, []string{"nginx"}); fault.KindOf(err) != fault.Invalid {
			t.Errorf("got %v", err)
		}
	})
}
