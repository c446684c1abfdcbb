package vm

import (
	"fmt"
	"slices"
	"strings"

	packersdk "github.com/hashicorp/packer-plugin-sdk/packer"

	"github.com/bakelite/bakelite/builders"
)

// Artifact is the disk in its formats, for Packer.
type Artifact struct{ Disks []builders.Artifact }

var _ packersdk.Artifact = (*Artifact)(nil)

// newArtifact keeps the disks of what was made, in the app's order.
func newArtifact(made []builders.Artifact) *Artifact {
	return &Artifact{Disks: slices.DeleteFunc(slices.Clone(made), func(m builders.Artifact) bool { return m.Kind != builders.Disk })}
}

// BuilderId returns BuilderID.
func (a *Artifact) BuilderId() string { return BuilderID }

// Id returns the digest of the first disk file, as "sha256:…"; templates see
// it as build.ID.
func (a *Artifact) Id() string {
	if len(a.Disks) == 0 {
		return ""
	}
	return a.Disks[0].Digest
}

// Files returns the paths of the disk files, in the order of vm.formats.
func (a *Artifact) Files() []string {
	paths := make([]string, len(a.Disks))
	for i, d := range a.Disks {
		paths[i] = d.Path
	}
	return paths
}

// String lists the disk files with their digests, a line each.
func (a *Artifact) String() string {
	var text strings.Builder
	text.WriteString("a disk:")
	for _, d := range a.Disks {
		fmt.Fprintf(&text, "\n  %s (%s, %.1f MB, %s)", d.Path, d.Format, float64(d.Size)/1e6, d.Digest)
	}
	return text.String()
}

// State has nothing to tell.
func (a *Artifact) State(string) any { return nil }

// Destroy leaves the files. Packer calls it where a post-processor does not
// keep its input, and also where one fails; the receipt beside the files, and
// the commands that read it, still count on them.
func (a *Artifact) Destroy() error { return nil }
