package app_test

import (
	"path/filepath"
	"testing"

	"github.com/bakelite/bakelite/internal/app"
)

// TestAppFilesOfEarlierVersions loads the forms of app files that there were, as
// they were written: what could be said then means the same now.
func TestAppFilesOfEarlierVersions(t *testing.T) {
	a, err := app.Load(filepath.Join("testdata", "old", "web"))
	if err != nil {
		t.Fatal(err)
	}
	if a.Name != "web" || a.Base.Debian != "trixie" || len(a.Packages) != 1 || len(a.Files) == 0 || len(a.Tests) == 0 {
		t.Errorf("it means %+v", a)
	}
}
