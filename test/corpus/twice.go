package corpus

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"

	"github.com/bakelite/bakelite/internal/artifact"
	"github.com/bakelite/bakelite/pipelines/examine"
	"github.com/bakelite/bakelite/scan/content"
	"github.com/bakelite/bakelite/scan/protocol"
)

// Twice bakes a case that Bake baked for the same target once more, from its
// lock on another engine, which again's environment names with a state and an
// output folder of its own: what a package draws at random differs between the
// two. It returns the paths of the files that differ, nil where all bytes are
// the same.
func (b Baker) Twice(ctx context.Context, c Case, target string, again []string) ([]string, error) {
	ctx, cancel := context.WithTimeout(ctx, caseLimit)
	defer cancel()
	var both [2]artifact.Artifact
	for i, env := range [][]string{b.Env, again} {
		made, err := b.made(ctx, c, target, env)
		if err != nil {
			return nil, err
		}
		both[i] = made
	}
	if both[0].Digest == both[1].Digest {
		return nil, nil
	}
	var lists [2]map[string]string
	for i, made := range both {
		var err error
		if lists[i], err = listed(ctx, made); err != nil {
			return nil, err
		}
	}
	return differing(lists[0], lists[1]), nil
}

// Said is how an outcome says what Twice returned.
func Said(differs []string) string {
	const shown = 5
	if len(differs) == 0 {
		return "the same bytes twice"
	}
	more := ""
	if len(differs) > shown {
		more = fmt.Sprintf(" and %d more", len(differs)-shown)
	}
	return "baked twice other bytes in " + strings.Join(differs[:min(shown, len(differs))], ", ") + more
}

// made is what a build from the lock that is there makes, untested.
func (b Baker) made(ctx context.Context, c Case, target string, env []string) (a artifact.Artifact, err error) {
	var stdout, stderr bytes.Buffer
	build := exec.CommandContext(ctx, b.Bakelite, "build", "--json", "--frozen", "--skip-tests", "--progress", "plain", "--target", target, filepath.Join(b.Work, filepath.Base(c.Name)))
	build.Env, build.Stdout, build.Stderr = env, &stdout, &stderr
	if err := build.Run(); err != nil {
		return a, fmt.Errorf("baking %s once more: %w: %s", c.Name, err, message(stderr.String()))
	}
	var built struct {
		Artifacts []artifact.Artifact `json:"artifacts"`
	}
	if err := json.Unmarshal(stdout.Bytes(), &built); err != nil || len(built.Artifacts) == 0 {
		return a, fmt.Errorf("baking %s once more: its result cannot be read: %q, %w", c.Name, stdout.String(), err)
	}
	return built.Artifacts[0], nil
}

// listed are the files of an artifact, by path.
func listed(ctx context.Context, a artifact.Artifact) (map[string]string, error) {
	opened, err := content.Open(ctx, examine.Root("twice", a.Kind, a, a.Path), protocol.DefaultLimits())
	if err != nil {
		return nil, fmt.Errorf("comparing: %w", err)
	}
	defer opened.Close()
	files, err := content.List(ctx, opened)
	if err != nil {
		return nil, fmt.Errorf("comparing: %w", err)
	}
	return files, nil
}

// differing are the paths whose files are not the same in both, or in one
// alone, sorted; where all are, the names, dates and links around them differ.
func differing(a, b map[string]string) []string {
	var paths []string
	for path, said := range a {
		if b[path] != said {
			paths = append(paths, path)
		}
	}
	for path := range b {
		if _, both := a[path]; !both {
			paths = append(paths, path)
		}
	}
	if len(paths) == 0 {
		return []string{"no regular file: folders, links or dates"}
	}
	slices.Sort(paths)
	return paths
}
