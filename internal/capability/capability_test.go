package capability

import "testing"

// TestNames holds a few numbers against linux/capability.h.
func TestNames(t *testing.T) {
	for name, number := range map[string]int{"chown": 0, "net_bind_service": 10, "net_raw": 13, "sys_admin": 21, "mknod": 27, "setfcap": 31, "mac_override": 32, "syslog": 34, "bpf": 39, "checkpoint_restore": 40} {
		if Names()[number] != name {
			t.Errorf("%d is %s, want %s", number, Names()[number], name)
		}
	}
	if len(Names()) != 41 {
		t.Errorf("there are %d names", len(Names()))
	}
	if _, err := File([]string{"cap_net_raw"}); err == nil {
		t.Error("an unknown name was taken")
	}
}
