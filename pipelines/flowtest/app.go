package flowtest

import (
	"bytes"
	"errors"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/bakelite/bakelite/distro/debian/archivetest"
	"github.com/bakelite/bakelite/internal/app"
	"github.com/bakelite/bakelite/internal/artifact"
	"github.com/bakelite/bakelite/internal/digests"
	"github.com/bakelite/bakelite/internal/lock"
	"github.com/bakelite/bakelite/internal/oci"
	"github.com/bakelite/bakelite/pipelines/results"
	"github.com/bakelite/bakelite/runners/probe"
)

// Platform is what everything is for.
const Platform = "linux/amd64"

// Must ends a test by an error.
func Must(t *testing.T, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
}

// App is one without files of its own, in a folder of its own.
func App(t *testing.T) app.App {
	t.Helper()
	dir := t.TempDir()
	return app.App{Name: "web", Dir: dir, Path: filepath.Join(dir, "app.yaml"), Base: app.Base{Debian: "trixie"}}
}

// Lock fits an app, whose packages' inputs have a digest; openssl has a
// version.
func Lock(a app.App, inputs, version string) *lock.Lock {
	openssl := []lock.Pin{Pin("openssl", version)}
	return &lock.Lock{
		APIVersion: lock.APIVersion, Kind: lock.Kind, App: a.Name, Bakelite: "1", Platform: Platform, Inputs: inputs,
		Distribution: &lock.Distribution{Name: "debian", Release: "13"}, Packages: lock.Layers{App: openssl, MachineApp: openssl},
		Archives: []lock.Archive{{Name: "debian", Suite: "trixie", InRelease: strings.Repeat("a", 64), Date: archivetest.Released()}},
	}
}

// Pin is a package.
func Pin(name, version string) lock.Pin {
	return lock.Pin{Name: name, Version: version, Arch: "amd64", Archive: "debian", Path: "pool/" + name + ".deb", SHA256: strings.Repeat("b", 64), Size: 1}
}

// Image writes a layout with an image of one layer, an empty tar of some size.
func Image(t *testing.T, dir string, size int) artifact.Artifact {
	t.Helper()
	made, err := image(dir, size)
	Must(t, err)
	return made
}

func image(dir string, size int) (artifact.Artifact, error) {
	if err := os.MkdirAll(dir, 0o700); err != nil {
		return artifact.Artifact{}, err
	}
	digest, err := oci.WriteImage(dir, Platform, io.NopCloser(bytes.NewReader(make([]byte, size))))
	if err == nil {
		err = oci.Name(dir, "web", digest, Platform)
	}
	if err != nil {
		return artifact.Artifact{}, err
	}
	total, err := oci.Size(dir, digest)
	return artifact.Artifact{Kind: artifact.Container, Format: "layout", Path: dir, Digest: digest, Size: total, Platform: Platform}, err
}

// Disk writes a disk of some format.
func Disk(t *testing.T, dir, format, content string) artifact.Artifact {
	t.Helper()
	made, err := disk(dir, format, content)
	Must(t, err)
	return made
}

func disk(dir, format, content string) (artifact.Artifact, error) {
	path := filepath.Join(dir, "web."+format)
	made := artifact.Artifact{Kind: artifact.Disk, Format: format, Path: path, Digest: digests.Of([]byte(content)), Size: int64(len(content)), Platform: Platform}
	return made, os.WriteFile(path, []byte(content), 0o600)
}

// Built puts an image and a disk with their receipt where a build from a lock
// leaves them.
func Built(t *testing.T, folder results.Folder, from *lock.Lock, key string) *results.Built {
	t.Helper()
	passed := results.Tested{Results: []probe.Result{{Name: "the page is served", Passed: true}}}
	now := time.Now().UTC().Truncate(time.Second)
	r := results.Receipt{
		App: "web", Key: key, LockDigest: from.Digest(), Bakelite: "1", Started: now, Made: now.Add(time.Minute),
		Artifacts: []artifact.Artifact{Image(t, folder.Layout("web"), 1024), Disk(t, folder.Path, "raw", "an older disk")},
		Tests:     map[string]results.Tested{artifact.Container: passed, artifact.Disk: passed},
	}
	Must(t, folder.WriteReceipt(&r))
	return &results.Built{Receipt: r, Lock: from}
}

// Files lists the files below a folder by content, but for the lock of an
// app's place. Of what is not there it lists nothing.
func Files(t *testing.T, dir string) (files []string) {
	t.Helper()
	err := filepath.WalkDir(dir, func(path string, entry fs.DirEntry, err error) error {
		if err != nil || entry.IsDir() || entry.Name() == ".web.lock" {
			return err
		}
		text, err := os.ReadFile(path)
		below, _ := filepath.Rel(dir, path)
		files = append(files, below+" "+digests.Of(text))
		return err
	})
	if err != nil && !errors.Is(err, fs.ErrNotExist) {
		t.Fatal(err)
	}
	return files
}

// Names are those of the files and folders in a folder of results that anybody
// would look for.
func Names(t *testing.T, folder results.Folder) (names []string) {
	t.Helper()
	entries, err := os.ReadDir(folder.Path)
	Must(t, err)
	for _, e := range entries {
		if e.Name() != ".web.lock" {
			names = append(names, e.Name())
		}
	}
	return names
}

// Free says whether another build could have the app's place.
func Free(t *testing.T, folder results.Folder) bool {
	t.Helper()
	free, err := folder.Free("web")
	Must(t, err)
	return free
}
