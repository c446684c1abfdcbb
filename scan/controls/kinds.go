package controls

import (
	"maps"
	"slices"
	"strings"
)

// kind is how one kind of setting is applied and checked; both are calls of
// functions in templates/controls.
type kind struct {
	// needs and may are the fields that a setting must and can have.
	needs, may []string
	// on is the only artifact that the kind makes sense for, or "" for both.
	on string
	// apply is nil for what is checked only.
	apply func(Setting) string
	// shared is set instead of apply where several settings make one file.
	shared func(Setting) part
	check  func(Setting) string
}

// part is a setting's share of a file that Bakelite writes whole.
type part struct {
	path, mode string
	lines      []string
}

// The files that several controls share. The names sort after those of the
// distribution, whose settings they override; sshd keeps what it reads first.
const (
	sysctlFile = "/etc/sysctl.d/90-bakelite.conf"
	moduleFile = "/etc/modprobe.d/90-bakelite.conf"
)

// kinds is the closed table of the kinds of settings.
func kinds() map[string]kind {
	return map[string]kind{
		"file": {
			needs: []string{"path", "mode", "content"},
			apply: func(s Setting) string { return call("put", s.Path, octal(s.Mode), s.Content) },
			check: func(s Setting) string { return call("wrong_file", s.Path, octal(s.Mode), s.Content) },
		},
		"absent": {
			needs: []string{"paths"},
			apply: func(s Setting) string { return call("drop", s.Paths...) },
			check: func(s Setting) string { return call("wrong_present", s.Paths...) },
		},
		"mode": {
			needs: []string{"paths", "mode", "owner"},
			apply: func(s Setting) string { return call("limit", modeArgs(s)...) },
			check: func(s Setting) string { return call("wrong_mode", modeArgs(s)...) },
		},
		"no-special-bits": {
			may:   []string{"except"},
			apply: func(s Setting) string { return call("strip_bits", s.Except...) },
			check: func(s Setting) string { return call("wrong_bits", s.Except...) },
		},
		"no-world-writable": {
			apply: func(Setting) string { return call("strip_world_writable") },
			check: func(Setting) string { return call("wrong_world_writable") },
		},
		"no-password": {
			apply: func(Setting) string { return call("lock_passwords") },
			check: func(Setting) string { return call("wrong_passwords") },
		},
		"no-login": {
			apply: func(Setting) string { return call("lock_shells") },
			check: func(Setting) string { return call("wrong_shells") },
		},
		"sysctl": {
			needs: []string{"values"}, on: Disk,
			shared: func(s Setting) part { return part{sysctlFile, "644", pairs(s.Values, " = ")} },
			check:  func(s Setting) string { return call("wrong_sysctl", pairs(s.Values, "=")...) },
		},
		"module": {
			needs: []string{"names"}, on: Disk,
			shared: func(s Setting) part { return part{moduleFile, "644", moduleLines(s.Names)} },
			check:  func(s Setting) string { return call("wrong_module", s.Names...) },
		},
		"kernel-argument": {
			needs: []string{"names"}, on: Disk,
			check: func(s Setting) string { return call("wrong_argument", s.Names...) },
		},
		"mount-option": {
			needs: []string{"path", "options"}, on: Disk,
			check: func(s Setting) string { return call("wrong_mount", prepend(s.Path, s.Options)...) },
		},
	}
}

// syntaxes is the part of the table for the kind "config", by syntax.
func syntaxes() map[string]kind {
	needs := []string{"path", "values", "syntax"}
	return map[string]kind{
		"words": {
			needs: needs,
			apply: func(s Setting) string { return call("set_keys", prepend(s.Path, pairs(s.Values, "="))...) },
			check: func(s Setting) string { return call("wrong_keys", prepend(s.Path, pairs(s.Values, "="))...) },
		},
		"sshd": {
			needs: needs, on: Disk,
			shared: func(s Setting) part { return part{s.Path, "600", pairs(s.Values, " ")} },
			check:  func(s Setting) string { return call("wrong_sshd", pairs(s.Values, "=")...) },
		},
	}
}

// kindOf returns the kind of a setting.
func kindOf(s Setting) (kind, bool) {
	if s.Kind == "config" {
		k, ok := syntaxes()[s.Syntax]
		return k, ok
	}
	k, ok := kinds()[s.Kind]
	return k, ok
}

func modeArgs(s Setting) []string {
	return append([]string{octal(s.Mode), s.Owner}, s.Paths...)
}

func octal(mode string) string { return strings.TrimLeft(mode, "0") }

func prepend(first string, rest []string) []string { return append([]string{first}, rest...) }

func pairs(values map[string]string, between string) []string {
	var lines []string
	for _, key := range slices.Sorted(maps.Keys(values)) {
		lines = append(lines, key+between+values[key])
	}
	return lines
}

func moduleLines(names []string) []string {
	var lines []string
	for _, name := range names {
		lines = append(lines, "blacklist "+name, "install "+name+" /bin/false")
	}
	return lines
}
