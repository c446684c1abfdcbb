package gpt

import (
	"github.com/bakelite/bakelite/internal/disk"
	"github.com/bakelite/bakelite/internal/fault"
)

// Attributes of the Discoverable Partitions Specification. They steer
// automatic discovery only; a partition in /etc/fstab is mounted as written
// there.
const (
	GrowFS   uint64 = 1 << 59 // grow the file system to the partition's size
	ReadOnly uint64 = 1 << 60 // mount read-only
	NoAuto   uint64 = 1 << 63 // do not mount
)

// Types are the partition types of one architecture and the path, on the ESP,
// of the program that its firmware starts by default.
type Types struct {
	ESP, Root, RootVerity, Usr, UsrVerity disk.GUID
	// Var is mounted automatically only where the partition's ID is an HMAC of
	// the machine's ID, which an image cannot know. By /etc/fstab (PARTUUID=,
	// PARTLABEL=) it is mounted under any ID, so a fixed one will do.
	Var disk.GUID
	// Linux is data that nothing mounts on its own.
	Linux disk.GUID
	// BootPath is from the UEFI specification 2.10, section 3.5.1.1.
	BootPath string
}

// TypesOf returns the types for "amd64" or "arm64"; another architecture is an
// error of kind Invalid. Source of the numbers:
// https://uapi-group.org/specifications/specs/discoverable_partitions_specification/
func TypesOf(arch string) (Types, error) {
	t := Types{
		ESP:   must("c12a7328-f81f-11d2-ba4b-00a0c93ec93b"),
		Var:   must("4d21b016-b534-45c2-a9fb-5c16e091fd2d"),
		Linux: must("0fc63daf-8483-4772-8e79-3d69d8477de4"),
	}
	switch arch {
	case "amd64":
		t.Root = must("4f68bce3-e8cd-4db1-96e7-fbcaf984b709")
		t.RootVerity = must("2c7357ed-ebd2-46d9-aec1-23d437ec2bf5")
		t.Usr = must("8484680c-9521-48c6-9c11-b0720656f69e")
		t.UsrVerity = must("77ff5f63-e7b6-4633-acf4-1565b864c0e6")
		t.BootPath = "EFI/BOOT/BOOTX64.EFI"
	case "arm64":
		t.Root = must("b921b045-1df0-41c3-af44-4c6f280d3fae")
		t.RootVerity = must("df3300ce-d69f-4c92-978c-9bfb0f38d820")
		t.Usr = must("b0e01050-ee5f-4390-949a-9101b17104e9")
		t.UsrVerity = must("6e11a4e7-fbca-4ded-b9e9-e1a512bb664e")
		t.BootPath = "EFI/BOOT/BOOTAA64.EFI"
	default:
		return Types{}, fault.Hint(fault.New(fault.Invalid, "no partition types for architecture %q", arch), "use amd64 or arm64")
	}
	return t, nil
}

// must parses a constant.
func must(s string) disk.GUID {
	g, err := disk.ParseGUID(s)
	if err != nil {
		panic(err)
	}
	return g
}
