package machine

import (
	"context"
	"encoding/binary"
	"fmt"
	"os"
	"path/filepath"
	"time"

	"github.com/bakelite/bakelite/internal/program"
)

// The values of Record.Accel.
const (
	accelKVM = "kvm"
	accelTCG = "tcg"
)

const (
	// proofTime bounds the proof; it takes a tenth of a second where KVM works.
	proofTime = 10 * time.Second
	// proofSize is the smallest firmware that QEMU takes.
	proofSize = 64 << 10
	// proofCode is what the amd64 proof writes to the exit port.
	proofCode = 0x10
)

// accelerator returns KVM only where a firmware of a few instructions was seen
// to run under it: /dev/kvm may open, and even create machines, on hosts that
// cannot run one.
func (p platform) accelerator(ctx context.Context, qemu, state string) string {
	kvm, err := os.OpenFile("/dev/kvm", os.O_RDWR, 0)
	if err != nil {
		return accelTCG
	}
	kvm.Close()
	if p.proves(ctx, qemu, state, accelKVM) != nil {
		return accelTCG
	}
	return accelKVM
}

// proves runs the platform's proof under an accelerator.
func (p platform) proves(ctx context.Context, qemu, state, accel string) error {
	file := filepath.Join(state, "proof.bin")
	if err := os.WriteFile(file, p.proof(), 0o600); err != nil {
		return err
	}
	defer os.Remove(file)
	result, err := program.Run(ctx, program.Command{
		Path: qemu, Timeout: proofTime,
		Args: append([]string{
			"-machine", p.machine, "-accel", accel, "-cpu", p.cpu(accel), "-m", "64", "-nodefaults", "-no-user-config",
			"-display", "none", "-no-reboot", "-bios", file,
		}, p.proofArgs...),
	})
	if code, ok := program.Exited(err); !ok || code != p.proofExit {
		return fmt.Errorf("proving %s: exit code %d: %s: %w", accel, code, result.Stderr, err)
	}
	return nil
}

func (p platform) cpu(accel string) string {
	if accel == accelKVM {
		return "host"
	}
	return p.cpuTCG
}

// proofAMD64 is, at the reset vector: mov al, proofCode; out 0xf4, al; hlt.
func proofAMD64() []byte {
	image := make([]byte, proofSize)
	copy(image[proofSize-16:], []byte{0xb0, proofCode, 0xe6, 0xf4, 0xf4})
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
