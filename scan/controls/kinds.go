package controls

import (
	"maps"
	"slices"
	"strings"
)

// The kinds of settings. Config stands for one kind for each syntax.
const (
	File            = "file"
	Absent          = "absent"
	Mode            = "mode"
	NoSpecialBits   = "no-special-bits"
	NoWorldWritable = "no-world-writable"
	NoSetGIDFolders = "no-setgid-folders"
	NoCapabilities  = "no-capabilities"
	NoDevices       = "no-devices"
	NoACLs          = "no-acls"
	NoImageNames    = "no-image-names"
	RootOwned       = "root-owned"
	NoWords         = "no-words"
	NoPassword      = "no-password"
	NoLogin         = "no-login"
	Accounts        = "accounts"
	Sysctl          = "sysctl"
	Module          = "module"
	KernelArgument  = "kernel-argument"
	MountOption     = "mount-option"
	Config          = "config"
	Process         = "process"
	Ports           = "ports"
	KernelState     = "kernel-state"
	Refused         = "refused"
)

// The syntaxes of files of the kind Config.
const (
	Words = "words"
	SSHD  = "sshd"
)

// kind says what a setting of a kind consists of.
type kind struct {
	// needs and may are the fields that a setting must and can have.
	needs, may []string
	// on is the only artifact that the kind makes sense for, or "" for both.
	on string
	// running says that only a running machine shows it; effect, that it shows
	// there what another setting of the same control asks for.
	running, effect bool
	// shared is set where several settings make one file.
	shared func(Setting) part
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

// kinds is the closed table of the kinds of settings, by Setting.Name.
func kinds() map[string]kind {
	config := []string{"path", "values", "syntax"}
	return map[string]kind{
		File:            {needs: []string{"path", "mode", "content"}},
		Absent:          {needs: []string{"paths"}},
		Mode:            {needs: []string{"paths", "mode", "owner"}},
		NoSpecialBits:   {may: []string{"except"}},
		NoWorldWritable: {},
		NoSetGIDFolders: {may: []string{"except"}},
		NoCapabilities:  {},
		NoDevices:       {},
		NoACLs:          {may: []string{"except"}},
		NoImageNames:    {},
		RootOwned:       {needs: []string{"paths"}},
		NoWords:         {needs: []string{"paths", "names"}},
		NoPassword:      {},
		NoLogin:         {},
		Accounts:        {},
		Sysctl: {
			needs: []string{"values"}, on: Disk,
			shared: func(s Setting) part { return part{sysctlFile, "644", Pairs(s.Values, " = ")} },
		},
		Module: {
			needs: []string{"names"}, on: Disk,
			shared: func(s Setting) part { return part{moduleFile, "644", moduleLines(s.Names)} },
		},
		KernelArgument:       {needs: []string{"names"}, on: Disk},
		MountOption:          {needs: []string{"path", "options"}, on: Disk},
		Process:              {needs: []string{"values"}, on: Disk, running: true},
		Ports:                {on: Disk, running: true},
		KernelState:          {needs: []string{"values"}, on: Disk, effect: true},
		Refused:              {needs: []string{"names"}, on: Disk, effect: true},
		Config + " " + Words: {needs: config},
		Config + " " + SSHD: {
			needs: config, on: Disk,
			shared: func(s Setting) part { return part{s.Path, "600", Pairs(s.Values, " ")} },
		},
	}
}

// KindNames lists the kinds, as Setting.Name gives them, sorted.
func KindNames() []string { return slices.Sorted(maps.Keys(kinds())) }

// Name is the setting's kind, and its syntax after a space where it has one.
func (s Setting) Name() string {
	if s.Kind == Config {
		return s.Kind + " " + s.Syntax
	}
	return s.Kind
}

// Words lists what a setting is about: its path first, its exceptions last.
func (s Setting) Words() []string {
	var words []string
	if s.Path != "" {
		words = append(words, s.Path)
	}
	words = slices.Concat(words, s.Paths, Pairs(s.Values, "="), s.Names, s.Options)
	if len(s.Except) > 0 {
		words = append(append(words, "all but"), s.Except...)
	}
	return words
}

// Pairs writes keys and values with something between them, sorted by key.
func Pairs(values map[string]string, between string) []string {
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

// sharedHeader is the first line of the files that several controls make.
const sharedHeader = "# Written by Bakelite from its hardening controls.\n"

// SharedFile is a file that several controls make.
type SharedFile struct {
	Path string
	// Mode is octal.
	Mode string
	// Where is a path without which the file is not made, "" for none.
	Where string
	lines []string
}

// Text is the file's content.
func (f SharedFile) Text() string {
	return sharedHeader + strings.Join(slices.Sorted(slices.Values(f.lines)), "\n") + "\n"
}

// SharedFiles returns the files that several controls make, sorted by path.
func SharedFiles(cs []Control) []SharedFile {
	var files []SharedFile
	for _, c := range cs {
		for _, s := range c.Sets {
			k := kinds()[s.Name()]
			if k.shared == nil {
				continue
			}
			p := k.shared(s)
			i := slices.IndexFunc(files, func(f SharedFile) bool { return f.Path == p.path })
			if i < 0 {
				files = append(files, SharedFile{Path: p.path, Mode: p.mode, Where: c.Where})
				i = len(files) - 1
			}
			files[i].lines = append(files[i].lines, p.lines...)
		}
	}
	slices.SortFunc(files, func(a, b SharedFile) int { return strings.Compare(a.Path, b.Path) })
	return files
}
