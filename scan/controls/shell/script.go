// Package shell writes the script that a step of a build applies controls with:
// scan/controls/apply does the same without a shell.
package shell

import (
	"strings"

	"github.com/bakelite/bakelite/internal/shell"
	"github.com/bakelite/bakelite/scan/controls"
	"github.com/bakelite/bakelite/templates"
)

// ApplyScript returns a POSIX shell script that applies the controls to the
// tree at $ROOT, as root; templates/controls/apply.sh names its other
// variables. It fails on a tree whose links would lead it astray.
func ApplyScript(cs []controls.Control) string {
	var b strings.Builder
	b.WriteString("set -eu\n" + templates.Text("controls/tree.sh") + templates.Text("controls/apply.sh"))
	for _, f := range controls.SharedFiles(cs) {
		b.WriteString(when(f.Where, call("put", f.Path, f.Mode, f.Text())+"\n"))
	}
	for _, c := range cs {
		calls := ""
		for _, s := range c.Sets {
			calls += applied(s)
		}
		if calls != "" {
			b.WriteString("# " + c.ID + "\n" + when(c.Where, calls))
		}
	}
	return b.String()
}

// applied is the call that applies a setting, "" for what shares a file or is
// checked only.
func applied(s controls.Setting) string {
	line := ""
	switch s.Name() {
	case controls.File:
		line = call("put", s.Path, strings.TrimLeft(s.Mode, "0"), s.Content)
	case controls.Absent:
		line = call("drop", s.Paths...)
	case controls.Mode:
		line = call("limit", append([]string{strings.TrimLeft(s.Mode, "0"), s.Owner}, s.Paths...)...)
	case controls.NoSpecialBits:
		line = call("strip_bits", s.Except...)
	case controls.NoWorldWritable:
		line = call("strip_world_writable")
	case controls.NoPassword:
		line = call("lock_passwords")
	case controls.NoLogin:
		line = call("lock_shells")
	case controls.Config + " " + controls.Words:
		line = call("set_keys", append([]string{s.Path}, controls.Pairs(s.Values, "=")...)...)
	default:
		return ""
	}
	return line + "\n"
}

func when(where, calls string) string {
	if where == "" {
		return calls
	}
	return "if present " + shell.Quote(where) + "; then\n" + calls + "fi\n"
}

// call writes a command with quoted arguments.
func call(name string, args ...string) string {
	for _, arg := range args {
		name += " " + shell.Quote(arg)
	}
	return name
}
