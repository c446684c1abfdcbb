package adopt_test

import (
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/bakelite/bakelite/cmd/internal/adopt"
	"github.com/bakelite/bakelite/internal/fault"
	"github.com/bakelite/bakelite/internal/strict/stricttest"
)

func order(from, dir string) adopt.Order {
	return adopt.Order{From: from, Dir: dir, Name: func(string, string) (string, error) { return "shop", nil }}
}

// TestContextLeadsElsewhere: a compose.yaml does not choose a folder outside of
// its own for the app file, by its words or by a link; who drafts does.
func TestContextLeadsElsewhere(t *testing.T) {
	const dockerfile = "FROM base\nUSER web\nCMD [\"/a\"]\n"
	dir := stricttest.Folder(t, map[string]string{
		"victim/Dockerfile": dockerfile, "repo/in/Dockerfile": dockerfile,
		"repo/up.yaml": "services: {a: {build: ../victim}}", "repo/link.yaml": "services: {a: {build: link}}", "repo/in.yaml": "services: {a: {build: in}}",
		"repo/file.yaml": "services: {a: {build: {context: in, dockerfile: Linked}}}", "repo/path.yaml": "services: {a: {build: {context: in, dockerfile: ../../victim/Dockerfile}}}",
	})
	for at, to := range map[string]string{"repo/link": "../victim", "repo/in/Linked": "../../victim/Dockerfile"} {
		if err := os.Symlink(to, filepath.Join(dir, at)); err != nil {
			t.Fatal(err)
		}
	}
	for file, want := range map[string]string{"up.yaml": "build context of a", "link.yaml": "build context of a", "file.yaml": "reading Linked", "path.yaml": "lies outside of"} {
		if _, err := order(filepath.Join(dir, "repo", file), "").Adopt(t.Context()); err == nil || !strings.Contains(err.Error(), want) || fault.KindOf(err) != fault.Invalid {
			t.Errorf("%s: %v", file, err)
		}
	}
	got, err := order(filepath.Join(dir, "repo/in.yaml"), "").Adopt(t.Context())
	if err != nil || got.Dir != filepath.Join(dir, "repo/in") {
		t.Errorf("its own folder: %v, %v", got.Dir, err)
	}
	if got, err = order(filepath.Join(dir, "repo/up.yaml"), filepath.Join(dir, "victim")).Adopt(t.Context()); err != nil || got.Dir != filepath.Join(dir, "victim") {
		t.Errorf("a folder that was named: %v, %v", got.Dir, err)
	}
}
