package controls

// Sources returns the names of what a reference can point to, by its key.
func Sources() map[string]string {
	return map[string]string{
		"audit":                    "Audit of the example's disk and image",
		"cis-debian-13":            "CIS Debian Linux 13 Benchmark v1.0.0",
		"cis-docker":               "CIS Docker Benchmark v1.6.0",
		"linux-man":                "Linux manual pages",
		"oci-image":                "OCI Image Format Specification v1.1.1",
		"kspp":                     "Kernel Self-Protection Project, Recommended Settings",
		"kernel-hardening-checker": "kernel-hardening-checker",
		"kernel-lockdown":          "kernel_lockdown(7)",
		"systemd-images":           "systemd, Safely Building Images",
	}
}
