// Package qemu is QEMU as a program: which one boots an architecture, through
// which firmware, under which accelerator, and its monitor. It refuses a KVM
// that was not seen to run.
package qemu

import (
	"github.com/bakelite/bakelite/internal/fault"
	"github.com/bakelite/bakelite/internal/program"
)

// Platform is what differs between the architectures.
type Platform struct {
	program, packages string
	// Machine is the machine that QEMU makes.
	Machine  string
	cpuTCG   string
	firmware []firmware
	// secure is how the platform enforces Secure Boot.
	secure secure
	// Extra are further arguments of the machine.
	Extra []string
	// purpose ends the error about missing firmware.
	purpose string
	// Report are the arguments of the port for the report; its chardev is
	// called "report".
	Report []string
	// ReportFile is that port inside the machine.
	ReportFile string
	// proof is a firmware that ends QEMU with proofExit, and its arguments.
	proof     func() []byte
	proofArgs []string
	proofExit int
}

// secure is what Secure Boot changes of a platform: firmware that enforces it,
// and arguments that keep the running system from changing its variables.
type secure struct {
	machine  string
	firmware []firmware
	extra    []string
}

var platforms = map[string]Platform{
	"amd64": {
		program: "qemu-system-x86_64", packages: "qemu-system-x86 ovmf",
		Machine: "q35", cpuTCG: "qemu64",
		firmware: []firmware{
			{"/usr/share/OVMF/OVMF_CODE_4M.fd", "/usr/share/OVMF/OVMF_VARS_4M.fd"},
			{"/usr/share/OVMF/OVMF_CODE.fd", "/usr/share/OVMF/OVMF_VARS.fd"},
			{"/usr/share/edk2/x64/OVMF_CODE.4m.fd", "/usr/share/edk2/x64/OVMF_VARS.4m.fd"},
			{"/usr/share/edk2/ovmf/OVMF_CODE.fd", "/usr/share/edk2/ovmf/OVMF_VARS.fd"},
		},
		// As edk2's OvmfPkg/README asks, SMM_REQUIRE.
		secure: secure{
			machine: "q35,smm=on",
			firmware: []firmware{
				{"/usr/share/OVMF/OVMF_CODE_4M.secboot.fd", "/usr/share/OVMF/OVMF_VARS_4M.fd"},
				{"/usr/share/OVMF/OVMF_CODE.secboot.fd", "/usr/share/OVMF/OVMF_VARS.fd"},
				{"/usr/share/edk2/x64/OVMF_CODE.secboot.4m.fd", "/usr/share/edk2/x64/OVMF_VARS.4m.fd"},
			},
			extra: []string{"-global", "driver=cfi.pflash01,property=secure,value=on", "-global", "ICH9-LPC.disable_s3=1"},
		},
		Report:     []string{"-device", "isa-serial,chardev=report"},
		ReportFile: "/dev/ttyS1",
		proof:      proofAMD64, proofArgs: []string{"-device", "isa-debug-exit,iobase=0xf4,iosize=1"}, proofExit: proofCode<<1 | 1,
	},
	"arm64": {
		program: "qemu-system-aarch64", packages: "qemu-system-arm qemu-efi-aarch64",
		Machine: "virt", cpuTCG: "max",
		firmware: []firmware{
			{"/usr/share/AAVMF/AAVMF_CODE.no-secboot.fd", "/usr/share/AAVMF/AAVMF_VARS.fd"},
			{"/usr/share/AAVMF/AAVMF_CODE.fd", "/usr/share/AAVMF/AAVMF_VARS.fd"},
			{"/usr/share/edk2/aarch64/QEMU_CODE.fd", "/usr/share/edk2/aarch64/QEMU_VARS.fd"},
		},
		// Arm has no SMM: the system could change the variables, but firmware
		// checks what it starts all the same.
		secure: secure{
			machine: "virt",
			firmware: []firmware{
				{"/usr/share/AAVMF/AAVMF_CODE.secboot.fd", "/usr/share/AAVMF/AAVMF_VARS.fd"},
				{"/usr/share/AAVMF/AAVMF_CODE.fd", "/usr/share/AAVMF/AAVMF_VARS.fd"},
			},
		},
		Report:     []string{"-device", "virtio-serial-pci", "-device", "virtserialport,chardev=report,name=bakelite.report"},
		ReportFile: "/dev/virtio-ports/bakelite.report",
		proof:      proofARM64,
	},
}

// PlatformOf returns the platform of "amd64" or "arm64"; another architecture
// is fault.Invalid.
func PlatformOf(arch string) (Platform, error) {
	p, ok := platforms[arch]
	if !ok {
		return Platform{}, fault.New(fault.Invalid, "no machine for the architecture %q; there are amd64 and arm64", arch)
	}
	return p, nil
}

func (p Platform) hint() string {
	return "apt-get install " + p.packages
}

// Find returns QEMU's file; a missing one is fault.Missing.
func (p Platform) Find() (string, error) { return program.Find(p.program, p.hint()) }
