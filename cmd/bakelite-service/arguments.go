package main

import (
	"bytes"
	"syscall"
)

// arguments are the program's own, by the kernel's account of them: package os,
// which has them too, would make this program an eighth larger.
func arguments() []string {
	fd, err := syscall.Open("/proc/self/cmdline", syscall.O_RDONLY|syscall.O_CLOEXEC, 0)
	if err != nil {
		fail(exitUsage, "reading its arguments: "+err.Error())
	}
	defer syscall.Close(fd)
	var all []byte
	piece := make([]byte, 4096)
	for {
		n, err := syscall.Read(fd, piece)
		if err == syscall.EINTR {
			continue
		}
		if err != nil {
			fail(exitUsage, "reading its arguments: "+err.Error())
		}
		if n == 0 {
			break
		}
		all = append(all, piece[:n]...)
	}
	var words []string
	for _, word := range bytes.Split(bytes.TrimSuffix(all, []byte{0}), []byte{0}) {
		words = append(words, string(word))
	}
	return words
}
