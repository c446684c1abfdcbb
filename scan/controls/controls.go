// Package controls turns hardening controls, which are data, into a script
// that applies them to a tree and a script that checks them, both made from
// the same record. It refuses records that it does not understand, records
// that contradict each other, and results that do not name every control
// exactly once. It runs nothing itself: builders run the scripts.
package controls

import (
	"slices"

	"github.com/bakelite/bakelite/templates"
)

// The artifacts that a control can be for, as in package app's Test.On.
const (
	Container = "container"
	Disk      = "disk"
)

// Control is one hardening control: what it sets, and so how to check it.
type Control struct {
	// ID is "BK-", an area and a number, and never changes its meaning.
	ID string `yaml:"id"`
	// Title says what is true where the control holds.
	Title string `yaml:"title"`
	// Level is 1 for what every artifact can bear, 2 for what costs speed or
	// function, in the sense of the CIS benchmarks.
	Level int `yaml:"level"`
	// On lists the artifacts that the control is for.
	On []string `yaml:"on"`
	// Where is a path without which the control has nothing to do.
	Where string `yaml:"where"`
	// ImageOnly says that a running machine may make the files anew.
	ImageOnly bool `yaml:"imageOnly"`
	// References are sections by the key of a source in sources.go.
	References map[string][]string `yaml:"references"`
	// Sets is what the control sets.
	Sets []Setting `yaml:"sets"`
}

// Setting is one thing that a control sets; kinds.go says which fields each
// kind has.
type Setting struct {
	Kind string `yaml:"kind"`
	// Path is the file, or the mount point.
	Path string `yaml:"path"`
	// Paths may end in a pattern where the kind is "absent".
	Paths []string `yaml:"paths"`
	// Except lists the files that keep their set-uid and set-gid bits.
	Except []string `yaml:"except"`
	// Mode is the largest octal mode that is allowed; files are made with it.
	Mode string `yaml:"mode"`
	// Owner is uid:gid in numbers, since names differ between trees.
	Owner string `yaml:"owner"`
	// Content is the whole text of a file.
	Content string `yaml:"content"`
	// Syntax is "words" (KEY VALUE, the last counts) or "sshd".
	Syntax string `yaml:"syntax"`
	// Values are keys of the kernel or of a file.
	Values map[string]string `yaml:"values"`
	// Names are kernel modules or words of the kernel's command line.
	Names []string `yaml:"names"`
	// Options are options of a mount.
	Options []string `yaml:"options"`
}

// Load returns all controls in the order of their identifiers; an error is a
// defect of this program and names every record that is wrong.
func Load() ([]Control, error) {
	return parse([]byte(templates.Text("controls/controls.yaml")))
}

// For returns the controls of one artifact up to a level, 1 or 2.
func For(cs []Control, artifact string, level int) []Control {
	var chosen []Control
	for _, c := range cs {
		if c.Level <= level && slices.Contains(c.On, artifact) {
			chosen = append(chosen, c)
		}
	}
	return chosen
}

// KernelArguments returns the words that the controls put on the kernel's
// command line, sorted.
func KernelArguments(cs []Control) []string {
	var words []string
	for _, c := range cs {
		for _, s := range c.Sets {
			if s.Kind == "kernel-argument" {
				words = append(words, s.Names...)
			}
		}
	}
	slices.Sort(words)
	return slices.Compact(words)
}
