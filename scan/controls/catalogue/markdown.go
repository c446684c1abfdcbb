package catalogue

import (
	"fmt"
	"maps"
	"slices"
	"strings"

	"github.com/bakelite/bakelite/scan/controls"
)

// Markdown returns docs/controls.md: a table of the controls and their sources.
func Markdown(cs []controls.Control) string {
	var b strings.Builder
	b.WriteString("# Hardening controls\n\nMade from templates/controls/controls.yaml; `go test ./scan/controls/catalogue -update` writes it anew. " +
		"Each control is applied and checked from the same record. Level 1 is for every artifact; level 2 costs speed or function, and is for apps whose file says `hardening: {level: 2}`.\n\n" +
		"| Control | What holds | Level | On | Sets | References |\n|---|---|---|---|---|---|\n")
	for _, c := range cs {
		title := c.Title
		if c.Where != "" {
			title += " (where there is `" + c.Where + "`)"
		}
		if c.Unless != "" {
			title += " (unless the app file allows `" + c.Unless + "`)"
		}
		if c.ImageOnly {
			title += " (checked on the image only)"
		}
		if c.RunningOnly {
			title += " (checked on the running machine only)"
		}
		fmt.Fprintf(&b, "| %s | %s | %d | %s | %s | %s |\n", c.ID, title, c.Level, strings.Join(c.On, ", "), settingsText(c), referencesText(c))
	}
	b.WriteString("\nSources:\n\n")
	for _, key := range slices.Sorted(maps.Keys(controls.Sources())) {
		fmt.Fprintf(&b, "* %s: %s\n", key, controls.Sources()[key])
	}
	return b.String()
}

func settingsText(c controls.Control) string {
	var all []string
	for _, s := range c.Sets {
		all = append(all, s.Kind+details(s))
	}
	return strings.Join(all, "; ")
}

// details lists what a setting is about, as code.
func details(s controls.Setting) string {
	words := s.Words()
	for i, word := range words {
		words[i] = "`" + word + "`"
	}
	if len(words) == 0 {
		return ""
	}
	return " " + strings.Join(words, ", ")
}

func referencesText(c controls.Control) string {
	var all []string
	for _, key := range slices.Sorted(maps.Keys(c.References)) {
		all = append(all, key+" "+strings.Join(c.References[key], ", "))
	}
	return strings.Join(all, "; ")
}
