// Package lock holds the Lock: what an App means today, every input by
// digest. A Lock names archives, never a mirror's host. Reading is strict;
// writing is atomic and gives the same bytes for the same Lock. In JSON, as it
// is stated about what was made from it, its keys are the same.
package lock

import "time"

const (
	// APIVersion is the version of the lock file format.
	APIVersion = "bakelite.dev/v1"
	// Kind is the kind that every lock states.
	Kind = "Lock"
	// Annotation is the key by which an image's manifest names the digest of the
	// lock that it was made from.
	Annotation = "dev.bakelite.lock"
)

// Lock pins an App. The same Lock makes the same bytes on any machine.
type Lock struct {
	APIVersion string `yaml:"apiVersion" json:"apiVersion"`
	Kind       string `yaml:"kind" json:"kind"` // always Kind
	App        string `yaml:"app" json:"app"`
	// Bakelite is the version that made the lock.
	Bakelite string `yaml:"bakelite" json:"bakelite"`
	// Platform is "linux/amd64" or "linux/arm64".
	Platform string `yaml:"platform" json:"platform"`
	// Inputs is the digest of the parts of the app file that decide which
	// packages are needed; where it differs the lock is out of date.
	Inputs string `yaml:"inputs" json:"inputs"`
	// Base is the base image, where the app has one.
	Base *Image `yaml:"base,omitempty" json:"base,omitempty"`
	// Images are those that the app's Dockerfile names, sorted by reference. A
	// reference with a tag alone means the digest beside it.
	Images []Image `yaml:"images,omitempty" json:"images,omitempty"`
	// Distribution is what the packages are of. Locks that older versions made
	// have none, and no source of a package: they are out of date.
	Distribution *Distribution `yaml:"distribution,omitempty" json:"distribution,omitempty"`
	// Archives are the signed indexes that the packages come from.
	Archives []Archive `yaml:"archives" json:"archives"`
	// Rollback is what went back to something older when the lock was made,
	// because somebody said so.
	Rollback []Step `yaml:"rollback,omitempty" json:"rollback,omitempty"`
	// Files are the app's own files by content, sorted by path.
	Files []File `yaml:"files,omitempty" json:"files,omitempty"`
	// Packages, a list per layer of the root filesystem.
	Packages Layers `yaml:"packages" json:"packages"`
}

// Image is an image by digest; its reference has a host and a tag.
type Image struct {
	Ref    string `yaml:"ref" json:"ref"`
	Digest string `yaml:"digest" json:"digest"`
}

// Image returns the digest of one of Images, or "".
func (l *Lock) Image(ref string) string {
	for _, i := range l.Images {
		if i.Ref == ref {
			return i.Digest
		}
	}
	return ""
}

// Distribution is a distribution's release, for which advisories are published.
type Distribution struct {
	Name    string `yaml:"name" json:"name"`       // "debian"
	Release string `yaml:"release" json:"release"` // "13"
}

// Archive is one suite's signed index as it was when the lock was made.
type Archive struct {
	Name  string `yaml:"name" json:"name"`   // "debian", "debian-security"
	Suite string `yaml:"suite" json:"suite"` // "trixie", "trixie-security"
	// InRelease is the SHA-256 of the signed index.
	InRelease string    `yaml:"inRelease" json:"inRelease"`
	Date      time.Time `yaml:"date" json:"date"`
}

// Step is one thing that went back: an archive's index, as "debian/trixie",
// from one date to an older one, or a package, as "nginx:amd64", from one
// version to an older one.
type Step struct {
	Of   string `yaml:"of" json:"of"`
	From string `yaml:"from" json:"from"`
	To   string `yaml:"to" json:"to"`
}

// Layers lists packages by the layer of the root filesystem that they make.
type Layers struct {
	// Image is what the base image has, where there is one, by its own package
	// database.
	Image []Installed `yaml:"image,omitempty" json:"image,omitempty"`
	// Seed is unpacked, never configured: what apt and dpkg need to run.
	Seed []Pin `yaml:"seed" json:"seed"`
	// Base is the distribution's essential set; both artifacts stand on it.
	Base []Pin `yaml:"base,omitempty" json:"base,omitempty"`
	// App is what the app's packages add to Base.
	App []Pin `yaml:"app,omitempty" json:"app,omitempty"`
	// Machine is what only the disk adds to Base: kernel, init, firewall.
	Machine []Pin `yaml:"machine,omitempty" json:"machine,omitempty"`
	// MachineApp is what the app's packages add to Base and Machine.
	MachineApp []Pin `yaml:"machineApp,omitempty" json:"machineApp,omitempty"`
	// Build is what a Dockerfile's build adds to Base and App while it runs, and
	// MachineBuild the same for the disk; neither is in an artifact.
	Build        []Pin `yaml:"build,omitempty" json:"build,omitempty"`
	MachineBuild []Pin `yaml:"machineBuild,omitempty" json:"machineBuild,omitempty"`
	// Tools is what the disk's tools add to Base.
	Tools []Pin `yaml:"tools,omitempty" json:"tools,omitempty"`
}

// Pin is one package, by content.
type Pin struct {
	Name    string `yaml:"name" json:"name"`
	Version string `yaml:"version" json:"version"`
	Arch    string `yaml:"arch" json:"arch"`
	Archive string `yaml:"archive" json:"archive"` // an Archive's Name
	Path    string `yaml:"path" json:"path"`       // below the archive's root: "pool/…"
	SHA256  string `yaml:"sha256" json:"sha256"`   // 64 hex digits
	Size    int64  `yaml:"size" json:"size"`       // bytes
	// Source and SourceVersion name the source package where it has another
	// name or version; advisories speak of it.
	Source        string `yaml:"source,omitempty" json:"source,omitempty"`
	SourceVersion string `yaml:"sourceVersion,omitempty" json:"sourceVersion,omitempty"`
}

// Installed is one package as dpkg's database has it, with its source as in
// Pin.
type Installed struct {
	Name          string `yaml:"name" json:"name"`
	Version       string `yaml:"version" json:"version"`
	Arch          string `yaml:"arch" json:"arch"`
	Source        string `yaml:"source,omitempty" json:"source,omitempty"`
	SourceVersion string `yaml:"sourceVersion,omitempty" json:"sourceVersion,omitempty"`
}

// File is one of the app's own files.
type File struct {
	Path   string `yaml:"path" json:"path"` // below the app file's folder
	SHA256 string `yaml:"sha256" json:"sha256"`
	// Executable says that it has execute bits.
	Executable bool `yaml:"executable,omitempty" json:"executable,omitempty"`
}
