package profile

import (
	"slices"

	"golang.org/x/sys/unix"
)

// Denial refuses calls by their arguments: those in which, for each of Where,
// one of the bits is set; without Where, all. systemd has a directive for each;
// Unit names it.
type Denial struct {
	Calls []string
	Where []Bits
	Errno unix.Errno
	Unit  string
}

// Bits are bits of an argument, of which the first is number 0.
type Bits struct {
	Arg uint
	Any uint64
}

const (
	// namespaces are the flags of clone(2) that make one.
	namespaces = unix.CLONE_NEWNS | unix.CLONE_NEWCGROUP | unix.CLONE_NEWUTS | unix.CLONE_NEWIPC | unix.CLONE_NEWUSER |
		unix.CLONE_NEWPID | unix.CLONE_NEWNET
	// setID are the bits that give a program its owner's or group's rights.
	setID = unix.S_ISUID | unix.S_ISGID
	// executableSegment is SHM_EXEC of shmat(2).
	executableSegment = 0o100000
)

// Denials are the calls that are refused by their arguments.
func (p Profile) Denials() []Denial {
	all := []Denial{
		{[]string{"clone"}, []Bits{{0, namespaces}}, unix.EPERM, "RestrictNamespaces"},
		{[]string{"clone3"}, nil, unix.ENOSYS, "RestrictNamespaces"},
		{[]string{"openat2"}, nil, unix.ENOSYS, "RestrictSUIDSGID"},
		{[]string{"chmod", "creat", "fchmod", "mkdir", "mknod"}, []Bits{{1, setID}}, unix.EPERM, "RestrictSUIDSGID"},
		{[]string{"fchmodat", "fchmodat2", "mkdirat", "mknodat"}, []Bits{{2, setID}}, unix.EPERM, "RestrictSUIDSGID"},
		{[]string{"open"}, []Bits{{1, unix.O_CREAT}, {2, setID}}, unix.EPERM, "RestrictSUIDSGID"},
		{[]string{"openat"}, []Bits{{2, unix.O_CREAT}, {3, setID}}, unix.EPERM, "RestrictSUIDSGID"},
	}
	if p.WriteExecute {
		return all
	}
	return append(all,
		Denial{[]string{"mmap"}, []Bits{{2, unix.PROT_WRITE}, {2, unix.PROT_EXEC}}, unix.EACCES, "MemoryDenyWriteExecute"},
		Denial{[]string{"mprotect", "pkey_mprotect"}, []Bits{{2, unix.PROT_EXEC}}, unix.EACCES, "MemoryDenyWriteExecute"},
		Denial{[]string{"shmat"}, []Bits{{2, executableSegment}}, unix.EACCES, "MemoryDenyWriteExecute"},
	)
}

// Choice lets a call through with some values of its first argument; the others
// that there are, and those from Above on where it is set, fail with Errno.
type Choice struct {
	Call            string
	Allowed, Others []uint64
	Above           uint64
	Errno           unix.Errno
	Unit            string
}

// unknownFamily is the first number that is no family of sockets (Linux
// AF_MAX).
const unknownFamily = 46

// Choices are the calls that depend on a value: the families of sockets, and
// the personality, which stays what it is.
func (p Profile) Choices() []Choice {
	sockets := Choice{Call: "socket", Above: unknownFamily, Errno: unix.EAFNOSUPPORT, Unit: "RestrictAddressFamilies"}
	for _, f := range p.Families {
		sockets.Allowed = append(sockets.Allowed, uint64(f.Number))
	}
	for number := range uint64(unknownFamily) {
		if !slices.Contains(sockets.Allowed, number) {
			sockets.Others = append(sockets.Others, number)
		}
	}
	return []Choice{sockets, {
		// 8 is 32-bit, then follow an older kernel's name, addresses without
		// chance, and code in data; all bits ask what it is.
		Call: "personality", Allowed: []uint64{0}, Others: []uint64{0x8, 0x20000, 0x40000, 0x400000, 0xffffffff},
		Errno: unix.EPERM, Unit: "LockPersonality",
	}}
}
