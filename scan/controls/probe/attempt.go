package probe

import (
	"errors"
	"fmt"
	"os"
	"runtime"
	"strings"
	"syscall"
	"unsafe"

	"golang.org/x/sys/unix"

	"github.com/bakelite/bakelite/internal/limit"
)

// Attempt does what a control forbids, by its name in the control, and says
// whether it worked. It needs root, and leaves nothing behind.
func Attempt(name string) (works bool, err error) {
	try, known := attempts()[name]
	if !known {
		return false, fmt.Errorf("nobody knows how to try %s", name)
	}
	return try()
}

func attempts() map[string]func() (bool, error) {
	return map[string]func() (bool, error){
		"debugfs":        func() (bool, error) { return fileSystem("debugfs") },
		"ia32":           ia32,
		"io-uring":       ring,
		"proc-mem":       ownMemory,
		"user-namespace": namespace,
		"write-mounted":  func() (bool, error) { return writeMounted("/var") },
	}
}

// ringParameters is the size of io_uring_params (linux/io_uring.h), in bytes.
const ringParameters = 120

func ring() (bool, error) {
	var parameters [ringParameters]byte
	fd, _, errno := unix.Syscall(unix.SYS_IO_URING_SETUP, 1, uintptr(unsafe.Pointer(&parameters)), 0)
	switch errno {
	case 0:
		return true, unix.Close(int(fd))
	case unix.EPERM, unix.ENOSYS:
		return false, nil
	}
	return false, fmt.Errorf("asking for io_uring: %w", errno)
}

// ownMemory writes to a page that may only be read.
func ownMemory() (bool, error) {
	page, err := unix.Mmap(-1, 0, os.Getpagesize(), unix.PROT_READ, unix.MAP_PRIVATE|unix.MAP_ANONYMOUS)
	if err != nil {
		return false, fmt.Errorf("mapping page: %w", err)
	}
	defer func() { _ = unix.Munmap(page) }()
	memory, err := os.OpenFile("/proc/self/mem", os.O_RDWR, 0)
	if err != nil {
		return false, err
	}
	defer memory.Close()
	_, err = memory.WriteAt([]byte{1}, int64(uintptr(unsafe.Pointer(&page[0]))))
	if errors.Is(err, unix.EIO) {
		return false, nil
	}
	return err == nil, err
}

// nobody is the number of a user without rights (systemd's UIDS-GIDS).
const nobody = 65534

// namespace makes a user namespace as a user without rights: in a thread that
// ends, since it cannot become root again.
func namespace() (bool, error) {
	answer := make(chan error)
	go func() {
		runtime.LockOSThread()
		answer <- unshared()
	}()
	err := <-answer
	switch {
	case errors.Is(err, unix.ENOENT): // the process was made
		return true, nil
	case errors.Is(err, unix.EPERM) || errors.Is(err, unix.ENOSPC):
		return false, nil
	}
	return false, fmt.Errorf("making user namespace: %w", err)
}

// unshared starts a process that ends at once, for there is no such program.
func unshared() error {
	if _, _, errno := unix.RawSyscall(unix.SYS_SETRESUID, nobody, nobody, nobody); errno != 0 {
		return fmt.Errorf("giving up root: %w", errno)
	}
	_, err := syscall.ForkExec("/proc/no such program", []string{"none"}, &syscall.ProcAttr{
		Sys: &syscall.SysProcAttr{Cloneflags: unix.CLONE_NEWUSER},
	})
	return err
}

// exit32 is a program for a 32-bit x86 machine that ends with 0: the headers of
// an ELF file (elf(5)), with one segment, and three instructions.
const exit32 = "\x7fELF\x01\x01\x01\x00\x00\x00\x00\x00\x00\x00\x00\x00\x02\x00\x03\x00\x01\x00\x00\x00" +
	"\x54\x80\x04\x08\x34\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x34\x00\x20\x00\x01\x00\x00\x00\x00\x00\x00\x00" +
	"\x01\x00\x00\x00\x00\x00\x00\x00\x00\x80\x04\x08\x00\x80\x04\x08\x5d\x00\x00\x00\x5d\x00\x00\x00\x05\x00\x00\x00\x00\x10\x00\x00" +
	"\xb8\x01\x00\x00\x00\x31\xdb\xcd\x80"

func ia32() (bool, error) {
	fd, err := unix.MemfdCreate("exit32", unix.MFD_CLOEXEC)
	if err != nil {
		return false, fmt.Errorf("making file: %w", err)
	}
	file := os.NewFile(uintptr(fd), "exit32")
	defer file.Close()
	if _, err := file.WriteString(exit32); err != nil {
		return false, err
	}
	process, err := os.StartProcess(fmt.Sprintf("/proc/self/fd/%d", fd), []string{"exit32"}, &os.ProcAttr{})
	if errors.Is(err, unix.ENOEXEC) {
		return false, nil
	}
	if err != nil {
		return false, err
	}
	state, err := process.Wait()
	return err == nil && state.Success(), err
}

// maxMounts bounds the list of mounts, in bytes.
const maxMounts = 1 << 20

// writeMounted opens the device beneath a mount point of the first process for
// writing, and writes nothing.
func writeMounted(at string) (bool, error) {
	number, err := device(at)
	if err != nil {
		return false, err
	}
	f, err := os.OpenFile("/proc/1/root/dev/block/"+number, os.O_WRONLY, 0)
	if errors.Is(err, unix.EBUSY) || errors.Is(err, unix.EPERM) {
		return false, nil
	}
	if err != nil {
		return false, err
	}
	return true, f.Close()
}

// device is the number of what is mounted last at a path (proc_pid_mountinfo(5)).
func device(at string) (number string, err error) {
	mounts, err := os.Open("/proc/1/mountinfo") //nolint:forbidigo // the kernel's own file
	if err != nil {
		return "", err
	}
	defer mounts.Close()
	text, err := limit.ReadAll(mounts, maxMounts, "/proc/1/mountinfo")
	if err != nil {
		return "", err
	}
	for line := range strings.Lines(string(text)) {
		if words := strings.Fields(line); len(words) > 4 && words[4] == at {
			number = words[2]
		}
	}
	if number == "" {
		return "", fmt.Errorf("nothing is mounted at %s", at)
	}
	return number, nil
}
