package capability

import (
	"encoding/binary"
	"fmt"
)

// Set names the bits of a set, as "net_raw"; one without a name is its number.
func Set(bits uint64) []string {
	var names []string
	for bit := range 64 {
		if bits&(1<<bit) == 0 {
			continue
		}
		if bit < len(Names()) {
			names = append(names, Names()[bit])
		} else {
			names = append(names, fmt.Sprint(bit))
		}
	}
	return names
}

// revisionMask are the bits of an attribute's first word that name its form
// (VFS_CAP_REVISION_MASK).
const revisionMask = 0xff000000

// OfFile names the capabilities, permitted or inheritable, in a file's
// attribute; ok is false for a form that the kernel does not know (struct
// vfs_ns_cap_data of linux/capability.h).
func OfFile(attribute string) (names []string, ok bool) {
	words := map[uint32]int{0x01000000: 2, revision2: 4, 0x03000000: 5}
	b := []byte(attribute)
	if len(b) < 4 {
		return nil, false
	}
	count, known := words[binary.LittleEndian.Uint32(b)&revisionMask]
	if !known || len(b) != 4+4*count {
		return nil, false
	}
	var set uint64
	for i := range min(count, 4) { // the fifth is whose root they are of
		set |= uint64(binary.LittleEndian.Uint32(b[4+4*i:])) << (32 * (i / 2))
	}
	return Set(set), true
}
