// Package lock holds the Lock: what an App means today, every input by
// digest. A Lock names archives, never a mirror's host. Reading is strict;
// writing is atomic and gives the same bytes for the same Lock.
package lock

import "time"

// APIVersion is the version of the lock file format.
const APIVersion = "bakelite.dev/v1"

// Lock pins an App. The same Lock makes the same bytes on any machine.
type Lock struct {
	APIVersion string `yaml:"apiVersion"`
	Kind       string `yaml:"kind"` // always "Lock"
	App        string `yaml:"app"`
	// Bakelite is the version that made the lock.
	Bakelite string `yaml:"bakelite"`
	// Platform is "linux/amd64" or "linux/arm64".
	Platform string `yaml:"platform"`
	// Inputs is the digest of the parts of the app file that decide which
	// packages are needed; where it differs the lock is out of date.
	Inputs string `yaml:"inputs"`
	// Base is the base image, where the app has one.
	Base *Image `yaml:"base,omitempty"`
	// Images are those that the app's Dockerfile names, sorted by reference. A
	// reference with a tag alone means the digest beside it.
	Images []Image `yaml:"images,omitempty"`
	// Archives are the signed indexes that the packages come from.
	Archives []Archive `yaml:"archives"`
	// Rollback is what went back to something older when the lock was made,
	// because somebody said so.
	Rollback []Step `yaml:"rollback,omitempty"`
	// Files are the app's own files by content, sorted by path.
	Files []File `yaml:"files,omitempty"`
	// Packages, a list per layer of the root filesystem.
	Packages Layers `yaml:"packages"`
}

// Image is an image by digest; its reference has a host and a tag.
type Image struct {
	Ref    string `yaml:"ref"`
	Digest string `yaml:"digest"`
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

// Archive is one suite's signed index as it was when the lock was made.
type Archive struct {
	Name  string `yaml:"name"`  // "debian", "debian-security"
	Suite string `yaml:"suite"` // "trixie", "trixie-security"
	// InRelease is the SHA-256 of the signed index.
	InRelease string    `yaml:"inRelease"`
	Date      time.Time `yaml:"date"`
}

// Step is one thing that went back: an archive's index, as "debian/trixie",
// from one date to an older one, or a package, as "nginx:amd64", from one
// version to an older one.
type Step struct {
	Of   string `yaml:"of"`
	From string `yaml:"from"`
	To   string `yaml:"to"`
}

// Layers lists packages by the layer of the root filesystem that they make.
type Layers struct {
	// Seed is unpacked, never configured: what apt and dpkg need to run.
	Seed []Pin `yaml:"seed"`
	// Base is the distribution's essential set; both artifacts stand on it.
	Base []Pin `yaml:"base,omitempty"`
	// App is what the app's packages add to Base.
	App []Pin `yaml:"app,omitempty"`
	// Machine is what only the disk adds to Base: kernel, init, firewall.
	Machine []Pin `yaml:"machine,omitempty"`
	// MachineApp is what the app's packages add to Base and Machine.
	MachineApp []Pin `yaml:"machineApp,omitempty"`
	// Tools is what the disk's tools add to Base.
	Tools []Pin `yaml:"tools,omitempty"`
}

// Pin is one package, by content.
type Pin struct {
	Name    string `yaml:"name"`
	Version string `yaml:"version"`
	Arch    string `yaml:"arch"`
	Archive string `yaml:"archive"` // an Archive's Name
	Path    string `yaml:"path"`    // below the archive's root: "pool/…"
	SHA256  string `yaml:"sha256"`  // 64 hex digits
	Size    int64  `yaml:"size"`    // bytes
}

// File is one of the app's own files.
type File struct {
	Path   string `yaml:"path"` // below the app file's folder
	SHA256 string `yaml:"sha256"`
	// Executable says that it has execute bits.
	Executable bool `yaml:"executable,omitempty"`
}
