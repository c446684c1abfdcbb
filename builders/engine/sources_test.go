package engine

import (
	"context"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/moby/buildkit/client/llb"

	"github.com/bakelite/bakelite/builders/progress"
	"github.com/bakelite/bakelite/internal/fault"
)

// TestDockerfilesSourcesAreJudged: whatever a Dockerfile fetches is judged
// before a byte of it is used, and the judge's words are the build's error.
func TestDockerfilesSourcesAreJudged(t *testing.T) {
	needEngine(t)
	k, _ := newSession(t, open(t, t.TempDir()), progress.Quiet)
	const at = "@sha256:aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa"
	tests := []struct{ name, dockerfile, judged, refused string }{
		{"FROM", "FROM debain:13\n", "docker.io/library/debain:13", ""},
		{"FROM by digest", "FROM r.example.com/x/y" + at + "\n", "r.example.com/x/y" + at, ""},
		{"FROM with an argument", "ARG B=al\nFROM ${B}pine\n", "docker.io/library/alpine:latest", ""},
		{"COPY --from", "FROM base\nCOPY --from=r.example.com/tools:1 /a /b\n", "r.example.com/tools:1", ""},
		{"a mount from an image", "FROM base\nRUN --mount=type=bind,from=r.example.com/tools:2,target=/t ls /t\n", "r.example.com/tools:2", ""},
		{"another stage", "FROM r.example.com/build:3 AS b\nRUN x\nFROM base\nCOPY --from=b /a /b\n", "r.example.com/build:3", ""},
		{"another frontend is not fetched", "# syntax=r.example.com/frontend:4\nFROM r.example.com/x:5\n", "r.example.com/x:5", ""},
		{"ADD from the web", "FROM base\nADD http://127.0.0.1:1/x /x\n", "", "http://127.0.0.1:1/x is fetched without a digest"},
		{"ADD from Git", "FROM base\nADD https://127.0.0.1:1/x.git#main /x\n", "", "is fetched without a digest"},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			dir := t.TempDir()
			if err := os.WriteFile(filepath.Join(dir, "Dockerfile"), []byte(tt.dockerfile), 0o600); err != nil {
				t.Fatal(err)
			}
			k.Locals = map[string]string{"shell": k.Locals["shell"], "context": dir}
			judged := ""
			k.Judge = func(_ context.Context, ref string) (string, error) {
				judged = ref
				return "", fault.Hint(fault.New(fault.Policy, "%s is not allowed", ref), "allow it")
			}
			_, err := k.Solve(t.Context(), Job{Dir: filepath.Join(dir, "out"), Graph: func(ctx context.Context, b Dockerfiles) (llb.State, error) {
				return b.Dockerfile(ctx, "context", "Dockerfile", llb.Local("shell"), []string{"base"})
			}})
			want := tt.refused
			if want == "" {
				want = tt.judged + " is not allowed"
			}
			if fault.KindOf(err) != fault.Policy || !strings.Contains(err.Error(), want) || judged != tt.judged || fault.HintOf(err) == "" {
				t.Errorf("judged %q, got %v (%s)", judged, err, fault.HintOf(err))
			}
			if tt.refused != "" {
				return
			}
			judged = ""
			if err := k.JudgeDockerfile(t.Context(), "context", "Dockerfile", []string{"base"}); fault.KindOf(err) != fault.Policy || judged != tt.judged {
				t.Errorf("with nothing run: judged %q, got %v", judged, err)
			}
		})
	}
}

// TestFromByAnyName: what names the base by another of its names is the base,
// and nothing is fetched for it; a digest means that very image.
func TestFromByAnyName(t *testing.T) {
	needEngine(t)
	k, _ := newSession(t, open(t, t.TempDir()), progress.Quiet)
	names := []string{"base", "debian:trixie", "debian:trixie-slim"}
	digest := "@sha256:" + strings.Repeat("a", 64)
	for from, asked := range map[string]string{
		"base": "", "debian:trixie": "", "docker.io/library/debian:trixie-slim": "", "index.docker.io/debian:trixie": "",
		"debian:bookworm":        "docker.io/library/debian:bookworm",
		"debian:trixie" + digest: "docker.io/library/debian:trixie" + digest,
	} {
		k.Locals["context"] = dockerfileIn(t, "FROM "+from+"\nRUN true\n")
		judged := ""
		k.Judge = func(_ context.Context, ref string) (string, error) {
			judged = ref
			return "", fault.New(fault.Policy, "%s is not allowed", ref)
		}
		if err := k.JudgeDockerfile(t.Context(), "context", "Dockerfile", names); judged != asked || (err != nil) != (asked != "") {
			t.Errorf("FROM %s: judged %q, %v", from, judged, err)
		}
	}
}
