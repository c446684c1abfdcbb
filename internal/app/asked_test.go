package app_test

import (
	"slices"
	"strings"
	"testing"

	"github.com/bakelite/bakelite/internal/app"
	"github.com/bakelite/bakelite/internal/strict/stricttest"
)

// TestDockerfileAsksForPackages: what a Dockerfile installs is the app's, and
// decides its lock; what only its build needs decides the lock alone.
func TestDockerfileAsksForPackages(t *testing.T) {
	load := func(dockerfile string) *app.App {
		t.Helper()
		a, err := app.Load(stricttest.Folder(t, map[string]string{
			"app.yaml":   strings.Replace(minimal, "debian: trixie\n", "debian: trixie\n  dockerfile: Dockerfile\n", 1),
			"Dockerfile": dockerfile,
		}))
		if err != nil {
			t.Fatal(err)
		}
		return a
	}
	plain := load("FROM base\n")
	asks := load("FROM debian:trixie AS build\nRUN apt-get install -y gcc\nFROM debian:trixie\nRUN apt-get install -y jq\n")
	if !slices.Equal(asks.Packages, append(slices.Clone(plain.Packages), "jq")) || !slices.Equal(asks.Building, []string{"gcc"}) {
		t.Errorf("packages are %q, for building %q", asks.Packages, asks.Building)
	}
	build := load("FROM base AS build\nRUN apt-get install -y gcc\nFROM base\n")
	if app.LockInputs(*plain) == app.LockInputs(*build) || app.LockInputs(*build) == app.LockInputs(*asks) {
		t.Error("other packages have the same lock")
	}
}
