// Package probe asks the running kernel for modules in the ways that a program
// without rights could have them loaded, and does what controls forbid. Where
// nothing forbids a module it is loaded: only a machine that is booted for a
// test is asked. It is for the program in such a machine alone.
package probe

import (
	"errors"

	"golang.org/x/sys/unix"
)

// Module asks for a module by its name, and says whether the kernel has it
// then. It knows no way to ask for those that come with a device.
func Module(name string) (has bool, err error) {
	if kind, ok := fileSystems()[name]; ok {
		return fileSystem(kind)
	}
	if s, ok := sockets()[name]; ok {
		return socket(s)
	}
	return false, nil
}

// fileSystems are modules, and the file systems that they bring.
func fileSystems() map[string]string {
	return map[string]string{"cramfs": "cramfs", "freevxfs": "vxfs", "hfs": "hfs", "hfsplus": "hfsplus", "jffs2": "jffs2", "udf": "udf"}
}

// fileSystem asks for one as mount(2) does, and mounts nothing.
func fileSystem(kind string) (bool, error) {
	fd, err := unix.Fsopen(kind, unix.FSOPEN_CLOEXEC)
	switch {
	case errors.Is(err, unix.ENODEV):
		return false, nil
	case err != nil:
		return false, err
	}
	return true, unix.Close(fd)
}

// wanted is a socket that a module brings.
type wanted struct{ family, kind, protocol int }

// dccp is the type of its sockets (linux/net.h), which unix lacks.
const dccp = 6

// sockets are modules, and sockets that only they bring (socket(2)).
func sockets() map[string]wanted {
	return map[string]wanted{
		"atm":  {unix.AF_ATMPVC, unix.SOCK_DGRAM, 0},
		"can":  {unix.AF_CAN, unix.SOCK_RAW, 1}, // CAN_RAW
		"dccp": {unix.AF_INET, dccp, unix.IPPROTO_DCCP},
		"rds":  {unix.AF_RDS, unix.SOCK_SEQPACKET, 0},
		"sctp": {unix.AF_INET, unix.SOCK_STREAM, unix.IPPROTO_SCTP},
		"tipc": {unix.AF_TIPC, unix.SOCK_SEQPACKET, 0},
	}
}

// socket asks for one. A family that is known refuses a protocol of its own by
// another error than one that is not.
func socket(s wanted) (bool, error) {
	fd, err := unix.Socket(s.family, s.kind|unix.SOCK_CLOEXEC, s.protocol)
	switch {
	case err == nil:
		return true, unix.Close(fd)
	case errors.Is(err, unix.EAFNOSUPPORT):
		return false, nil
	case s.family == unix.AF_INET && (errors.Is(err, unix.EPROTONOSUPPORT) || errors.Is(err, unix.ESOCKTNOSUPPORT)):
		return false, nil
	}
	return true, nil
}
