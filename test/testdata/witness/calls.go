package main

import (
	"fmt"
	"net"
	"os"
	"unsafe"

	"golang.org/x/sys/unix"
)

// unknown is the number of no system call of any kernel yet.
const unknown = 1000

// calls makes system calls that do no harm where they are let in.
func (r report) calls() {
	page := uintptr(os.Getpagesize())
	empty, _ := unix.BytePtrFromString("")
	name := uintptr(unsafe.Pointer(empty))
	self := uintptr(os.Getuid())
	allow := uint32(0x7fff0000) // SECCOMP_RET_ALLOW, which every kernel knows
	none := ^uintptr(0)
	for what, c := range map[string][7]uintptr{
		"of a newer kernel": {unknown}, "io_uring_setup": {unix.SYS_IO_URING_SETUP, 0, 0}, "keyctl": {unix.SYS_KEYCTL, 0, none, 0},
		"add_key": {unix.SYS_ADD_KEY}, "userfaultfd": {unix.SYS_USERFAULTFD, unix.O_CLOEXEC}, "bpf": {unix.SYS_BPF, none},
		"perf_event_open": {unix.SYS_PERF_EVENT_OPEN}, "ptrace": {unix.SYS_PTRACE, none}, "process_vm_readv": {unix.SYS_PROCESS_VM_READV},
		"kcmp": {unix.SYS_KCMP}, "mount": {unix.SYS_MOUNT}, "fsopen": {unix.SYS_FSOPEN}, "chroot": {unix.SYS_CHROOT, name}, "syslog": {unix.SYS_SYSLOG, 10},
		"reboot": {unix.SYS_REBOOT}, "swapoff": {unix.SYS_SWAPOFF, name}, "init_module": {unix.SYS_INIT_MODULE}, "iopl": {unix.SYS_IOPL},
		"clock_settime": {unix.SYS_CLOCK_SETTIME}, "adjtimex": {unix.SYS_ADJTIMEX}, "setns": {unix.SYS_SETNS, none},
		"unshare for a user namespace": {unix.SYS_UNSHARE, unix.CLONE_NEWUSER}, "unshare nothing": {unix.SYS_UNSHARE},
		"clone3": {unix.SYS_CLONE3}, "clone into a namespace": {unix.SYS_CLONE, unix.CLONE_NEWUSER},
		"openat2": {unix.SYS_OPENAT2}, "chown to itself": {unix.SYS_FCHOWNAT, none, name, self, none, 0}, "setuid to itself": {unix.SYS_SETUID, self},
		"setgroups": {unix.SYS_SETGROUPS}, "capset": {unix.SYS_CAPSET}, "setpriority": {unix.SYS_SETPRIORITY},
		"sched_setaffinity": {unix.SYS_SCHED_SETAFFINITY}, "sched_setscheduler": {unix.SYS_SCHED_SETSCHEDULER}, "mbind": {unix.SYS_MBIND},
		"get_mempolicy": {unix.SYS_GET_MEMPOLICY}, "set_mempolicy": {unix.SYS_SET_MEMPOLICY}, "setrlimit": {unix.SYS_SETRLIMIT, none},
		"memfd_create": {unix.SYS_MEMFD_CREATE, name}, "memfd_secret": {unix.SYS_MEMFD_SECRET}, "pidfd_getfd": {unix.SYS_PIDFD_GETFD, none},
		"personality, asked": {unix.SYS_PERSONALITY, 0xffffffff}, "personality of 32 bits": {unix.SYS_PERSONALITY, 8},
		"personality without random addresses": {unix.SYS_PERSONALITY, 0x40000}, "seccomp": {unix.SYS_SECCOMP, 2, 0, uintptr(unsafe.Pointer(&allow))},
		"landlock": {unix.SYS_LANDLOCK_CREATE_RULESET, 0, 0, 1}, "quotactl": {unix.SYS_QUOTACTL, none}, "fanotify_init": {unix.SYS_FANOTIFY_INIT},
		"open_by_handle_at": {unix.SYS_OPEN_BY_HANDLE_AT, none}, "sethostname": {unix.SYS_SETHOSTNAME, name}, "mlock": {unix.SYS_MLOCK, 0, 0},
		"memory written and executed": {unix.SYS_MMAP, 0, page, unix.PROT_READ | unix.PROT_WRITE | unix.PROT_EXEC, unix.MAP_PRIVATE | unix.MAP_ANONYMOUS, none},
		"executable memory":           {unix.SYS_MMAP, 0, page, unix.PROT_READ | unix.PROT_EXEC, unix.MAP_PRIVATE | unix.MAP_ANONYMOUS, none},
		"set-uid bit by chmod":        {unix.SYS_FCHMODAT, none, name, 0o4755}, "set-gid bit by mkdir": {unix.SYS_MKDIRAT, none, name, 0o2755},
		"set-uid bit by open": {unix.SYS_OPENAT, none, name, unix.O_CREAT | unix.O_WRONLY, 0o4755}, "acct": {unix.SYS_ACCT},
	} {
		_, _, errno := unix.RawSyscall6(c[0], c[1], c[2], c[3], c[4], c[5], c[6])
		if errno == 0 {
			r["call "+what] = "works"
		} else {
			r["call "+what] = unix.ErrnoName(errno)
		}
	}
	r["call executable shared memory"] = outcome(executableSegment(int(page)))
	r["call memory made executable later"] = outcome(executableLater(int(page)))
}

func executableSegment(page int) error {
	id, err := unix.SysvShmGet(unix.IPC_PRIVATE, page, unix.IPC_CREAT|0o700)
	if err != nil {
		return err
	}
	defer unix.SysvShmCtl(id, unix.IPC_RMID, nil)
	if _, _, errno := unix.RawSyscall(unix.SYS_SHMAT, uintptr(id), 0, 0o100000); errno != 0 {
		return errno
	}
	return nil
}

func executableLater(page int) error {
	memory, err := unix.Mmap(-1, 0, page, unix.PROT_READ|unix.PROT_WRITE, unix.MAP_PRIVATE|unix.MAP_ANONYMOUS)
	if err != nil {
		return err
	}
	return unix.Mprotect(memory, unix.PROT_READ|unix.PROT_EXEC)
}

func (r report) sockets() {
	for name, family := range map[string]int{
		"unix": unix.AF_UNIX, "inet": unix.AF_INET, "inet6": unix.AF_INET6, "netlink": unix.AF_NETLINK, "packet": unix.AF_PACKET,
		"vsock": unix.AF_VSOCK, "alg": unix.AF_ALG, "bluetooth": unix.AF_BLUETOOTH, "key": unix.AF_KEY, "none": 0, "highest": 45, "too high": 99,
	} {
		fd, err := unix.Socket(family, unix.SOCK_DGRAM|unix.SOCK_CLOEXEC, 0)
		if err == nil {
			unix.Close(fd)
		}
		r["socket "+name] = outcome(err)
	}
	_, err := unix.Socketpair(unix.AF_UNIX, unix.SOCK_STREAM|unix.SOCK_CLOEXEC, 0)
	r["socketpair"] = outcome(err)
	interfaces, err := net.Interfaces()
	r["lists interfaces"] = fmt.Sprint(len(interfaces) > 0, " ", err)
	l, err := net.Listen("tcp", ":79")
	if err == nil {
		l.Close()
	}
	r["listen on a port below 1024 that is not declared"] = outcome(err)
}
