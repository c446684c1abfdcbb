package controls

import (
	"encoding/binary"
	"fmt"
	"slices"
	"strings"
)

// Right is what an app file lets one path have that controls take away from
// all others.
type Right struct {
	// Path is absolute and clean.
	Path string `json:"path"`
	// SetUID and SetGID let a file keep the bit, SetGID a folder too.
	SetUID bool `json:"setUID,omitempty"`
	SetGID bool `json:"setGID,omitempty"`
	// Capabilities are the most that a file may have, as "net_raw".
	Capabilities []string `json:"capabilities,omitempty"`
}

// RightOf returns what rights say of a path, all together; one that none names
// gets a right that allows nothing.
func RightOf(rights []Right, path string) Right {
	all := Right{Path: path}
	for _, r := range rights {
		if r.Path == path {
			all.SetUID, all.SetGID = all.SetUID || r.SetUID, all.SetGID || r.SetGID
			all.Capabilities = append(all.Capabilities, r.Capabilities...)
		}
	}
	return all
}

// RightsAt are rights with the paths that theirs lead to, by links of the tree:
// /bin/ping is /usr/bin/ping. One that leads nowhere allows nothing.
func RightsAt(rights []Right, real func(path string) (string, error)) []Right {
	var all []Right
	for _, r := range rights {
		path, err := real(r.Path)
		if err != nil {
			continue
		}
		r.Path = path
		all = append(all, r)
	}
	return all
}

// AllowsBits says whether a file or folder may have the set-uid and set-gid
// bits of a mode.
func (r Right) AllowsBits(mode uint32) bool {
	return (mode&0o4000 == 0 || r.SetUID) && (mode&0o2000 == 0 || r.SetGID)
}

// AllowsCapabilities says whether a file may have these.
func (r Right) AllowsCapabilities(names []string) bool {
	return len(names) > 0 && !slices.ContainsFunc(names, func(name string) bool { return !slices.Contains(r.Capabilities, name) })
}

// Excepted says whether a path is one of a setting's exceptions or lies below
// one.
func (s Setting) Excepted(path string) bool {
	return slices.ContainsFunc(s.Except, func(e string) bool { return path == e || strings.HasPrefix(path, e+"/") })
}

// capabilities by their numbers (linux/capability.h).
func capabilities() []string {
	return []string{
		"chown", "dac_override", "dac_read_search", "fowner", "fsetid", "kill", "setgid", "setuid", "setpcap", "linux_immutable",
		"net_bind_service", "net_broadcast", "net_admin", "net_raw", "ipc_lock", "ipc_owner", "sys_module", "sys_rawio", "sys_chroot",
		"sys_ptrace", "sys_pacct", "sys_admin", "sys_boot", "sys_nice", "sys_resource", "sys_time", "sys_tty_config", "mknod", "lease",
		"audit_write", "audit_control", "setfcap", "mac_override", "mac_admin", "syslog", "wake_alarm", "block_suspend", "audit_read",
		"perfmon", "bpf", "checkpoint_restore",
	}
}

// CapabilityNames names the bits of a set, as "net_raw"; one without a name is
// its number.
func CapabilityNames(set uint64) []string {
	var names []string
	for bit := range 64 {
		if set&(1<<bit) == 0 {
			continue
		}
		if bit < len(capabilities()) {
			names = append(names, capabilities()[bit])
		} else {
			names = append(names, fmt.Sprint(bit))
		}
	}
	return names
}

// FileCapabilities names the capabilities, permitted or inheritable, in a
// file's attribute security.capability; ok is false for a form that the kernel
// does not know (struct vfs_ns_cap_data of linux/capability.h).
func FileCapabilities(attribute string) (names []string, ok bool) {
	words := map[uint32]int{0x01000000: 2, 0x02000000: 4, 0x03000000: 5}
	b := []byte(attribute)
	if len(b) < 4 {
		return nil, false
	}
	count, known := words[binary.LittleEndian.Uint32(b)&0xff000000]
	if !known || len(b) != 4+4*count {
		return nil, false
	}
	var set uint64
	for i := range min(count, 4) { // the fifth is whose root they are of
		set |= uint64(binary.LittleEndian.Uint32(b[4+4*i:])) << (32 * (i / 2))
	}
	return CapabilityNames(set), true
}
