// Package controls holds hardening controls as data: what each sets, and so how
// to check it. The same record is applied to a tree (scan/controls/apply) and
// checked on what was made of it (scan/controls/check); scan/controls/catalogue
// reads the records. It refuses records that contradict each other. It imports
// nothing heavy, for a program inside of a build step or a machine links it;
// flows, scanners and commands may import it too.
package controls

import "slices"

// The artifacts that a control can be for, as in package app's Test.On.
const (
	Container = "container"
	Disk      = "disk"
)

// Control is one hardening control: what it sets, and so how to check it.
type Control struct {
	// ID is "BK-", an area and a number, and never changes its meaning.
	ID string `yaml:"id" json:"id"`
	// Title says what is true where the control holds.
	Title string `yaml:"title" json:"title"`
	// Level is 1 for what every artifact can bear, 2 for what costs speed or
	// function, in the sense of the CIS benchmarks.
	Level int `yaml:"level" json:"level"`
	// On lists the artifacts that the control is for.
	On []string `yaml:"on" json:"on"`
	// Unless is what an app may be allowed (service.allow) that the control
	// would take from it; it is not for such apps.
	Unless string `yaml:"unless" json:"unless,omitempty"`
	// Where is a path without which the control has nothing to do.
	Where string `yaml:"where" json:"where,omitempty"`
	// ImageOnly says that a running machine may make the files anew.
	ImageOnly bool `yaml:"imageOnly" json:"imageOnly,omitempty"`
	// RunningOnly says that only a running machine shows it.
	RunningOnly bool `yaml:"runningOnly" json:"runningOnly,omitempty"`
	// References are sections by the key of a source in sources.go.
	References map[string][]string `yaml:"references" json:"references,omitempty"`
	// Sets is what the control sets.
	Sets []Setting `yaml:"sets" json:"sets"`
}

// Setting is one thing that a control sets; kinds.go says which fields each
// kind has.
type Setting struct {
	Kind string `yaml:"kind" json:"kind"`
	// Path is the file, or the mount point.
	Path string `yaml:"path" json:"path,omitempty"`
	// Paths may end in a pattern where the kind is "absent".
	Paths []string `yaml:"paths" json:"paths,omitempty"`
	// Except lists what keeps its bits or lists, with all below it.
	Except []string `yaml:"except" json:"except,omitempty"`
	// Mode is the largest octal mode that is allowed; files are made with it.
	Mode string `yaml:"mode" json:"mode,omitempty"`
	// Owner is uid:gid in numbers, since names differ between trees.
	Owner string `yaml:"owner" json:"owner,omitempty"`
	// Content is the whole text of a file.
	Content string `yaml:"content" json:"content,omitempty"`
	// Syntax is "words" (KEY VALUE, the last counts) or "sshd".
	Syntax string `yaml:"syntax" json:"syntax,omitempty"`
	// Values are keys of the kernel, of a file or of a process; or paths below
	// /proc and /sys, and a word that each has.
	Values map[string]string `yaml:"values" json:"values,omitempty"`
	// Names are kernel modules, words of the kernel's command line, words that
	// lines of files must not have, or things to try.
	Names []string `yaml:"names" json:"names,omitempty"`
	// Options are options of a mount.
	Options []string `yaml:"options" json:"options,omitempty"`
}

// For returns the controls of one artifact up to a level, 1 or 2, but those
// that would take what is allowed.
func For(cs []Control, artifact string, level int, allowed ...string) []Control {
	var chosen []Control
	for _, c := range cs {
		if c.Level <= level && slices.Contains(c.On, artifact) && !slices.Contains(allowed, c.Unless) {
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
			if s.Kind == KernelArgument {
				words = append(words, s.Names...)
			}
		}
	}
	slices.Sort(words)
	return slices.Compact(words)
}
