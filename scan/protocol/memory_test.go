package protocol

import "testing"

func TestOutOfMemory(t *testing.T) {
	for words, want := range map[string]bool{
		"fatal error: runtime: out of memory\n\ngoroutine 1": true,
		"mmap: cannot allocate memory":                       true,
		"libc_musl.go:245:mustCalloc\n\tTODO OOM":            true,
		"runtime error: index out of range":                  false,
		"":                                                   false,
	} {
		if OutOfMemory(words) != want {
			t.Errorf("%q: %v", words, !want)
		}
	}
}
