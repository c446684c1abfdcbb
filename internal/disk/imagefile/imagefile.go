// Package imagefile writes a disk image as a file that a hypervisor or a cloud
// takes, in one of the formats of package format. The same image and Meta give
// the same bytes, written in order from first to last and hashed on the way. It
// refuses images whose size a format cannot hold.
package imagefile

import (
	"context"
	"fmt"
	"io"
	"time"

	"github.com/bakelite/bakelite/internal/disk"
	"github.com/bakelite/bakelite/internal/disk/format"
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

// writer writes images whose size in bytes is a multiple of unit.
type writer struct {
	write func(context.Context, *sink, disk.Image, Meta) error
	unit  int64
}

// of returns a format's writer; one without is a defect.
func of(f format.Format) (writer, error) {
	switch f.Name {
	case "raw":
		return writer{writeRaw, 512}, nil
	case "qcow2":
		return writer{writeQCOW2, 512}, nil
	case "vmdk":
		return writer{writeVMDK, grain}, nil
	case "vhd":
		return writer{writeVHD, 1 << 20}, nil
	}
	return writer{}, fault.New(fault.Internal, "nothing writes the format %q", f.Name)
}

// Write writes the image to w and returns the file's size and digest. Where w
// is a regular *os.File, the file is cut off at its position first and what is
// zero becomes a hole; the position is then undefined.
func Write(ctx context.Context, w io.Writer, f format.Format, m disk.Image, meta Meta) (Written, error) {
	by, err := of(f)
	if err != nil {
		return Written{}, err
	}
	if m.Size() == 0 || m.Size()%by.unit != 0 {
		err := fault.New(fault.Invalid, "writing %s: a disk of %d bytes is not a multiple of %d", f.Name, m.Size(), by.unit)
		return Written{}, fault.Hint(err, "choose a disk size of whole MiB")
	}
	s, err := newSink(w)
	if err == nil {
		err = by.write(ctx, s, m, meta)
	}
	if err == nil {
		err = s.close()
	}
	if err != nil {
		return Written{}, fmt.Errorf("writing %s: %w", f.Name, err)
	}
	return Written{Size: s.size, Digest: s.digest()}, nil
}
