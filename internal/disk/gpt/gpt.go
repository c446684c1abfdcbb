// Package gpt lays partitions out on a disk with a GUID partition table, by
// the Discoverable Partitions Specification. It refuses disks that are too
// small, identifiers and labels used twice or missing, and sizes that are not
// whole MiB. It is pure and imported by whatever puts a disk together.
package gpt

import (
	"fmt"

	"github.com/bakelite/bakelite/internal/disk"
	"github.com/bakelite/bakelite/internal/fault"
)

// Align is the unit, in bytes, of where partitions start and how large they
// are: 1 MiB, a multiple of every usual sector, page and erase block.
const Align = 1 << 20

// MaxPartitions is the number of entries in the table that UEFI requires room
// for (UEFI specification 2.10, section 5.3.1).
const MaxPartitions = 128

// MaxSize is the largest disk in bytes: 64 TiB, more than any cloud offers.
const MaxSize = 1 << 46

// Disk is what is asked for.
type Disk struct {
	Size       int64     // bytes, a multiple of Align, at most MaxSize
	ID         disk.GUID // not zero
	Partitions []Partition
}

// Partition is one entry; what Content does not fill is zero.
type Partition struct {
	Label      string    // at most 36 UTF-16 units, unique
	Type, ID   disk.GUID // not zero; ID unique
	Attributes uint64
	Size       int64 // bytes, a multiple of Align; 0 means as large as Content
	Rest       bool  // takes all that the others leave; at most one does
	Content    disk.Content
}

// need returns the least size in bytes that the partition can have.
func (p Partition) need() int64 {
	var content int64
	if p.Content != nil {
		content = p.Content.Size()
	}
	return max(p.Size, (content+Align-1)/Align*Align, boolSize(p.Rest))
}

// boolSize gives the partition that takes the rest at least one unit.
func boolSize(rest bool) int64 {
	if rest {
		return Align
	}
	return 0
}

// MinSize returns the least Size in bytes that the partitions fit on: theirs
// and one unit at either end for the tables.
func (d Disk) MinSize() int64 {
	size := int64(2 * Align)
	for _, p := range d.Partitions {
		size += p.need()
	}
	return size
}

// Build returns the disk with protective MBR, both tables and all content; a
// disk that cannot be is an error of kind Invalid that says why.
func Build(d Disk) (disk.Image, error) {
	if err := d.validate(); err != nil {
		return disk.Image{}, fmt.Errorf("laying out disk: %w", err)
	}
	placed := d.place()
	primary, backup := d.tables(placed)
	extents := []disk.Extent{
		{Offset: 0, Content: primary},
		{Offset: d.Size - backup.Size(), Content: backup},
	}
	for i, p := range d.Partitions {
		if p.Content != nil {
			extents = append(extents, disk.Extent{Offset: placed[i].offset, Content: p.Content})
		}
	}
	img, err := disk.NewImage(d.Size, extents...)
	if err != nil {
		return disk.Image{}, fmt.Errorf("laying out disk: %w", err)
	}
	return img, nil
}

// span is where a partition lies, in bytes.
type span struct{ offset, size int64 }

func (d Disk) place() []span {
	placed, at, spare := make([]span, len(d.Partitions)), int64(Align), d.Size-d.MinSize()
	for i, p := range d.Partitions {
		size := p.need()
		if p.Rest {
			size += spare
		}
		placed[i] = span{at, size}
		at += size
	}
	return placed
}

func (d Disk) validate() error {
	if d.Size%Align != 0 {
		return fault.Hint(fault.New(fault.Invalid, "disk of %d bytes is not a whole number of MiB", d.Size), "choose a size of whole MiB, such as %dM", d.Size/Align+1)
	}
	if d.Size < 0 || d.Size > MaxSize {
		return fault.New(fault.Invalid, "disk of %d bytes: want at most %d", d.Size, int64(MaxSize))
	}
	if d.ID == (disk.GUID{}) {
		return fault.New(fault.Invalid, "disk has no identifier")
	}
	if len(d.Partitions) > MaxPartitions {
		return fault.New(fault.Invalid, "%d partitions are more than %d", len(d.Partitions), MaxPartitions)
	}
	if err := validatePartitions(d.Partitions); err != nil {
		return err
	}
	if need := d.MinSize(); need > d.Size {
		err := fault.New(fault.Invalid, "disk of %d MiB is too small: its partitions need %d MiB, %d MiB are missing", d.Size/Align, need/Align, (need-d.Size)/Align)
		return fault.Hint(err, "make the disk at least %dM large", need/Align)
	}
	return nil
}

func validatePartitions(parts []Partition) error {
	ids, labels, rest := map[disk.GUID]bool{}, map[string]bool{}, false
	for i, p := range parts {
		if err := p.validate(); err != nil {
			return fmt.Errorf("partition %d (%s): %w", i+1, p.Label, err)
		}
		if ids[p.ID] || labels[p.Label] || rest && p.Rest {
			return fault.New(fault.Invalid, "partition %d (%s): identifier, label or the rest of the disk is taken twice", i+1, p.Label)
		}
		ids[p.ID], labels[p.Label], rest = true, true, rest || p.Rest
	}
	return nil
}

func (p Partition) validate() error {
	switch units := len(utf16Label(p.Label)); {
	case units == 0 || units > labelUnits:
		return fault.New(fault.Invalid, "label of %d UTF-16 units: want 1 to %d", units, labelUnits)
	case p.Type == disk.GUID{} || p.ID == disk.GUID{}:
		return fault.New(fault.Invalid, "type or identifier is missing")
	case p.Size < 0 || p.Size > MaxSize || p.Size%Align != 0:
		return fault.New(fault.Invalid, "size of %d bytes is not a whole number of MiB up to 64 TiB", p.Size)
	case p.need() == 0:
		return fault.New(fault.Invalid, "neither size nor content")
	case p.Size != 0 && p.need() > p.Size:
		return fault.New(fault.Invalid, "content of %d bytes is %d bytes larger than the partition", p.Content.Size(), p.Content.Size()-p.Size)
	}
	return nil
}
