// Package capability knows Linux's capabilities by name, and writes them as
// files have them. It is pure and imports nothing of ours. Who judges an app's
// rights and who gives them import it.
package capability

import (
	"encoding/binary"
	"fmt"
	"slices"
	"strings"
)

// Attribute is the extended attribute that holds a file's capabilities.
const Attribute = "security.capability"

// Names lists all capabilities without "cap_", each at the index that is its
// number (linux/capability.h).
func Names() []string {
	return strings.Fields(`chown dac_override dac_read_search fowner fsetid kill setgid setuid setpcap linux_immutable
		net_bind_service net_broadcast net_admin net_raw ipc_lock ipc_owner sys_module sys_rawio sys_chroot sys_ptrace
		sys_pacct sys_admin sys_boot sys_nice sys_resource sys_time sys_tty_config mknod lease audit_write audit_control
		setfcap mac_override mac_admin syslog wake_alarm block_suspend audit_read perfmon bpf checkpoint_restore`)
}

const (
	// revision2 is the form with 64 bits and no user namespace, and effective
	// says that a program has its capabilities without asking
	// (linux/capability.h, VFS_CAP_REVISION_2, VFS_CAP_FLAGS_EFFECTIVE).
	revision2 = 0x02000000
	effective = 0x000001
)

// File returns the attribute of a program that gets capabilities, permitted
// and effective. A name that Names does not have is an error.
func File(names []string) ([]byte, error) {
	var bits uint64
	for _, name := range names {
		number := slices.Index(Names(), name)
		if number < 0 {
			return nil, fmt.Errorf("there is no capability %q", name)
		}
		bits |= 1 << number
	}
	value := binary.LittleEndian.AppendUint32(nil, revision2|effective)
	for _, word := range []uint32{uint32(bits), 0, uint32(bits >> 32), 0} { // permitted and inheritable, low words first
		value = binary.LittleEndian.AppendUint32(value, word)
	}
	return value, nil
}
