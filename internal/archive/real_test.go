package archive_test

import (
	"context"
	"crypto/sha256"
	"os"
	"testing"
	"time"

	"github.com/bakelite/bakelite/internal/archive"
	"github.com/bakelite/bakelite/internal/fault"
)

func TestRealArchive(t *testing.T) {
	mirrors := archive.MachineMirrors(os.DirFS("/"))
	t.Log(mirrors)
	dir := os.Getenv("BAKELITE_TEST_CACHE")
	if dir == "" {
		dir = t.TempDir()
	}
	c, err := archive.New(archive.Options{Cache: dir, Mirrors: mirrors, Report: func(err error) { t.Log(err) }})
	if err != nil {
		t.Fatal(err)
	}
	ctx := context.Background()
	start := time.Now()
	lap := func(what string, err error) {
		t.Helper()
		t.Log(what, time.Since(start), err)
		if err != nil {
			t.Fatal(err)
		}
		start = time.Now()
	}
	s, err := c.Snapshot(ctx, "trixie", "amd64")
	lap("snapshot", err)
	pins, err := archive.SeedPins(s)
	lap("seedpins", err)
	for _, p := range pins {
		t.Log(p.Name, p.Version, p.Size)
	}
	lap("fetch", c.Fetch(ctx, pins, nil))
	h := sha256.New()
	lap("layer", c.SeedLayer(ctx, h, pins))
	t.Logf("%x", h.Sum(nil))
	seed, err := c.UnpackSeed(ctx, pins)
	lap("unpack", err)
	base, err := c.Resolve(ctx, s, seed, nil, archive.Essential(s))
	lap("resolve essential", err)
	t.Log(len(base))
	app, err := c.Resolve(ctx, s, seed, base, []string{"nginx"})
	lap("resolve nginx", err)
	for _, p := range app {
		t.Log(p.Name, p.Version, p.Size)
	}
	vm, err := c.Resolve(ctx, s, seed, base, []string{"linux-image-cloud-amd64", "systemd", "systemd-sysv", "nftables"})
	lap("resolve vm", err)
	t.Log(len(vm))
	_, err = c.Resolve(ctx, s, seed, base, []string{"ngnix"})
	t.Log(err, fault.HintOf(err))
	_, err = c.Resolve(ctx, s, seed, base, []string{"exim4-daemon-light", "postfix"})
	t.Log(err, fault.HintOf(err))
	_, err = c.Resolve(ctx, s, seed, base, []string{"mail-transport-agent"})
	t.Log(err, fault.HintOf(err))
}
