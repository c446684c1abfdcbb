package qemu

import (
	"context"
	"encoding/binary"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"time"

	"github.com/bakelite/bakelite/internal/program"
	"github.com/bakelite/bakelite/runners/probe"
)

// The accelerators of QEMU that are used: the kernel's, and emulation.
const (
	KVM = "kvm"
	TCG = "tcg"
)

const (
	// proofTime bounds the proof; it takes a tenth of a second where KVM works.
	proofTime = 10 * time.Second
	// proofSize is the smallest firmware that QEMU takes.
	proofSize = 64 << 10
	// proofStart is how far before its end the amd64 proof begins.
	proofStart = 0x80
	// proofCode is what the amd64 proof writes to the exit port.
	proofCode = 0x10
)

// Accelerator returns KVM only where a firmware of some instructions was seen
// to run under it: /dev/kvm may open, and even create machines, on hosts that
// cannot run one.
func (p Platform) Accelerator(ctx context.Context, qemu, state string) string {
	kvm, err := os.OpenFile("/dev/kvm", os.O_RDWR, 0)
	if err != nil {
		return TCG
	}
	kvm.Close()
	if p.proves(ctx, qemu, state, KVM) != nil {
		return TCG
	}
	return KVM
}

// proves runs the platform's proof under an accelerator.
func (p Platform) proves(ctx context.Context, qemu, state, accel string) error {
	file := filepath.Join(state, "proof.bin")
	if err := os.WriteFile(file, p.proof(), 0o600); err != nil {
		return err
	}
	defer os.Remove(file)
	control, qemuControl, err := Pair("qmp")
	if err != nil {
		return err
	}
	defer control.Close()
	process, err := program.Start(ctx, program.Command{
		Path: qemu, Timeout: proofTime, Files: []*os.File{qemuControl},
		Args: append([]string{
			"-machine", p.Machine, "-accel", accel, "-cpu", p.CPU(accel), "-m", "64", "-nodefaults", "-no-user-config",
			"-display", "none", "-no-reboot", "-bios", file,
			"-chardev", "socket,id=qmp,fd=3", "-mon", "chardev=qmp,mode=control",
		}, p.proofArgs...),
	})
	qemuControl.Close()
	if err != nil {
		return err
	}
	// A proof that holds may end before QEMU answers.
	if m, err := NewMonitor(control); err == nil {
		select {
		case <-m.Paused:
			process.Stop(0)
		case <-process.Done():
		}
	}
	result, err := process.Wait()
	if code, ok := program.Exited(err); !ok || code != p.proofExit {
		said, _, _ := strings.Cut(strings.Join(probe.PlainLines(result.Stderr), "\n"), "\n")
		return fmt.Errorf("proving %s: exit code %d: %s: %w", accel, code, said, err)
	}
	return nil
}

// CPU is the processor that QEMU shows under an accelerator.
func (p Platform) CPU(accel string) string {
	if accel == KVM {
		return "host"
	}
	return p.cpuTCG
}

// proofAMD64 does what firmware does first and what incomplete KVMs were seen
// to lack: it enters protected mode, waits for the FPU and uses SSE2. At
// proofStart below 4 GiB:
//
//	lgdt cs:[gdtr]; mov eax, cr0; or al, 1; mov cr0, eax; jmp 8:wide
//	wide: fninit; fwait; mov eax, cr4; or ah, 2; mov cr4, eax; pxor xmm0, xmm0
//	mov al, proofCode; out 0xf4, al; hlt
//	gdtr: the table's limit and address, the empty entry, flat code
//
// At the reset vector is a jump there.
func proofAMD64() []byte {
	image := make([]byte, proofSize)
	copy(image[proofSize-proofStart:], []byte{
		0x2e, 0x66, 0x0f, 0x01, 0x16, 0xb0, 0xff, 0x0f, 0x20, 0xc0, 0x0c, 0x01, 0x0f, 0x22, 0xc0,
		0x66, 0xea, 0x97, 0xff, 0xff, 0xff, 0x08, 0x00,
		0xdb, 0xe3, 0x9b, 0x0f, 0x20, 0xe0, 0x80, 0xcc, 0x02, 0x0f, 0x22, 0xe0, 0x66, 0x0f, 0xef, 0xc0,
		0xb0, proofCode, 0xe6, 0xf4, 0xf4, 0, 0, 0, 0,
		0x0f, 0x00, 0xb8, 0xff, 0xff, 0xff, 0, 0,
		0, 0, 0, 0, 0, 0, 0, 0, 0xff, 0xff, 0, 0, 0, 0x9b, 0xcf, 0,
	})
	copy(image[proofSize-16:], []byte{0xe9, 0x8d, 0xff})
	return image
}

// proofARM64 calls PSCI SYSTEM_OFF (0x84000008, Arm DEN0022): movz w0, 8;
// movk w0, 0x8400, lsl 16; hvc 0; b itself.
func proofARM64() []byte {
	image := make([]byte, proofSize)
	for i, word := range []uint32{0x52800100, 0x72b08000, 0xd4000002, 0x14000000} {
		binary.LittleEndian.PutUint32(image[4*i:], word)
	}
	return image
}
