package pin

import (
	"bytes"
	"context"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"

	"github.com/bakelite/bakelite/builders/engine"
	"github.com/bakelite/bakelite/builders/progress"
	"github.com/bakelite/bakelite/builders/rootfs"
	"github.com/bakelite/bakelite/distro/debian/status"
	"github.com/bakelite/bakelite/internal/app"
	"github.com/bakelite/bakelite/internal/fault"
	"github.com/bakelite/bakelite/internal/lock"
	"github.com/bakelite/bakelite/internal/oci"
	"github.com/bakelite/bakelite/pipelines/results"
)

// baseImage is a base image by digest, and what it says of itself.
type baseImage struct {
	image lock.Image
	suite string
	// status is dpkg's status file, and installed what stands in it.
	status    []byte
	installed []lock.Installed
}

// base pins the base image of an app and reads what its packages are.
func (l Locker) base(ctx context.Context, a app.App) (b baseImage, err error) {
	b.image.Ref = a.Base.Image
	digest, err := pinned(a)
	if err != nil {
		return b, err
	}
	if b.image.Digest, err = l.judgeBase(ctx, a, digest); err != nil {
		return b, err
	}
	e, err := l.Engine(ctx)
	if err != nil {
		return b, err
	}
	defer e.Close()
	dir, err := os.MkdirTemp("", "bakelite-base-*")
	if err != nil {
		return b, fmt.Errorf("making work folder: %w", err)
	}
	defer os.RemoveAll(dir)
	s := engine.Session{Progress: progress.From(ctx), Layouts: Layouts(a), Judge: l.Judge}
	g := rootfs.Graph{App: a, Lock: &lock.Lock{Base: &b.image}}
	if err := e.ReadBase(ctx, g, s, dir); err != nil {
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
	if b.status, err = results.ReadWhole(filepath.Join(dir, "status"), status.MaxSize); err != nil {
		return err
	}
	b.installed, err = status.Parse(bytes.NewReader(b.status))
	return err
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

// Layouts names the layout folders that an app's graph reads of its own.
func Layouts(a app.App) map[string]string {
	if dir, ok := baseLayout(a); ok {
		return map[string]string{rootfs.BaseLayout: dir}
	}
	return nil
}

// maxOSRelease bounds an os-release file, in bytes.
const maxOSRelease = 64 << 10

// suiteOf reads the codename of a Debian release from its os-release file.
func suiteOf(path string) (string, error) {
	text, err := results.ReadWhole(path, maxOSRelease)
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
