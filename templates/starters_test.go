package templates_test

import (
	"os"
	"testing"

	"github.com/bakelite/bakelite/internal/app"
	"github.com/bakelite/bakelite/templates"
)

// TestStartersAreValid writes each starter as init does and loads it.
func TestStartersAreValid(t *testing.T) {
	names := templates.Starters()
	if len(names) < 3 {
		t.Fatalf("only the starters %v", names)
	}
	for _, name := range names {
		t.Run(name, func(t *testing.T) {
			folder, err := templates.Starter(name)
			if err != nil {
				t.Fatal(err)
			}
			dir := t.TempDir()
			if err := os.CopyFS(dir, folder); err != nil {
				t.Fatal(err)
			}
			a, err := app.Load(dir)
			if err != nil {
				t.Fatal(err)
			}
			if a.Name != name {
				t.Errorf("the app is called %q", a.Name)
			}
		})
	}
}

func TestStarterRefusesUnknownNames(t *testing.T) {
	for _, name := range []string{"", "nothing", "../rootfs", "web/site"} {
		if _, err := templates.Starter(name); err == nil {
			t.Errorf("Starter(%q) found something", name)
		}
	}
}
