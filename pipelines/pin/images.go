package pin

import (
	"context"
	"fmt"
	"maps"
	"slices"
	"strings"
	"sync"

	"github.com/bakelite/bakelite/builders/engine"
	"github.com/bakelite/bakelite/builders/progress"
	"github.com/bakelite/bakelite/builders/rootfs"
	"github.com/bakelite/bakelite/internal/app"
	"github.com/bakelite/bakelite/internal/dockerfile"
	"github.com/bakelite/bakelite/internal/lock"
)

// images pins the images that an app's Dockerfile names, where it gives no
// digest as the old lock has them or as they are now.
func (l Locker) images(ctx context.Context, a app.App, old *lock.Lock) ([]lock.Image, error) {
	if a.Base.Dockerfile == "" {
		return nil, nil
	}
	var mu sync.Mutex
	digests := map[string]string{}
	pin := func(ctx context.Context, ref string) (string, error) {
		known := ref
		if digest := old.Image(ref); digest != "" && !strings.Contains(ref, "@") && l.Policy.Bases.Images.AllowTags {
			known += "@" + digest
		}
		by, err := l.Judge(ctx, known)
		if _, digest, _ := strings.Cut(by, "@"); err == nil {
			mu.Lock()
			defer mu.Unlock()
			digests[ref] = digest
		}
		return by, err
	}
	e, err := l.Engine(ctx)
	if err != nil {
		return nil, err
	}
	defer e.Close()
	s := engine.Session{Progress: progress.From(ctx), Judge: pin, Locals: map[string]string{rootfs.Context: a.Dir}, Unseen: l.Excluded.Unseen(a)}
	if err := e.JudgeDockerfile(ctx, s, rootfs.Context, a.Base.Dockerfile, dockerfile.Names(a.Base.Debian)); err != nil {
		return nil, fmt.Errorf("%s: base.dockerfile: %w", a.Path, err)
	}
	var pins []lock.Image
	for _, ref := range slices.Sorted(maps.Keys(digests)) {
		if name, _, ok := strings.Cut(ref, "@"); ok && digests[name] == digests[ref] {
			continue // what the engine was told that the name means
		}
		pins = append(pins, lock.Image{Ref: ref, Digest: digests[ref]})
	}
	return pins, nil
}
