package vm

import (
	"fmt"
	"slices"
	"strings"

	packersdk "github.com/hashicorp/packer-plugin-sdk/packer"

	"github.com/bakelite/bakelite/internal/artifact"
)

// Artifact is the disk in its formats, for Packer.
type Artifact struct{ Disks []artifact.Artifact }

var _ packersdk.Artifact = (*Artifact)(nil)

// newArtifact keeps the disks of what was made, in the app's order.
func newArtifact(made []artifact.Artifact) *Artifact {
	return &Artifact{Disks: slices.DeleteFunc(slices.Clone(made), func(m artifact.Artifact) bool { return m.Kind != artifact.Disk })}
}

// BuilderId returns BuilderID.
func (a *Artifact) BuilderId() string { return BuilderID }

// Id returns the digest of the first disk file, as "sha256:…".
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

// The names that templates know as build.Digest and build.Path: those of the
// first disk file.
const (
	digestVariable = "Digest"
	pathVariable   = "Path"
)

// variables lists what State tells of a finished build; Packer wants to know
// the names before.
func variables() []string { return []string{digestVariable, pathVariable} }

// generatedData is the name by which Packer's core asks for the variables of
// a finished build (hcl2template/types.hcl_post-processor.go).
const generatedData = "generated_data"

// State tells the variables of the finished build, and nothing else.
func (a *Artifact) State(name string) any {
	if name != generatedData || len(a.Disks) == 0 {
		return nil
	}
	return map[string]string{digestVariable: a.Disks[0].Digest, pathVariable: a.Disks[0].Path}
}

// Destroy leaves the files. Packer calls it where a post-processor does not
// keep its input, and also where one fails; the receipt beside the files, and
// the commands that read it, still count on them.
func (a *Artifact) Destroy() error { return nil }
