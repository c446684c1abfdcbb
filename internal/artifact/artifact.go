// Package artifact holds what every builder makes: the Artifact.
package artifact

// Kinds of artifacts.
const (
	Container = "container"
	Disk      = "disk"
)

// Artifact is one thing that was made, by content.
type Artifact struct {
	// Kind is Container or Disk.
	Kind string `json:"kind"`
	// Format is layout or archive for a container; raw, qcow2, vmdk
	// or vhd for a disk.
	Format string `json:"format"`
	// Ref names a container image: a layout folder or a repository, "@" and
	// the digest.
	Ref string `json:"ref,omitempty"`
	// Path is the file or folder, where it is on this machine.
	Path string `json:"path,omitempty"`
	// Digest is the manifest's digest or the file's, as "sha256:…".
	Digest string `json:"digest"`
	// Size is the number of bytes to store or send: blobs or file.
	Size int64 `json:"size"`
	// Platform is "linux/amd64" or "linux/arm64".
	Platform string `json:"platform"`
}
