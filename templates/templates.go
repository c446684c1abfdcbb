// Package templates holds what is data rather than code: scripts of the root
// filesystem, parts of the machine, hardening controls and starters. It
// imports nothing and everybody may read it.
package templates

import (
	"embed"
	"strings"
)

//go:embed rootfs schema starters
var files embed.FS

// Text returns a file of this folder; it panics where there is none, which
// only a defect of this program can cause.
func Text(name string) string {
	text, err := files.ReadFile(name)
	if err != nil {
		panic(err)
	}
	return string(text)
}

// Lines returns the lines of a file without empty ones and comments.
func Lines(name string) []string {
	var lines []string
	for line := range strings.Lines(Text(name)) {
		if line = strings.TrimSpace(line); line != "" && !strings.HasPrefix(line, "#") {
			lines = append(lines, line)
		}
	}
	return lines
}
