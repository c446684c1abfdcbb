package doctor

// table lists all checks in the order in which they are shown.
func table(o Options) []check {
	qemu, firmware := "qemu-system-x86", "ovmf"
	if o.Arch == "arm64" {
		qemu, firmware = "qemu-system-arm", "qemu-efi-aarch64"
	}
	checks := []check{
		{"runc", "runs build steps and tests of containers", []string{"runc"}, runc},
		{"qemu", "boots disks for their tests", []string{qemu}, emulator},
		{"firmware", "lets disks boot as a machine does", []string{firmware}, uefi},
		{"kvm", "makes boots fast; without it they are emulated", nil, kvm},
		{"overlayfs", "stores build steps without copies", nil, overlay},
		{"cgroups", "limits memory, processors and processes of containers", nil, cgroups},
		{"user namespaces", "let the engine run without root", nil, userNamespaces},
		{"newuidmap", "gives the engine more than one user without root", []string{"uidmap"}, newuidmap},
		{"rootlesskit", "starts the engine without root", []string{"rootlesskit"}, rootlesskit},
		{"state folder", "holds the engine, caches and databases", nil, state},
		{"disk space", "holds packages, layers and disks", nil, space},
		{"archive debian", "packages come from it", nil, mirrorsOf("debian", "trixie")},
		{"archive debian-security", "security updates come from it", nil, mirrorsOf("debian-security", "trixie-security")},
		{"clock", "signatures of archives have dates", nil, clock},
	}
	if o.Scanner != nil {
		checks = append(checks, check{"scanner", "reads what is to be published", nil, scanner})
	}
	if o.Engine != nil {
		checks = append(checks, check{"engine", "executes builds", nil, engine})
	}
	return checks
}
