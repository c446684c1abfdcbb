package vm

import (
	"slices"
	"testing"

	"github.com/bakelite/bakelite/internal/app"
	"github.com/bakelite/bakelite/internal/disk/format"
)

// TestFormatsThatAreAskedForAreWritten: an app may ask for exactly the forms
// that a disk can be written in. Two lists say so, as app stands too high in
// the chain of imports to ask the writers.
func TestFormatsThatAreAskedForAreWritten(t *testing.T) {
	var written []string
	for _, f := range format.All() {
		written = append(written, f.Name)
	}
	if asked := app.DiskFormats(); !slices.Equal(asked, written) {
		t.Errorf("an app may ask for %q, and written are %q", asked, written)
	}
}
