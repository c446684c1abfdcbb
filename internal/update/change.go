// Package update holds the nouns of keeping apps up to date: what changed
// beneath an app, what it means for the app and why, and in which order apps
// are rebuilt. It is pure: it reads no clock, file or network, so that every
// decision can be repeated from what it was made of. Flows and commands may
// import it.
package update

import (
	"cmp"
	"slices"
	"time"
)

// Kind is what sort of thing changed beneath an app.
type Kind string

// The kinds.
const (
	// Package is a package of the archive.
	Package Kind = "package"
	// Image is a base image, or one that a Dockerfile names.
	Image Kind = "image"
	// Files are the app's own files.
	Files Kind = "files"
	// Asked is the app file: it asks for other packages or another base.
	Asked Kind = "app"
	// Recipe is Bakelite itself, its version or its templates.
	Recipe Kind = "bakelite"
	// Unbuilt says that what the lock means was not built here, or is gone.
	Unbuilt Kind = "unbuilt"
	// Parent is an app that this one stands on and that is rebuilt.
	Parent Kind = "parent"
	// Revoked is an image that was revoked since.
	Revoked Kind = "revoked"
)

// Origin is why a suite of the archive exists.
type Origin string

// The origins.
const (
	Security     Origin = "security"
	Updates      Origin = "updates"
	PointRelease Origin = "point release"
)

// States of a package, as distro/debian/upgrade has them.
const (
	Newer   = "newer"
	Content = "content"
	Added   = "added"
	Older   = "older"
	Gone    = "gone"
)

// Places that a change reaches.
const (
	Container = "container"
	Disk      = "disk"
	// Tools are what builds the two: their bytes may change with it.
	Tools = "tools"
)

// Change is one thing that is no longer as the lock says.
type Change struct {
	Kind Kind `json:"kind"`
	// Name is a package, an image's reference, or a file.
	Name string `json:"name"`
	Arch string `json:"arch,omitempty"`
	// From is what the lock has, To what there is now: versions or digests;
	// empty where there is none.
	From string `json:"from,omitempty"`
	To   string `json:"to,omitempty"`
	// State is of a package: newer, content, added, older or gone.
	State string `json:"state,omitempty"`
	// Suite has To, and Origin says what that suite is for.
	Suite  string `json:"suite,omitempty"`
	Origin Origin `json:"origin,omitempty"`
	// In lists the places that it reaches: container, disk, tools.
	In []string `json:"in,omitempty"`
	// Kernel says that it is the disk's kernel.
	Kernel bool `json:"kernel,omitempty"`
	// Fixes are the advisories that From has and To has not.
	Fixes []Advisory `json:"fixes,omitempty"`
	// Since is the date of the first index with To, as far as this machine
	// saw; zero where unknown.
	Since time.Time `json:"since,omitzero"`
	// Seen is when this machine first read an index with To.
	Seen time.Time `json:"seen,omitzero"`
	// SHA256 and Size, in bytes, are those of To's file.
	SHA256 string `json:"sha256,omitempty"`
	Size   int64  `json:"size,omitempty"`
	// Why is more about it, in words.
	Why string `json:"why,omitempty"`
}

// Advisory is one known vulnerability of a package that the lock has.
type Advisory struct {
	ID string `json:"id"`
	// Severity is unknown, low, medium, high or critical.
	Severity string `json:"severity"`
	// FixedIn is the first version without it, "" where there is none.
	FixedIn string `json:"fixedIn,omitempty"`
}

// severities from the least to the worst.
func severities() []string { return []string{"unknown", "low", "medium", "high", "critical"} }

// Rank is a severity's place; a word that is none counts as the worst.
func Rank(severity string) int {
	all := severities()
	if i := slices.Index(all, severity); i >= 0 {
		return i
	}
	return len(all) - 1
}

// Worst returns the worst severity that a change fixes, "" for none.
func (c Change) Worst() string {
	worst := ""
	for _, f := range c.Fixes {
		if worst == "" || Rank(f.Severity) > Rank(worst) {
			worst = f.Severity
		}
	}
	return worst
}

// Unknown is something that could not be read, so that nobody knows whether
// the app is current.
type Unknown struct {
	// What it is: a suite, an image, the database.
	What string `json:"what"`
	Why  string `json:"why"`
	// Since is when it could not be read for the first time in a row.
	Since time.Time `json:"since"`
	// Broken says that something was read and did not hold: a signature, a
	// digest, a date.
	Broken bool `json:"broken,omitempty"`
}

// Sort orders changes by kind and name.
func Sort(changes []Change) {
	slices.SortFunc(changes, func(a, b Change) int {
		return cmp.Or(cmp.Compare(rankOf(a.Kind), rankOf(b.Kind)), cmp.Compare(a.Name, b.Name),
			cmp.Compare(a.Arch, b.Arch), cmp.Compare(a.From, b.From), cmp.Compare(a.To, b.To))
	})
}

func rankOf(k Kind) int {
	return slices.Index([]Kind{Revoked, Parent, Image, Package, Asked, Files, Recipe, Unbuilt}, k)
}
