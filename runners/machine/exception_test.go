package machine

import (
	"bytes"
	"encoding/binary"
	"io"
	"os"
	"path/filepath"
	"runtime"
	"strings"
	"testing"

	"github.com/bakelite/bakelite/runners/machine/qemu"
)

// kernelAddress is where the Multiboot loader puts saying's program.
const kernelAddress = 1 << 20

// saying is a kernel that writes text to the serial console and halts: a
// Multiboot header (Multiboot 0.6.96, 3.1) with its addresses, then
// mov esi, text; mov edx, 0x3f8; lodsb; test al, al; jz +3; out dx, al;
// jmp -8; hlt.
func saying(text string) []byte {
	const magic, flags, header = 0x1badb002, 1 << 16, 32
	code := []byte{0xbe, 0, 0, 0, 0, 0xba, 0xf8, 0x03, 0, 0, 0xac, 0x84, 0xc0, 0x74, 0x03, 0xee, 0xeb, 0xf8, 0xf4}
	binary.LittleEndian.PutUint32(code[1:], uint32(kernelAddress+header+len(code)))
	var b bytes.Buffer
	for _, word := range []uint32{
		magic, flags, (1<<32 - magic - flags) & 0xffffffff,
		kernelAddress, kernelAddress, 0, 0, kernelAddress + header,
	} {
		_ = binary.Write(&b, binary.LittleEndian, word)
	}
	b.Write(code)
	b.WriteString(text + "\x00")
	return b.Bytes()
}

// machineSaying is a kernel that says text, to boot under TCG.
func machineSaying(t *testing.T, text string) Options {
	t.Helper()
	needQEMU(t)
	if runtime.GOARCH != "amd64" {
		t.Skip("a program for amd64")
	}
	dir := t.TempDir()
	file := filepath.Join(dir, "kernel")
	for name, data := range map[string][]byte{file: saying(text), file + ".disk": make([]byte, 1<<20)} {
		if err := os.WriteFile(name, data, 0o600); err != nil {
			t.Fatal(err)
		}
	}
	return Options{Disk: file + ".disk", App: nginx(), State: dir, Accelerator: qemu.TCG, direct: &directKernel{file, file, ""}}
}

// TestPausedMachineEnds pauses a machine as QEMU does where it can go no
// further.
func TestPausedMachineEnds(t *testing.T) {
	m, err := Boot(t.Context(), machineSaying(t, "waiting\n"))
	if err != nil {
		t.Fatal(err)
	}
	defer m.Stop()
	if err := m.monitor.Ask("stop", nil, nil); err != nil {
		t.Fatal(err)
	}
	<-m.Done()
	if err := m.Alive(); err == nil || !strings.Contains(err.Error(), "QEMU paused the machine: paused") {
		t.Error(err)
	}
	if _, _, ok := m.Retry(); ok {
		t.Error("the accelerator is blamed for the pause")
	}
}

func TestRetry(t *testing.T) {
	for _, tt := range []struct {
		accel, asked, verdict string
		again                 bool
	}{
		{qemu.KVM, "", qemu.KVM + gaveUp, true},
		{qemu.KVM, "auto", qemu.KVM + gaveUp, true},
		{qemu.KVM, qemu.KVM, qemu.KVM + gaveUp, false},
		{qemu.TCG, "", qemu.TCG + gaveUp, false},
		{qemu.TCG, qemu.TCG, exception, true},
		{qemu.KVM, "", exception, false},
		{qemu.TCG, "", "the kernel panicked", false},
		{qemu.KVM, "", "", false},
	} {
		m := &Machine{Accel: tt.accel, options: Options{Accelerator: tt.asked, Arch: "amd64"}, console: newConsole(io.Discard)}
		m.console.fail(tt.verdict)
		o, why, ok := m.Retry()
		if ok != tt.again || ok && (o.Accelerator != qemu.TCG || o.Arch != "amd64" || !strings.Contains(why, tt.verdict)) {
			t.Errorf("%+v: %v %q %v", tt, o, why, ok)
		}
	}
}

// TestExceptionUnderEmulation boots kernels that end badly: an exception is
// met with a second boot, and the error shows its first lines, which are
// far above the last ones; any other panic is believed at once.
func TestExceptionUnderEmulation(t *testing.T) {
	trace := "[ 1.0] Oops: divide error: 0000 [#1] PREEMPT SMP\n[ 1.0] RIP: 0010:schedule+0x1\n" + strings.Repeat("[ 1.0] a line\n", 30)
	for _, tt := range []struct {
		name, text string
		boots      int
		wants      []string
	}{
		{"exception", trace + "[ 1.1] Kernel panic - not syncing: Fatal exception in interrupt\n", 2, []string{"second boot", "divide error", "RIP: 0010:schedule", "Fatal"}},
		{"panic", "[ 1.1] Kernel panic - not syncing: VFS: Unable to mount root fs\n", 1, []string{"the kernel panicked", "VFS"}},
	} {
		t.Run(tt.name, func(t *testing.T) {
			results, record, err := Test(t.Context(), machineSaying(t, tt.text))
			if err != nil {
				t.Fatal(err)
			}
			if record.Boots != tt.boots || results[0].Passed {
				t.Errorf("%d boots, want %d: %+v", record.Boots, tt.boots, results[0])
			}
			for _, want := range tt.wants {
				if !strings.Contains(results[0].Detail, want) {
					t.Errorf("%q is not in:\n%s", want, results[0].Detail)
				}
			}
		})
	}
}
