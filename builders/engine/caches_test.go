package engine

import (
	"context"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/moby/buildkit/client/llb"
	"github.com/moby/buildkit/solver/pb"

	"github.com/bakelite/bakelite/builders/progress"
	"github.com/bakelite/bakelite/internal/fault"
)

func dockerfileIn(t *testing.T, text string) (dir string) {
	t.Helper()
	dir = t.TempDir()
	if err := os.WriteFile(filepath.Join(dir, "Dockerfile"), []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
	return dir
}

// built solves a Dockerfile and returns the file "text" of what it makes.
func built(t *testing.T, k Session, dockerfile string) (string, error) {
	t.Helper()
	return builtOn(t, k, llb.Local("shell", llb.LocalUniqueID("shell")), dockerfile)
}

func builtOn(t *testing.T, k Session, base llb.State, dockerfile string) (string, error) {
	t.Helper()
	out := t.TempDir()
	k.Locals = map[string]string{"shell": k.Locals["shell"], "context": dockerfileIn(t, dockerfile)}
	_, err := k.Solve(t.Context(), Job{Dir: out, Graph: func(ctx context.Context, b Dockerfiles) (llb.State, error) {
		tree, err := b.Dockerfile(ctx, "context", "Dockerfile", base, []string{"base"})
		return llb.Scratch().File(llb.Copy(tree, "/text", "/text")), err
	}})
	text, _ := os.ReadFile(filepath.Join(out, "text"))
	return strings.TrimSpace(string(text)), err
}

// TestCacheOfAnotherApp: what one app's steps leave in a cache mount no other
// app's steps find, whatever name they give it, nor the same app's under
// another lock.
func TestCacheOfAnotherApp(t *testing.T) {
	needEngine(t)
	k, _ := newSession(t, open(t, t.TempDir()), progress.Quiet)
	write := func(id string) string {
		return "FROM base\nRUN --mount=type=cache,target=/c" + id + " echo stolen >/c/secret && cp /c/secret /text\n"
	}
	look := func(id string) string {
		return "FROM base\nRUN --mount=type=cache,target=/c" + id + " cat /c/secret >/text 2>/dev/null || echo nothing >/text\n"
	}
	k.Caches = NewCaches("a", "lock 1")
	if got, err := built(t, k, write("")); err != nil || got != "stolen" {
		t.Fatalf("wrote %q: %v", got, err)
	}
	if got, err := built(t, k, look("")); err != nil || got != "stolen" {
		t.Errorf("the same app with the same lock finds %q: %v", got, err)
	}
	if used := k.Caches.Used(); !slices.Equal(used, []string{"/c"}) {
		t.Errorf("the caches used are said to be %v", used)
	}
	theirs := k.Caches.namespace
	// BuildKit would know these results again, whatever the scope.
	for _, id := range []string{",id=named", ",sharing=locked"} {
		_, err := built(t, k, write(id))
		if got, again := built(t, k, look(id)); err != nil || again != nil || got != "stolen" {
			t.Fatalf("with %q it finds %q: %v, %v", id, got, err, again)
		}
	}
	for name, scope := range map[string][]string{"another app": {"b", "lock 1"}, "another lock": {"a", "lock 2"}} {
		k.Caches = NewCaches(scope...)
		for _, id := range []string{"", ",id=named", ",sharing=locked", ",id=/c", ",id=../" + theirs + "//c", ",id=" + theirs + "//c"} {
			if got, err := built(t, k, look(id)); err != nil || got != "nothing" {
				t.Errorf("%s with %q finds %q: %v", name, id, got, err)
			}
		}
	}
	k.Caches = nil
	_, err := built(t, k, look(""))
	judge(t, err, fault.Policy, "BuildKit", "cache mount that other builds share")
}

// lastingBase makes a layout of the shell, which the session reads from then
// on, and returns it as a base. The engine knows it by its digest, so a step
// on it has the same key in every session, as on the bases of apps.
func lastingBase(t *testing.T, k *Session) llb.State {
	t.Helper()
	layout := t.TempDir()
	digest, err := k.Solve(t.Context(), Job{Graph: graphOf(llb.Local("shell")), Image: &Image{Layout: layout, Config: func(ReadFile) ([]byte, error) {
		return []byte(`{"os":"linux","architecture":"amd64","rootfs":{"type":"layers"}}`), nil
	}}})
	if err != nil {
		t.Fatalf("making a base: %v", err)
	}
	k.Layouts = map[string]string{"base": layout}
	return llb.OCILayout("base/image@"+digest, llb.OCIStore("", "base"))
}

// TestTheftByNamedCache: an app whose Dockerfile has the very step of another
// app, on the same base, gets neither what is in the other's cache mount nor
// the kept result of the step that read it.
func TestTheftByNamedCache(t *testing.T) {
	needEngine(t)
	k, _ := newSession(t, open(t, t.TempDir()), progress.Quiet)
	base := lastingBase(t, &k)
	for name, mount := range map[string]string{
		"by its path":              "",
		"by a name":                ",id=shared",
		"by a name of arguments":   ",id=${NAME}",
		"by how it is shared":      ",sharing=locked",
		"by a name and how":        ",id=private,sharing=private",
		"with files to begin with": ",id=seeded,from=base,source=/tmp",
	} {
		t.Run(name, func(t *testing.T) {
			step := func(does string) string {
				return "ARG NAME=arg\nFROM base\nARG NAME\nRUN --mount=type=cache,target=/c" + mount + " " + does + "\n"
			}
			write, look := step("echo stolen >/c/secret && cp /c/secret /text"), step("cp /c/secret /text || echo nothing >/text")
			k := k
			k.Caches = NewCaches("victim", "lock")
			for _, dockerfile := range []string{write, look} {
				if got, err := builtOn(t, k, base, dockerfile); err != nil || got != "stolen" {
					t.Fatalf("the app itself finds %q: %v", got, err)
				}
			}
			for app, scope := range map[string][]string{"the thief": {"thief", "lock"}, "the app under another lock": {"victim", "another lock"}} {
				k.Caches = NewCaches(scope...)
				if got, err := builtOn(t, k, base, look); err != nil || got != "nothing" {
					t.Errorf("%s gets %q: %v", app, got, err)
				}
			}
		})
	}
}

// TestResultOfAnotherApp: the engine knows the result of a step with a named
// cache mount by all but that name, so a step that says nothing of its scope
// would be given what another app's made; it is refused.
func TestResultOfAnotherApp(t *testing.T) {
	ours, theirs := NewCaches("a", "lock 1"), NewCaches("b", "lock 1")
	for name, tt := range map[string]struct {
		hosts    []string
		admitted bool
	}{
		"no scope":      {nil, false},
		"another scope": {[]string{theirs.prefix()}, false},
		"its own":       {[]string{ours.prefix()}, true},
	} {
		meta := &pb.Meta{}
		for _, h := range tt.hosts {
			meta.ExtraHosts = append(meta.ExtraHosts, &pb.HostIP{Host: h, IP: "127.0.0.1"})
		}
		mounts := []*pb.Mount{{MountType: pb.MountType_CACHE, CacheOpt: &pb.CacheOpt{ID: ours.prefix() + "/named"}}}
		err := ours.admit(step{"RUN", &pb.ExecOp{Meta: meta, Mounts: mounts}})
		if tt.admitted && err != nil || !tt.admitted && fault.KindOf(err) != fault.Policy {
			t.Errorf("%s: %v", name, err)
		}
	}
}
