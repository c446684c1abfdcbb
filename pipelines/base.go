package pipelines

import (
	"bytes"
	"context"
	"fmt"
	"maps"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync"

	"github.com/bakelite/bakelite/builders/container"
	"github.com/bakelite/bakelite/builders/engine"
	"github.com/bakelite/bakelite/builders/rootfs"
	"github.com/bakelite/bakelite/distro/debian"
	"github.com/bakelite/bakelite/internal/app"
	"github.com/bakelite/bakelite/internal/dockerfile"
	"github.com/bakelite/bakelite/internal/fault"
	"github.com/bakelite/bakelite/internal/limit"
	"github.com/bakelite/bakelite/internal/lock"
	"github.com/bakelite/bakelite/internal/oci"
	"github.com/bakelite/bakelite/internal/regular"
)

// baseImage is a base image by digest, and what it says of itself.
type baseImage struct {
	image lock.Image
	suite string
	// status is dpkg's status file, and installed what stands in it.
	status    []byte
	installed []lock.Installed
}

// inspect pins the base image of an app and reads what its packages are.
func (k Kitchen) inspect(ctx context.Context, a app.App) (b baseImage, err error) {
	b.image.Ref = a.Base.Image
	digest, err := pinned(a)
	if err != nil {
		return b, err
	}
	if b.image.Digest, err = k.judgeBase(ctx, a, digest); err != nil {
		return b, err
	}
	e, err := k.Engine(ctx)
	if err != nil {
		return b, err
	}
	defer e.Close()
	dir, err := os.MkdirTemp("", "bakelite-base-*")
	if err != nil {
		return b, fmt.Errorf("making work folder: %w", err)
	}
	defer os.RemoveAll(dir)
	kitchen := engine.Kitchen{Engine: e, Progress: k.Progress, Layouts: layouts(a), Judge: k.judgeImage}
	g := rootfs.Graph{App: a, Lock: &lock.Lock{Base: &b.image}}
	if err := container.ReadBase(ctx, g, kitchen, dir); err != nil {
		return b, fault.Hint(fmt.Errorf("reading base image %s: %w", b.image.Ref, err),
			"base.image must be an image of Debian with its package database")
	}
	if err := b.read(dir); err != nil {
		return b, fmt.Errorf("base image %s: %w", b.image.Ref, err)
	}
	return b, nil
}

// read reads what ReadBase left in dir.
func (b *baseImage) read(dir string) (err error) {
	if b.suite, err = suiteOf(filepath.Join(dir, "os-release")); err != nil {
		return err
	}
	if b.status, err = readWhole(filepath.Join(dir, "status"), debian.MaxStatus); err != nil {
		return err
	}
	b.installed, err = debian.ParseStatus(bytes.NewReader(b.status))
	return err
}

// images pins the images that an app's Dockerfile names, where it gives no
// digest as the old lock has them or as they are now.
func (k Kitchen) images(ctx context.Context, a app.App, old *lock.Lock) ([]lock.Image, error) {
	if a.Base.Dockerfile == "" {
		return nil, nil
	}
	var mu sync.Mutex
	digests := map[string]string{}
	pin := func(ctx context.Context, ref string) (string, error) {
		known := ref
		if digest := old.Image(ref); digest != "" && !strings.Contains(ref, "@") && k.Policy.Bases.Images.AllowTags {
			known += "@" + digest
		}
		by, err := k.judgeImage(ctx, known)
		if _, digest, _ := strings.Cut(by, "@"); err == nil {
			mu.Lock()
			defer mu.Unlock()
			digests[ref] = digest
		}
		return by, err
	}
	e, err := k.Engine(ctx)
	if err != nil {
		return nil, err
	}
	defer e.Close()
	kitchen := engine.Kitchen{Engine: e, Progress: k.Progress, Judge: pin, Locals: map[string]string{rootfs.Context: a.Dir}, Unseen: k.unseen(a)}
	if err := kitchen.JudgeDockerfile(ctx, rootfs.Context, a.Base.Dockerfile, dockerfile.Names(a.Base.Debian)); err != nil {
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

// pinned returns the digest that the app file gives its base image: a layout
// folder holds one image, a reference may have one; "" where it has none.
func pinned(a app.App) (string, error) {
	if dir, ok := baseLayout(a); ok {
		digest, err := oci.Only(dir)
		return digest, fault.Hint(err, "base.image: oci: names a folder in the form of an OCI image layout; where another app makes it, build that one first")
	}
	_, digest, _ := strings.Cut(a.Base.Image, "@")
	return digest, nil
}

// baseLayout returns the folder of a base image that is a local layout.
func baseLayout(a app.App) (dir string, ok bool) {
	dir, ok = strings.CutPrefix(a.Base.Image, app.LayoutPrefix)
	if ok && !filepath.IsAbs(dir) {
		dir = filepath.Join(a.Dir, dir)
	}
	return dir, ok
}

// layouts names the layout folders that an app's graph reads of its own.
func layouts(a app.App) map[string]string {
	if dir, ok := baseLayout(a); ok {
		return map[string]string{rootfs.BaseLayout: dir}
	}
	return nil
}

// maxOSRelease bounds an os-release file, in bytes.
const maxOSRelease = 64 << 10

// suiteOf reads the codename of a Debian release from its os-release file.
func suiteOf(path string) (string, error) {
	text, err := readWhole(path, maxOSRelease)
	if err != nil {
		return "", err
	}
	values := map[string]string{}
	for line := range strings.Lines(string(text)) {
		if key, value, ok := strings.Cut(strings.TrimSpace(line), "="); ok {
			values[key] = strings.Trim(value, `"`)
		}
	}
	suite := values["VERSION_CODENAME"]
	if values["ID"] != "debian" || !slices.Contains(app.Suites(), suite) {
		return "", fault.New(fault.Invalid, "it is %s %s: want Debian %s, whose systemd can test a disk", values["ID"], suite, strings.Join(app.Suites(), " or "))
	}
	return suite, nil
}

// readWhole reads a file of at most max bytes; a larger one is
// fault.Integrity.
func readWhole(path string, max int64) ([]byte, error) {
	f, err := regular.Open(path)
	if err != nil {
		return nil, fmt.Errorf("reading: %w", err)
	}
	defer f.Close()
	text, err := limit.ReadAll(f, max, filepath.Base(path))
	return text, fault.As(fault.Integrity, err)
}
