package controls

import (
	"slices"
	"strings"
)

// Right is what an app file lets one path have that controls take away from
// all others.
type Right struct {
	// Path is absolute and clean.
	Path string `json:"path"`
	// SetUID and SetGID let a file keep the bit, SetGID a folder too.
	SetUID bool `json:"setUID,omitempty"`
	SetGID bool `json:"setGID,omitempty"`
	// Capabilities are the most that a file may have, as "net_raw".
	Capabilities []string `json:"capabilities,omitempty"`
}

// Asked is what an app file asks for that a policy may refuse, whatever the
// artifact turns out to hold.
type Asked struct {
	// Rights are what single paths may have, which checks of the artifact hold
	// it to.
	Rights []Right `json:"rights,omitempty"`
	// Alters are the paths of the system that the app may change; changes of
	// others are refused when it is built.
	Alters []string `json:"alters,omitempty"`
	// Executable are the folders that the service writes to and in which
	// programs can be run.
	Executable []string `json:"executable,omitempty"`
}

// RightOf returns what rights say of a path, all together; one that none names
// gets a right that allows nothing.
func RightOf(rights []Right, path string) Right {
	all := Right{Path: path}
	for _, r := range rights {
		if r.Path == path {
			all.SetUID, all.SetGID = all.SetUID || r.SetUID, all.SetGID || r.SetGID
			all.Capabilities = append(all.Capabilities, r.Capabilities...)
		}
	}
	return all
}

// RightsAt are rights with the paths that theirs lead to, by links of the tree:
// /bin/ping is /usr/bin/ping. One that leads nowhere allows nothing.
func RightsAt(rights []Right, real func(path string) (string, error)) []Right {
	var all []Right
	for _, r := range rights {
		path, err := real(r.Path)
		if err != nil {
			continue
		}
		r.Path = path
		all = append(all, r)
	}
	return all
}

// AllowsBits says whether a file or folder may have the set-uid and set-gid
// bits of a mode.
func (r Right) AllowsBits(mode uint32) bool {
	return (mode&0o4000 == 0 || r.SetUID) && (mode&0o2000 == 0 || r.SetGID)
}

// AllowsCapabilities says whether a file may have these.
func (r Right) AllowsCapabilities(names []string) bool {
	return len(names) > 0 && !slices.ContainsFunc(names, func(name string) bool { return !slices.Contains(r.Capabilities, name) })
}

// Foreign says whether what has an owner, a group and a mode can be written by
// another than root: by its owner, or by its group.
func Foreign(uid, gid, mode uint32) bool { return uid != 0 || gid != 0 && mode&0o020 != 0 }

// Covers says whether a path is one of a setting's, or lies below one.
func (s Setting) Covers(path string) bool {
	return slices.ContainsFunc(s.Paths, func(p string) bool { return path == p || strings.HasPrefix(path, p+"/") })
}

// MayBeRoots says whether a path lies where settings of the kind RootOwned look.
func MayBeRoots(path string) bool {
	top, _, _ := strings.Cut(strings.TrimPrefix(path, "/"), "/")
	return slices.Contains([]string{"boot", "etc", "root", "usr"}, top)
}

// Excepted says whether a path is one of a setting's exceptions or lies below
// one.
func (s Setting) Excepted(path string) bool {
	return slices.ContainsFunc(s.Except, func(e string) bool { return path == e || strings.HasPrefix(path, e+"/") })
}
