package test

import (
	"bytes"
	"encoding/json"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"testing"
	"time"

	v1 "github.com/google/go-containerregistry/pkg/v1"
	"github.com/google/go-containerregistry/pkg/v1/mutate"
	"github.com/opencontainers/runtime-spec/specs-go"

	"github.com/bakelite/bakelite/internal/oci"
	"github.com/bakelite/bakelite/test/harness"
)

// TestStartsByWhatTheImageSays runs the example as engines do that know nothing
// of Bakelite: by runc's own spec, and of ours only what the image says.
func TestStartsByWhatTheImageSays(t *testing.T) {
	img, config := firstImage(t)
	newPlain(t, img, config).lives(t, config)
}

// TestStartsByItsProfile runs the example by the spec that bakelite profile
// prints, and nothing else of ours.
func TestStartsByItsProfile(t *testing.T) {
	img, config := firstImage(t)
	c := newPlain(t, img, config)
	var spec specs.Spec
	if err := json.Unmarshal([]byte(harness.FirstBake(t).Run("profile", "--for", "runc", "web").Want(t, 0).Stdout), &spec); err != nil {
		t.Fatal(err)
	}
	// runc may not be able to raise what is less where the tests run.
	spec.Process.Rlimits = slices.DeleteFunc(spec.Process.Rlimits, func(r specs.POSIXRlimit) bool { return r.Hard > 0 })
	spec.Process.OOMScoreAdj = nil
	harness.Overwrite(t, filepath.Join(c.bundle, "config.json"), []byte(harness.JSON(t, spec)))
	c.lives(t, config)
}

// firstImage is the example's image, and what it says of itself.
func firstImage(t *testing.T) (v1.Image, v1.Config) {
	t.Helper()
	s := harness.FirstBake(t)
	made := s.Outcome.Result(t).Artifact(t, "layout")
	img, err := oci.Image(s.Path(made), made.Digest)
	if err != nil {
		t.Fatal(err)
	}
	file, err := img.ConfigFile()
	if err != nil {
		t.Fatal(err)
	}
	return img, file.Config
}

// lives wants a container to start, to be healthy by the image's own check, and
// to end well by its own signal.
func (c plain) lives(t *testing.T, config v1.Config) {
	t.Helper()
	var said bytes.Buffer
	run := c.command("run", "--bundle", c.bundle, c.id)
	run.Stdout, run.Stderr = &said, &said
	if err := run.Start(); err != nil {
		t.Fatal(err)
	}
	ended := make(chan error, 1)
	go func() { ended <- run.Wait() }()
	healthy := func() []string {
		out, err := c.command(append([]string{"exec", c.id}, config.Healthcheck.Test[1:]...)...).CombinedOutput()
		if err != nil {
			return []string{string(out)}
		}
		return nil
	}
	if still := harness.Settled(healthy); len(still) > 0 {
		t.Errorf("the service is not healthy: %s", still)
	}
	if out, err := c.command("kill", c.id, config.StopSignal).CombinedOutput(); err != nil {
		t.Errorf("%v: %s", err, out)
	}
	select {
	case err := <-ended:
		if err != nil {
			t.Errorf("the service ended by %s with %v:\n%s", config.StopSignal, err, said.String())
		}
	case <-time.After(harness.SettleTime):
		t.Errorf("the service goes on after %s", config.StopSignal)
	}
}

// plain is a container that runc alone makes.
type plain struct{ bundle, id string }

func (c plain) command(args ...string) *exec.Cmd {
	return exec.Command("runc", append([]string{"--root", filepath.Join(c.bundle, "state")}, args...)...)
}

// newPlain unpacks an image and writes runc's own spec, with the image's user,
// command, environment and folder.
func newPlain(t *testing.T, img v1.Image, c v1.Config) plain {
	t.Helper()
	p := plain{bundle: t.TempDir(), id: filepath.Base(harness.Here.Dir) + "-plain"}
	t.Cleanup(func() { _ = p.command("delete", "--force", p.id).Run() })
	rootfs := filepath.Join(p.bundle, "rootfs")
	if err := os.Mkdir(rootfs, 0o755); err != nil {
		t.Fatal(err)
	}
	unpack := exec.Command("tar", "-x", "-p", "--numeric-owner", "-C", rootfs)
	content := mutate.Extract(img)
	defer content.Close()
	unpack.Stdin = content
	if out, err := unpack.CombinedOutput(); err != nil {
		t.Fatalf("unpacking the image: %v: %s", err, out)
	}
	harness.Tool(t, "runc", "spec", "--bundle", p.bundle)
	path := filepath.Join(p.bundle, "config.json")
	var spec specs.Spec
	if err := json.Unmarshal([]byte(harness.Read(t, path)), &spec); err != nil {
		t.Fatal(err)
	}
	if _, err := fmt.Sscanf(c.User, "%d:%d", &spec.Process.User.UID, &spec.Process.User.GID); err != nil {
		t.Errorf("the image's user is %q: not by number", c.User)
	}
	spec.Process.Args, spec.Process.Env, spec.Process.Cwd = append(c.Entrypoint, c.Cmd...), c.Env, c.WorkingDir
	spec.Process.Terminal, spec.Root.Readonly = false, false
	harness.Overwrite(t, path, []byte(harness.JSON(t, spec)))
	return p
}
