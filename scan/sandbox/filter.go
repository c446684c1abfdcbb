package sandbox

import (
	"fmt"
	"slices"

	"github.com/elastic/go-seccomp-bpf"
	"github.com/elastic/go-seccomp-bpf/arch"
	"golang.org/x/sys/unix"

	"github.com/bakelite/bakelite/internal/fault"
)

// filter leaves this process, in all its threads, the system calls that a
// scan needs. Others are refused with EPERM, as libraries that try for more
// than they need know to do without; those that only somebody who took the
// process over would try (hostile) end it, so that there is no second try.
// Nothing undoes it.
func filter() error {
	policy, err := policyFor("")
	if err != nil {
		return fault.As(fault.Internal, err)
	}
	if err := seccomp.LoadFilter(seccomp.Filter{Flag: seccomp.FilterFlagTSync | tsyncError, Policy: policy}); err != nil {
		err = fault.As(fault.Missing, fmt.Errorf("filtering system calls: %w", err))
		return fault.Hint(err, "scan on a kernel with seccomp filters (CONFIG_SECCOMP_FILTER; zgrep it in /proc/config.gz), where no sandbox around Bakelite forbids them")
	}
	return nil
}

// tsyncError has the kernel say by an error that a thread did not take the
// filter (SECCOMP_FILTER_FLAG_TSYNC_ESRCH, Linux 5.7), where it would else give
// the thread's number as its answer.
const tsyncError = 1 << 4

// policyFor is the filter for an architecture by its Go name; "" is this
// program's.
func policyFor(goarch string) (seccomp.Policy, error) {
	info, err := arch.GetInfo(goarch)
	if err != nil {
		return seccomp.Policy{}, fmt.Errorf("finding system calls: %w", err)
	}
	here := func(names []string) []string {
		return slices.DeleteFunc(names, func(name string) bool {
			_, ok := info.SyscallNames[name]
			return !ok
		})
	}
	return seccomp.Policy{DefaultAction: seccomp.ActionErrno, Syscalls: []seccomp.SyscallGroup{
		{Action: seccomp.ActionAllow, Names: here(needed()), NamesWithCondtions: bounded()},
		{Action: seccomp.ActionKillProcess, Names: here(hostile())},
	}}, nil
}

// needed are the calls of Go's runtime, of reading and writing files, and of
// SQLite; an architecture has some of them under one name only. Calls that
// name a process reach this one alone, in its namespace.
func needed() []string {
	return []string{
		// The runtime.
		"exit", "exit_group", "futex", "sched_yield", "sched_getaffinity", "gettid", "getpid", "tgkill", "nanosleep", "clock_nanosleep",
		"clock_gettime", "clock_getres", "gettimeofday", "getrandom", "rt_sigaction", "rt_sigprocmask", "rt_sigreturn", "sigaltstack",
		"restart_syscall", "membarrier", "rseq", "set_robust_list", "madvise", "mincore", "munmap", "mremap", "brk", "uname", "sysinfo",
		"timer_create", "timer_settime", "timer_delete", "setitimer", "getrusage", "times", "prlimit64", "getrlimit",
		"epoll_create1", "epoll_ctl", "epoll_pwait", "epoll_wait", "eventfd2", "pipe2",
		// Files.
		"read", "write", "readv", "writev", "pread64", "pwrite64", "preadv", "pwritev", "lseek", "close", "close_range", "dup", "dup3", "fcntl", "flock",
		"open", "openat", "openat2", "stat", "lstat", "fstat", "newfstatat", "fstatat", "statx", "access", "faccessat", "faccessat2",
		"readlink", "readlinkat", "getdents64", "getcwd", "chdir", "fchdir", "statfs", "fstatfs", "fadvise64", "readahead",
		"mkdir", "mkdirat", "rmdir", "unlink", "unlinkat", "rename", "renameat", "renameat2", "symlink", "symlinkat", "link", "linkat",
		"ftruncate", "truncate", "fallocate", "fsync", "fdatasync", "msync", "copy_file_range",
		"chmod", "fchmod", "fchmodat", "fchmodat2", "chown", "fchown", "fchownat", "lchown", "utimensat", "umask",
		// Who this is.
		"getuid", "geteuid", "getgid", "getegid", "getppid", "getgroups", "getpgrp", "getpgid", "capget",
	}
}

// threadFlags are those of every thread that Go starts (runtime/os_linux.go);
// on amd64 CLONE_SETTLS is added (runtime/sys_linux_amd64.s). No other process
// is made with them.
const threadFlags = unix.CLONE_VM | unix.CLONE_FS | unix.CLONE_FILES | unix.CLONE_SIGHAND | unix.CLONE_SYSVSEM | unix.CLONE_THREAD

// bounded are calls that are needed in one form only: threads but no
// processes, memory that is no new code, and names of memory.
func bounded() []seccomp.NameWithConditions {
	only := func(name string, argument uint32, operation seccomp.Operation, value uint64) seccomp.NameWithConditions {
		return seccomp.NameWithConditions{Name: name, Conditions: seccomp.ArgumentConditions{{Argument: argument, Operation: operation, Value: value}}}
	}
	return []seccomp.NameWithConditions{
		only("clone", 0, seccomp.Equal, threadFlags),
		only("clone", 0, seccomp.Equal, threadFlags|unix.CLONE_SETTLS),
		only("mmap", 2, seccomp.BitsNotSet, unix.PROT_EXEC),
		only("mprotect", 2, seccomp.BitsNotSet, unix.PROT_EXEC),
		only("prctl", 0, seccomp.Equal, unix.PR_SET_VMA),
		only("ioctl", 1, seccomp.Equal, unix.TCGETS),
	}
}

// hostile are calls that reach for the kernel's rarely trodden parts, for
// other processes, or for privileges: what Docker's profile refuses as well,
// and what no scanner has a use for.
func hostile() []string {
	return []string{
		"ptrace", "process_vm_readv", "process_vm_writev", "process_madvise", "kcmp", "pidfd_getfd",
		"keyctl", "add_key", "request_key", "bpf", "perf_event_open", "userfaultfd", "io_uring_setup", "io_uring_enter", "io_uring_register",
		"mount", "umount2", "mount_setattr", "move_mount", "open_tree", "fsopen", "fsconfig", "fsmount", "fspick", "pivot_root", "chroot",
		"setns", "unshare", "name_to_handle_at", "open_by_handle_at", "fanotify_init", "kexec_load", "kexec_file_load", "reboot",
		"init_module", "finit_module", "delete_module", "personality", "modify_ldt", "iopl", "ioperm", "swapon", "swapoff", "acct",
		"quotactl", "quotactl_fd", "syslog", "settimeofday", "clock_settime", "clock_adjtime", "adjtimex", "sethostname", "setdomainname",
		"mknod", "mknodat", "setuid", "setgid", "setreuid", "setregid", "setresuid", "setresgid", "setgroups", "setfsuid", "setfsgid",
		"capset", "seccomp", "execve", "execveat", "vmsplice", "memfd_secret", "lookup_dcookie", "nfsservctl", "uselib", "vhangup",
	}
}
