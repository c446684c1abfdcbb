package machine

import (
	"fmt"
	"os"
	"path/filepath"

	"github.com/bakelite/bakelite/internal/disk/squashfs"
)

const (
	inspectorUnit = "bakelite-check.service"
	// inspectorSerial names the drive in the machine.
	inspectorSerial = "bakelite-check"
	// inspectorTime is how long the program may take, in seconds: a minute was
	// never seen to pass under emulation.
	inspectorTime = 300
)

// inspectorService runs the program with its drive as the root, which the
// first process mounts, and has it print into the report. All of the drive is
// protected, without which the first process opens it for writing: a kernel that
// keeps what is mounted from that would refuse.
func inspectorService(device string) string {
	return "[Unit]\nDescription=A look at this machine\nDefaultDependencies=no\nConditionPathExists=!/etc/initrd-release\n" +
		"[Service]\nType=oneshot\nRootImage=/dev/disk/by-id/virtio-" + inspectorSerial + "\nMountAPIVFS=yes\nProtectSystem=strict\nProtectHome=yes\n" +
		fmt.Sprintf("ExecStart=/check /order.json\nTimeoutStartSec=%d\nStandardOutput=file:%s\nStandardError=journal\n", inspectorTime, device)
}

// writeDrive writes the program's drive, with the folders that systemd mounts
// on.
func (i Inspector) writeDrive(dir string) (string, error) {
	var files []squashfs.File
	for _, name := range []string{"dev", "etc", "proc", "run", "sys", "tmp", "usr", "var", "var/tmp"} {
		files = append(files, squashfs.File{Path: name, Mode: 0o755})
	}
	image, err := squashfs.Write(append(files,
		squashfs.File{Path: "check", Mode: 0o755, Content: i.Program}, squashfs.File{Path: "order.json", Mode: 0o644, Content: i.Order}))
	if err != nil {
		return "", fmt.Errorf("making the drive of the program that looks: %w", err)
	}
	file := filepath.Join(dir, "check.img")
	if err := os.WriteFile(file, image, 0o600); err != nil {
		return "", fmt.Errorf("writing the drive of the program that looks: %w", err)
	}
	return file, nil
}
