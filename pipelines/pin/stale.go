package pin

import (
	"crypto/sha256"
	"io"
	"slices"
	"strings"

	"github.com/bakelite/bakelite/internal/app"
	"github.com/bakelite/bakelite/internal/digests"
	"github.com/bakelite/bakelite/internal/lock"
	"github.com/bakelite/bakelite/templates"
)

const reasonFiles = "the app's own files changed"

// Drift says how an app differs from what its lock was made for.
type Drift struct {
	// Asked says in words what else the app file asks for, "" for nothing.
	Asked string
	// Base is the digest of the base image where it is a local layout that has
	// another image now, else "".
	Base string
	// Files are the app's own files that changed, came or went, sorted.
	Files []string
}

// Drift compares an app's files with its lock.
func (l Locker) Drift(a app.App, made *lock.Lock) (d Drift, err error) {
	files, err := l.Excluded.Files(a)
	if err != nil {
		return d, err
	}
	reason, err := stale(made, a, l.Platform, files)
	if err != nil {
		return d, err
	}
	if d.Files = differing(made.Files, files); reason != reasonFiles {
		d.Asked = reason
	}
	if _, local := baseLayout(a); local && made.Base != nil && made.Base.Ref == a.Base.Image {
		if digest, err := pinned(a); err == nil && digest != made.Base.Digest {
			d.Base, d.Asked = digest, ""
		}
	}
	return d, nil
}

// differing lists the paths that are not in both, or not the same.
func differing(before, after []lock.File) []string {
	var paths []string
	for _, pair := range [2][2][]lock.File{{before, after}, {after, before}} {
		for _, f := range pair[0] {
			if !slices.Contains(pair[1], f) {
				paths = append(paths, f.Path)
			}
		}
	}
	slices.SortFunc(paths, strings.Compare)
	return slices.Compact(paths)
}

// stale says why a lock does not fit the app file, or "".
func stale(l *lock.Lock, a app.App, platform string, files []lock.File) (string, error) {
	switch {
	case l == nil:
		return "there is none", nil
	case l.App != a.Name:
		return "it is of the app " + l.App, nil
	case l.Platform != platform:
		return "it is for " + l.Platform, nil
	case l.Distribution == nil:
		return "an older version made it, without what images are compared with", nil
	case l.Inputs != Inputs(a):
		return "the app file asks for other packages", nil
	}
	if a.Base.Image != "" {
		digest, err := pinned(a)
		if err != nil || l.Base == nil || l.Base.Ref != a.Base.Image || digest != "" && digest != l.Base.Digest {
			return "the base image is another one", err
		}
	}
	if !slices.Equal(l.Files, files) {
		return reasonFiles, nil
	}
	return "", nil
}

// buildTable lists the packages that every Dockerfile's build has.
const buildTable = "rootfs/build-packages.txt"

// tables are the package lists of templates that decide what a lock of an app
// holds.
func tables(a app.App) []string {
	all := []string{"machine/packages.txt", "machine/admin-packages.txt", "machine/tools.txt"}
	if a.Base.Dockerfile != "" {
		all = append(all, buildTable)
	}
	return all
}

// Inputs is the digest of what decides an app's packages: the app file's part
// and Bakelite's own lists.
func Inputs(a app.App) string {
	hash := sha256.New()
	_, _ = io.WriteString(hash, app.LockInputs(a))
	for _, name := range tables(a) {
		_, _ = io.WriteString(hash, strings.Join(templates.Lines(name), " "))
	}
	return digests.Sum(hash)
}
