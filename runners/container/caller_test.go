package container_test

import (
	"os"
	"strings"
	"testing"
	"unsafe"

	"golang.org/x/sys/unix"
)

// TestCallersLimits: a container has its profile's limits whatever the caller's
// own, but what the kernel does not let the caller raise.
func TestCallersLimits(t *testing.T) {
	score := "/proc/self/oom_score_adj"
	before, err := os.ReadFile(score)
	if err == nil {
		err = os.WriteFile(score, []byte("900"), 0)
	}
	if err != nil {
		t.Fatal(err)
	}
	defer os.WriteFile(score, before, 0)
	var stack unix.Rlimit
	if err := unix.Getrlimit(unix.RLIMIT_STACK, &stack); err != nil {
		t.Fatal(err)
	}
	low := unix.Rlimit{Cur: 4 << 20, Max: stack.Max}
	if err := unix.Setrlimit(unix.RLIMIT_STACK, &low); err != nil {
		t.Fatal(err)
	}
	defer unix.Setrlimit(unix.RLIMIT_STACK, &stack)
	ignore := [4]uintptr{1} // SIG_IGN
	if _, _, errno := unix.RawSyscall6(unix.SYS_RT_SIGACTION, 32, uintptr(unsafe.Pointer(&ignore)), 0, 8, 0, 0); errno != 0 {
		t.Fatal(errno)
	}
	r := start(t, options(t, webApp()))
	for file, want := range map[string]string{"/proc/1/oom_score_adj": "900\n", "/proc/1/limits": "Max stack size            8388608 ", "/proc/1/status": "SigIgn:\t0000000000000000\n"} {
		if _, output, err := r.Exec(t.Context(), []string{"/service", "read", file}); err != nil || !strings.Contains(string(output), want) {
			t.Errorf("%s: %v, without %q:\n%s", file, err, want, output)
		}
	}
	if notes := strings.Join(r.Notes(), "\n"); !strings.Contains(notes, "(900)") {
		t.Errorf("noted: %s", notes)
	}
}
