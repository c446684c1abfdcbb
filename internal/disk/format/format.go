// Package format writes a disk image as a file that a hypervisor or a cloud
// takes: raw, qcow2, vmdk or vhd. The same image and Meta give the same bytes,
// written in order from first to last and hashed on the way. It refuses images
// whose size a format cannot hold; it is imported by whatever writes disks.
package format

import (
	"context"
	"fmt"
	"io"
	"strings"
	"time"

	"github.com/bakelite/bakelite/internal/disk"
	"github.com/bakelite/bakelite/internal/fault"
)

// Meta is what some formats say of a disk beside its content.
type Meta struct {
	ID    disk.GUID // the disk's; identifiers inside the file are made from it
	Epoch time.Time // the time that the file claims to be made at
}

// Written is the file that was made.
type Written struct {
	Size   int64  // bytes
	Digest string // "sha256:" and 64 hex digits
}

// Format is one kind of file; MediaType is its name in shared-mime-info 2.2.
type Format struct {
	Name, Extension, MediaType string
	Use                        string // who takes it, for people
	write                      func(context.Context, *sink, disk.Image, Meta) error
	unit                       int64 // bytes; the image's size is a multiple
}

// All returns the formats in the order in which they are shown.
func All() []Format {
	return []Format{
		{"raw", ".raw", "application/x-raw-disk-image", "QEMU, Google Cloud, dd", writeRaw, 512},
		{"qcow2", ".qcow2", "application/x-qemu-disk", "QEMU, KVM, OpenStack, Proxmox", writeQCOW2, 512},
		{"vmdk", ".vmdk", "application/x-vmdk-disk", "VMware (inside an OVF), VirtualBox, import into AWS", writeVMDK, grain},
		{"vhd", ".vhd", "application/x-vhd-disk", "Azure, Hyper-V generation 1", writeVHD, 1 << 20},
	}
}

// Lookup returns the format of that name; another name is an error of kind
// Invalid.
func Lookup(name string) (Format, error) {
	var known []string
	for _, f := range All() {
		if f.Name == name {
			return f, nil
		}
		known = append(known, f.Name)
	}
	return Format{}, fault.Hint(fault.New(fault.Invalid, "unknown disk format %q", name), "choose one of %s", strings.Join(known, ", "))
}

// Write writes the image to w and returns the file's size and digest. Where w
// is a regular *os.File, the file is cut off at its position first and what is
// zero becomes a hole; the position is then undefined.
func (f Format) Write(ctx context.Context, w io.Writer, m disk.Image, meta Meta) (Written, error) {
	if m.Size() == 0 || m.Size()%f.unit != 0 {
		err := fault.New(fault.Invalid, "writing %s: a disk of %d bytes is not a multiple of %d", f.Name, m.Size(), f.unit)
		return Written{}, fault.Hint(err, "choose a disk size of whole MiB")
	}
	s, err := newSink(w)
	if err == nil {
		err = f.write(ctx, s, m, meta)
	}
	if err == nil {
		err = s.close()
	}
	if err != nil {
		return Written{}, fmt.Errorf("writing %s: %w", f.Name, err)
	}
	return Written{Size: s.size, Digest: s.digest()}, nil
}
