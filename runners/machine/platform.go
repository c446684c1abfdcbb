package machine

import (
	"github.com/bakelite/bakelite/internal/fault"
	"github.com/bakelite/bakelite/internal/program"
)

// platform is what differs between the architectures.
type platform struct {
	program, packages string
	machine           string
	cpuTCG            string
	firmware          []firmware
	// secure is how the platform enforces Secure Boot.
	secure secure
	// extra are further arguments of the machine.
	extra []string
	// purpose ends the error about missing firmware.
	purpose string
	// report are the arguments of the port for the report; its chardev is
	// called "report".
	report []string
	// reportFile is that port inside the machine.
	reportFile string
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

var platforms = map[string]platform{
	"amd64": {
		program: "qemu-system-x86_64", packages: "qemu-system-x86 ovmf",
		machine: "q35", cpuTCG: "qemu64",
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
		report:     []string{"-device", "isa-serial,chardev=report"},
		reportFile: "/dev/ttyS1",
		proof:      proofAMD64, proofArgs: []string{"-device", "isa-debug-exit,iobase=0xf4,iosize=1"}, proofExit: proofCode<<1 | 1,
	},
	"arm64": {
		program: "qemu-system-aarch64", packages: "qemu-system-arm qemu-efi-aarch64",
		machine: "virt", cpuTCG: "max",
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
		report:     []string{"-device", "virtio-serial-pci", "-device", "virtserialport,chardev=report,name=bakelite.report"},
		reportFile: "/dev/virtio-ports/bakelite.report",
		proof:      proofARM64,
	},
}

func platformOf(arch string) (platform, error) {
	p, ok := platforms[arch]
	if !ok {
		return platform{}, fault.New(fault.Invalid, "no machine for the architecture %q; there are amd64 and arm64", arch)
	}
	return p, nil
}

func (p platform) hint() string {
	return "apt-get install " + p.packages
}

func (p platform) find() (string, error) { return program.Find(p.program, p.hint()) }
