package report

import (
	"maps"
	"slices"
	"strings"

	"github.com/bakelite/bakelite/scan/controls"
)

// areas are the titles of the areas in which controls are numbered, in the
// order of the page.
func areas() [][2]string {
	return [][2]string{
		{"FS", "Files"}, {"MNT", "Mounts"}, {"ACC", "Accounts"}, {"SSH", "Access over SSH"}, {"BOOT", "Boot and kernel arguments"},
		{"KRN", "Kernel"}, {"MOD", "Kernel modules"}, {"NET", "Network"}, {"SVC", "The service"}, {"SYS", "The system"}, {"", "Others"},
	}
}

// areaOf is the part of an identifier after "BK-", or "" where it is none of
// areas.
func areaOf(id string) string {
	_, rest, _ := strings.Cut(id, "-")
	area, _, _ := strings.Cut(rest, "-")
	if slices.ContainsFunc(areas(), func(a [2]string) bool { return a[0] == area }) {
		return area
	}
	return ""
}

// titled gives results the title that the catalogue has.
func titled(all []controls.Result, catalogue []controls.Control) []controls.Result {
	all = slices.Clone(all)
	for i, r := range all {
		if r.Title == "" {
			all[i].Title = controlOf(catalogue, r.ID).Title
		}
	}
	return all
}

// controlOf is the control of an identifier, an empty one where an older or
// newer catalogue had it.
func controlOf(catalogue []controls.Control, id string) controls.Control {
	for _, c := range catalogue {
		if c.ID == id {
			return c
		}
	}
	return controls.Control{}
}

// sections sorts controls by their area, those that fail first.
func sections(all []controls.Result, catalogue []controls.Control) []Section {
	made := []Section{}
	for _, area := range areas() {
		s := Section{Title: area[1]}
		for _, r := range all {
			if areaOf(r.ID) == area[0] {
				c := controlOf(catalogue, r.ID)
				s.Controls = append(s.Controls, Control{Result: r, Sets: setsOf(c), References: referencesOf(c)})
			}
		}
		slices.SortStableFunc(s.Controls, func(a, b Control) int { return place(a.Result) - place(b.Result) })
		if len(s.Controls) > 0 {
			made = append(made, s)
		}
	}
	return made
}

func place(r controls.Result) int {
	switch {
	case !r.Passed:
		return 0
	case r.NotApplicable:
		return 2
	}
	return 1
}

func setsOf(c controls.Control) []string {
	var all []string
	for _, s := range c.Sets {
		all = append(all, strings.TrimSpace(s.Kind+" "+strings.Join(s.Words(), ", ")))
	}
	return all
}

func referencesOf(c controls.Control) []string {
	var all []string
	for _, source := range slices.Sorted(maps.Keys(c.References)) {
		name := controls.Sources()[source]
		if name == "" {
			name = source
		}
		all = append(all, name+": "+strings.Join(c.References[source], ", "))
	}
	return all
}

// Score counts a section's controls.
func (s Section) Score() controls.Score {
	var all []controls.Result
	for _, c := range s.Controls {
		all = append(all, c.Result)
	}
	return controls.ScoreOf(all)
}
