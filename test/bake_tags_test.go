package test

import (
	"path/filepath"
	"strings"
	"testing"

	"github.com/bakelite/bakelite/internal/registry"
	"github.com/bakelite/bakelite/test/harness"
)

// TestTagsArePinned stands an app's Dockerfile on a tag. The lock says what it
// was; a build takes that even after the tag has moved, and rebuild follows.
func TestTagsArePinned(t *testing.T) {
	s := newStock(t)
	ref := s.host + "/team/base:latest"
	base := filepath.Join(filepath.Dir(s.Dir), "base", "app.yaml")
	policy := s.Policy("bases: {images: {allowTags: true, signedBy: [{key: release.pub}]}}\n")
	named := s.host + "/team/base@" + s.digest
	s.on("", "FROM "+ref+" AS tools\nFROM base\nCOPY --from=tools /etc /srv/tools\nCOPY --from="+named+" /etc/passwd /srv/\n")
	run := func(verb string, more ...string) harness.Result {
		t.Helper()
		args := append([]string{verb, "--json", "--skip-tests", "--target", "container", "--policy", policy}, more...)
		return s.Run(append(args, "web")...).Want(t, 0).Result(t)
	}
	pinned := func(digest string) {
		t.Helper()
		if lock := harness.Read(t, s.Lock()); !strings.Contains(lock, `- {ref: "`+ref+`", digest: "`+digest+`"}`) {
			t.Errorf("the lock does not pin %s to %s:\n%s", ref, digest, lock[:min(len(lock), 2<<10)])
		} else if !strings.Contains(lock, `- {ref: "`+named+`", digest: "`+s.digest+`"}`) {
			t.Errorf("the lock does not list %s", named)
		}
	}

	first := run("build")
	pinned(s.digest)

	harness.WriteFile(t, base, baseApp+"files: [{content: \"x\", to: /etc/x}]\n")
	o := s.Run("publish", "--json", "--target", "container", "--key", s.Key, "--database", s.Database, "--registry", s.host+"/team", "--version", "1.1", "base")
	moved := o.Result(t).Published[0].Digest
	if moved == s.digest {
		t.Fatal("the base is the same as before")
	}
	if again := run("build", "--frozen"); again.Rebuilt || again.Digest(t, "layout") != first.Digest(t, "layout") {
		t.Errorf("after the tag has moved: %+v", again)
	}

	harness.WriteFile(t, filepath.Join(s.Dir, "Dockerfile"), harness.Read(t, filepath.Join(s.Dir, "Dockerfile"))+"# a remark\n")
	layers := func(r harness.Result) string {
		return harness.LayersOf(t, registry.LayoutPrefix+r.Artifact(t, "layout").Ref)
	}
	was := layers(first)
	if remarked := run("build"); remarked.LockDigest == first.LockDigest || layers(remarked) != was {
		t.Errorf("with a remark in the Dockerfile: %+v", remarked)
	}
	pinned(s.digest)

	rebuilt := run("rebuild")
	if len(rebuilt.Changes) != 1 || rebuilt.Changes[0] != (harness.Change{Package: ref, From: s.digest, To: moved}) || layers(rebuilt) == was {
		t.Errorf("rebuild gave %+v", rebuilt)
	}
	pinned(moved)

	text := harness.Read(t, s.Lock())
	images := text[strings.Index(text, "images:"):strings.Index(text, "distribution:")]
	harness.WriteFile(t, s.Lock(), strings.Replace(text, images, "", 1))
	s.Run("build", "--skip-tests", "--target", "container", "--policy", policy, "web").Want(t, 2, "is not among the images of the lock", "next:")
}
