package examine

import (
	"testing"

	"github.com/bakelite/bakelite/internal/artifact"
	"github.com/bakelite/bakelite/scan/protocol"
)

// TestBootable: of a disk's forms the qcow2 is booted, wherever it stands, and
// else the first; of nothing there is none.
func TestBootable(t *testing.T) {
	form := func(format string) artifact.Artifact { return artifact.Artifact{Format: format, Path: "web." + format} }
	for want, made := range map[string][]artifact.Artifact{
		"":      nil,
		"raw":   {form("raw"), form("vmdk")},
		"vmdk":  {form("vmdk"), form("raw")},
		"qcow2": {form("raw"), form("qcow2"), form("vmdk")},
	} {
		if got := Bootable(made); got.Format != want {
			t.Errorf("of %v it is %q, want %q", made, got.Format, want)
		}
	}
}

// TestRootIsOfItsBytes: a root leads to the very thing that its digest names,
// an image by its layout and a disk by its file, and says what it is.
func TestRootIsOfItsBytes(t *testing.T) {
	image, disk := both()[0], both()[1]
	if image != (protocol.Root{Name: "web", Kind: protocol.Image, Path: "/dist/web.oci", Digest: "sha256:1"}) || KindOf(image) != artifact.Container {
		t.Errorf("the image is %+v, a %q", image, KindOf(image))
	}
	if disk != (protocol.Root{Name: "web", Kind: protocol.Disk, Path: "/dist/web.raw", Digest: "sha256:2"}) || KindOf(disk) != artifact.Disk {
		t.Errorf("the disk is %+v, a %q", disk, KindOf(disk))
	}
	for _, kind := range []string{protocol.Folder, protocol.SBOM, ""} {
		if got := KindOf(protocol.Root{Kind: kind}); got != "" {
			t.Errorf("%q is a %q", kind, got)
		}
	}
}
