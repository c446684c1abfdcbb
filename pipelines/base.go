package pipelines

import (
	"bufio"
	"bytes"
	"context"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"slices"
	"strings"

	"github.com/distribution/reference"

	"github.com/bakelite/bakelite/builders/container"
	"github.com/bakelite/bakelite/builders/engine"
	"github.com/bakelite/bakelite/builders/rootfs"
	"github.com/bakelite/bakelite/internal/app"
	"github.com/bakelite/bakelite/internal/fault"
	"github.com/bakelite/bakelite/internal/lock"
	"github.com/bakelite/bakelite/internal/oci"
)

// maxStatus bounds the dpkg status file of a base image, in bytes.
const maxStatus = 16 << 20

// inspect pins the base image of an app and reads what its packages are: the
// suite that it is of and the text of dpkg's status file.
func (k Kitchen) inspect(ctx context.Context, a app.App) (*lock.Image, string, []byte, error) {
	image, err := pinImage(a)
	if err != nil {
		return nil, "", nil, err
	}
	e, err := k.Engine(ctx)
	if err != nil {
		return nil, "", nil, err
	}
	defer e.Close()
	dir, err := os.MkdirTemp("", "bakelite-base-*")
	if err != nil {
		return nil, "", nil, fmt.Errorf("making work folder: %w", err)
	}
	defer os.RemoveAll(dir)
	kitchen := engine.Kitchen{Engine: e, Progress: k.Progress, Layouts: baseLayout(a)}
	g := rootfs.Graph{App: a, Lock: &lock.Lock{Base: image}}
	if err := container.ReadBase(ctx, g, kitchen, dir); err != nil {
		return nil, "", nil, fault.Hint(fmt.Errorf("reading base image %s: %w", image.Ref, err),
			"base.image must be an image of Debian with its package database")
	}
	suite, err := suiteOf(filepath.Join(dir, "os-release"))
	if err != nil {
		return nil, "", nil, fmt.Errorf("base image %s: %w", image.Ref, err)
	}
	status, err := readBounded(filepath.Join(dir, "status"), maxStatus)
	return image, suite, status, err
}

// pinImage names a base image by digest: its reference has one, a layout
// folder holds one image.
func pinImage(a app.App) (*lock.Image, error) {
	image := &lock.Image{Ref: a.Base.Image}
	if dir, ok := baseLayout(a)[rootfs.BaseLayout]; ok {
		digest, err := oci.Only(dir)
		image.Digest = digest
		return image, fault.Hint(err, "base.image: oci: names a folder in the form of an OCI image layout")
	}
	named, err := reference.ParseNormalizedNamed(a.Base.Image)
	if err != nil {
		return nil, fault.As(fault.Invalid, fmt.Errorf("reading base.image: %w", err))
	}
	pinned, ok := named.(reference.Canonical)
	if !ok {
		return nil, fault.New(fault.Invalid, "base.image %s has no digest", a.Base.Image)
	}
	image.Digest = pinned.Digest().String()
	return image, nil
}

// baseLayout returns the folder of a base image that is a local layout.
func baseLayout(a app.App) map[string]string {
	path, ok := strings.CutPrefix(a.Base.Image, app.LayoutPrefix)
	if !ok {
		return nil
	}
	if !filepath.IsAbs(path) {
		path = filepath.Join(a.Dir, path)
	}
	return map[string]string{rootfs.BaseLayout: path}
}

// suiteOf reads the codename of a Debian release from its os-release file.
func suiteOf(path string) (string, error) {
	text, err := readBounded(path, maxStatus)
	if err != nil {
		return "", err
	}
	values := map[string]string{}
	lines := bufio.NewScanner(bytes.NewReader(text))
	for lines.Scan() {
		if key, value, ok := strings.Cut(lines.Text(), "="); ok {
			values[key] = strings.Trim(value, `"`)
		}
	}
	suite := values["VERSION_CODENAME"]
	if values["ID"] != "debian" || !slices.Contains(app.Suites(), suite) {
		return "", fault.New(fault.Invalid, "it is %s %s: want Debian %s", values["ID"], suite, strings.Join(app.Suites(), " or "))
	}
	return suite, nil
}

func readBounded(path string, limit int64) ([]byte, error) {
	f, err := os.Open(path)
	if err != nil {
		return nil, fmt.Errorf("reading base image: %w", err)
	}
	defer f.Close()
	text, err := io.ReadAll(io.LimitReader(f, limit))
	if err != nil {
		return nil, fmt.Errorf("reading base image: %w", err)
	}
	return text, nil
}
