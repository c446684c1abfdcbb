package intoto_test

import (
	"slices"
	"testing"

	"github.com/bakelite/bakelite/publish/intoto"
	"github.com/bakelite/bakelite/scan/controls"
)

// TestControlsReadBack: what is stated of controls is read as it was found, but
// for titles; what fails in the machine fails.
func TestControlsReadBack(t *testing.T) {
	image := []controls.Result{
		{ID: "BK-1", Title: "a", Level: 1, Passed: true},
		{ID: "BK-2", Title: "b", Level: 2, Passed: true, NotApplicable: true, Detail: "nothing there"},
		{ID: "BK-3", Title: "c", Level: 2, Detail: "it is open"},
	}
	machine := []controls.Result{{ID: "BK-1", Title: "a", Level: 1, Detail: "not in the machine"}}
	got := intoto.Tests{Hardening: intoto.StatedControls(image), Booted: intoto.StatedControls(machine)}.Controls()
	want := []controls.Result{machine[0], image[1], image[2]}
	for i := range want {
		want[i].Title = ""
	}
	if !slices.Equal(got, want) {
		t.Errorf("got\n%+v\nwant\n%+v", got, want)
	}
}
