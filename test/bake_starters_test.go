package test

import (
	"path/filepath"
	"strings"
	"testing"

	"github.com/bakelite/bakelite/templates"
	"github.com/bakelite/bakelite/test/harness"
)

// TestStartersBake bakes the container of each starter as init writes it, with
// the steps that stand in its comments.
func TestStartersBake(t *testing.T) {
	harness.Needs(t)
	for _, name := range templates.Starters() {
		t.Run(name, func(t *testing.T) {
			s := harness.EmptySite(t)
			s.Dir = filepath.Join(filepath.Dir(s.Dir), name)
			s.Run("init", "--starter", name, name).Want(t, 0)
			if strings.Contains(harness.Read(t, s.App()), "# steps:") {
				s.Replace("app.yaml", "# steps: ", "steps:")
				s.Replace("app.yaml", "#   - run:", "  - run:")
			}
			s.Run("build", "--json", "--target", "container", name).Want(t, 0)
		})
	}
}
