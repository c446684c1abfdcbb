package test

import (
	"path/filepath"
	"strings"
	"testing"

	"github.com/bakelite/bakelite/templates"
)

// TestStartersBake bakes the container of each starter as init writes it, with
// the steps that stand in its comments.
func TestStartersBake(t *testing.T) {
	needs(t)
	for _, name := range templates.Starters() {
		t.Run(name, func(t *testing.T) {
			s := emptySite(t)
			s.dir = filepath.Join(filepath.Dir(s.dir), name)
			s.run("init", "--starter", name, name).want(t, 0)
			if strings.Contains(read(t, s.app()), "# steps:") {
				s.replace("app.yaml", "# steps: ", "steps:")
				s.replace("app.yaml", "#   - run:", "  - run:")
			}
			s.run("build", "--json", "--target", "container", name).want(t, 0)
		})
	}
}
