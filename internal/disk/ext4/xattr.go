package ext4

import (
	"encoding/binary"
	"fmt"
)

const (
	xattrMagic = 0xEA020000
	// xattrHead is the size of a block's header, and xattrEntry that of an entry
	// without its name, in bytes.
	xattrHead  = 32
	xattrEntry = 16
)

// prefix is what stands before the name of an attribute; there is no name
// where the prefix is all of it.
func prefix(index byte) string {
	known := map[byte]string{
		0: "", 1: "user.", 2: "system.posix_acl_access", 3: "system.posix_acl_default", 4: "trusted.", 6: "security.", 7: "system.",
	}
	if p, ok := known[index]; ok {
		return p
	}
	return fmt.Sprintf("unknown-%d.", index)
}

// attributes reads those in the inode and those in a block of their own.
func (f *FS) attributes(b []byte) (map[string]string, error) {
	all := map[string]string{}
	le := binary.LittleEndian
	if len(b) > minInode+4 {
		at := minInode + int(le.Uint16(b[minInode:]))
		if at+4 <= len(b) && le.Uint32(b[at:]) == xattrMagic {
			if err := entries(b[at+4:], b[at+4:], all); err != nil {
				return nil, err
			}
		}
	}
	if block := uint64(le.Uint32(b[0x68:])) | uint64(le.Uint16(b[0x76:]))<<32; block != 0 {
		own := make([]byte, f.block)
		if err := f.at(block, 0, own); err != nil {
			return nil, err
		}
		if le.Uint32(own) != xattrMagic {
			return nil, broken("a block of attributes")
		}
		if err := entries(own[xattrHead:], own, all); err != nil {
			return nil, err
		}
	}
	if len(all) == 0 {
		return nil, nil
	}
	return all, nil
}

// entries reads a list of attributes; values lie in space.
func entries(list, space []byte, into map[string]string) error {
	le := binary.LittleEndian
	for len(list) >= 4 && le.Uint32(list) != 0 {
		if len(list) < xattrEntry || len(list) < xattrEntry+int(list[0]) {
			return broken("an attribute lies outside")
		}
		size, at := uint64(le.Uint32(list[8:])), uint64(le.Uint16(list[2:]))
		name := prefix(list[1]) + string(list[xattrEntry:xattrEntry+int(list[0])])
		if le.Uint32(list[4:]) != 0 {
			return broken("the attribute %q lies in an inode of its own, which is not read", name)
		}
		if at+size > uint64(len(space)) {
			return broken("an attribute's value lies outside")
		}
		into[name] = string(space[at : at+size])
		list = list[min(len(list), (xattrEntry+int(list[0])+3)&^3):]
	}
	return nil
}
