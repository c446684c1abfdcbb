// Package fat makes a FAT32 file system, such as the EFI system partition,
// around content that it does not copy. The same files and options give the
// same bytes. It refuses names that FAT cannot hold, names that differ only in
// case, and files of 4 GiB and more; it is pure and imported by whatever puts
// a disk together. The layout follows Microsoft's FAT specification 1.03.
package fat

import (
	"bytes"
	"encoding/binary"
	"fmt"
	"time"

	"github.com/bakelite/bakelite/internal/disk"
	"github.com/bakelite/bakelite/internal/fault"
)

// File is one file by its path below the root: printable ASCII with slashes.
type File struct {
	Path    string
	Content disk.Content
}

// Options are what a file system has beside files.
type Options struct {
	VolumeID uint32
	Epoch    time.Time // every file's time in UTC; FAT knows 1980 to 2107
}

const (
	sector      = 512
	reserved    = 32 // sectors before the first table, as mkfs.vfat has it
	infoSector  = 1
	backupBoot  = 6
	minClusters = 65525 + 16 // the specification's least, and its safe distance
	maxClusters = 1 << 19    // keeps both tables below 5 MiB
	unit        = 1 << 20    // the size is a multiple of it
	endOfChain  = 0x0FFFFFFF
	rootCluster = 2
)

// clusterSizes in bytes; the first that needs few enough clusters is taken.
func clusterSizes() []int64 { return []int64{512, 4096, 32768} }

// Build returns the file system, at least 34 MiB and as large as its content
// asks for in whole MiB; files that FAT32 cannot hold are an error of kind
// Invalid.
func Build(files []File, o Options) (disk.Image, error) {
	root, err := newTree(files)
	if err != nil {
		return disk.Image{}, fmt.Errorf("making FAT file system: %w", err)
	}
	for _, size := range clusterSizes() {
		if used := root.allocate(size, rootCluster) - rootCluster; used <= maxClusters {
			return newVolume(size, used, o).image(root)
		}
	}
	return disk.Image{}, fault.New(fault.Invalid, "making FAT file system: content is too large")
}

// volume is the geometry; all numbers but cluster are counts.
type volume struct {
	cluster    int64 // bytes
	used       int64 // clusters
	clusters   int64
	fatSectors int64
	sectors    int64
	opts       Options
}

func newVolume(cluster, used int64, o Options) volume {
	v := volume{cluster: cluster, used: used, opts: o}
	want := max(used, minClusters)
	// Room for the clusters that rounding up to a unit adds.
	v.fatSectors = ceil((want+unit/cluster+2)*4, sector)
	v.sectors = ceil((reserved+2*v.fatSectors)*sector+want*cluster, unit) * unit / sector
	v.clusters = (v.sectors - reserved - 2*v.fatSectors) * sector / cluster
	return v
}

func ceil(a, b int64) int64 { return (a + b - 1) / b }

// offset returns where a cluster lies, in bytes.
func (v volume) offset(cluster int64) int64 {
	return (reserved+2*v.fatSectors)*sector + (cluster-rootCluster)*v.cluster
}

func (v volume) image(root *node) (disk.Image, error) {
	table := make([]byte, v.fatSectors*sector)
	binary.LittleEndian.PutUint32(table[0:], 0x0FFFFFF8)
	binary.LittleEndian.PutUint32(table[4:], endOfChain)
	extents := []disk.Extent{
		{Offset: 0, Content: bytes.NewReader(v.head())},
		{Offset: reserved * sector, Content: bytes.NewReader(table)},
		{Offset: (reserved + v.fatSectors) * sector, Content: bytes.NewReader(table)},
	}
	stamp := dosTime(v.opts.Epoch)
	root.walk(func(n *node) {
		chain(table, n.first, n.count)
		content := n.content
		if n.dir {
			content = bytes.NewReader(n.entries(stamp))
		}
		if n.count > 0 {
			extents = append(extents, disk.Extent{Offset: v.offset(n.first), Content: content})
		}
	})
	return disk.NewImage(v.sectors*sector, extents...)
}

// chain links count clusters in a row.
func chain(table []byte, first, count int64) {
	for c := first; c < first+count; c++ {
		next := uint32(c + 1)
		if c == first+count-1 {
			next = endOfChain
		}
		binary.LittleEndian.PutUint32(table[4*c:], next)
	}
}

// head returns the boot sector, the information sector and their copies.
func (v volume) head() []byte {
	b := make([]byte, reserved*sector)
	for _, at := range []int{0, backupBoot} {
		v.boot(b[at*sector:])
		v.info(b[(at+infoSector)*sector:])
	}
	return b
}

func (v volume) boot(b []byte) {
	le := binary.LittleEndian
	copy(b, "\xEB\x58\x90BAKELITE") // a jump over the parameters, and who made it
	le.PutUint16(b[11:], sector)
	b[13] = byte(v.cluster / sector)
	le.PutUint16(b[14:], reserved)
	b[16] = 2    // tables
	b[21] = 0xF8 // a fixed disk
	le.PutUint16(b[24:], 63)
	le.PutUint16(b[26:], 255)
	le.PutUint32(b[32:], uint32(v.sectors))
	le.PutUint32(b[36:], uint32(v.fatSectors))
	le.PutUint32(b[44:], rootCluster)
	le.PutUint16(b[48:], infoSector)
	le.PutUint16(b[50:], backupBoot)
	b[64] = 0x80 // first hard disk
	b[66] = 0x29 // the next three fields are there
	le.PutUint32(b[67:], v.opts.VolumeID)
	copy(b[71:], "NO NAME    FAT32   ")
	b[90], b[91] = 0xEB, 0xFE // code for a BIOS: stop here
	b[510], b[511] = 0x55, 0xAA
}

func (v volume) info(b []byte) {
	le := binary.LittleEndian
	copy(b, "RRaA")
	copy(b[484:], "rrAa")
	le.PutUint32(b[488:], uint32(v.clusters-v.used))
	le.PutUint32(b[492:], uint32(v.used+rootCluster))
	b[510], b[511] = 0x55, 0xAA
}
