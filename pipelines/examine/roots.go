package examine

import (
	"github.com/bakelite/bakelite/internal/artifact"
	"github.com/bakelite/bakelite/scan/protocol"
)

// Bootable returns the one of an image's or disk's forms that is booted, run
// and scanned.
func Bootable(made []artifact.Artifact) artifact.Artifact {
	var found artifact.Artifact
	for _, a := range made {
		if found.Path == "" || a.Format == "qcow2" {
			found = a
		}
	}
	return found
}

// Root is an artifact of this machine as scanner and checker are told of it;
// layout is where an image lies.
func Root(app, kind string, made artifact.Artifact, layout string) protocol.Root {
	if kind == artifact.Disk {
		return protocol.Root{Name: app, Kind: protocol.Disk, Path: made.Path, Digest: made.Digest}
	}
	return protocol.Root{Name: app, Kind: protocol.Image, Path: layout, Digest: made.Digest}
}

// KindOf is the kind of artifact that a root is, "" for what is none.
func KindOf(r protocol.Root) string {
	return map[string]string{protocol.Image: artifact.Container, protocol.Disk: artifact.Disk}[r.Kind]
}
