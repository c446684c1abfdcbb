package capability

import (
	"strings"
	"testing"
)

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

func TestOfFile(t *testing.T) {
	v2 := "\x01\x00\x00\x02\x00\x20\x00\x00\x00\x00\x00\x00\x80\x00\x00\x00\x00\x00\x00\x00"
	for attribute, want := range map[string]string{
		v2: "net_raw bpf",
		"\x00\x00\x00\x01\x01\x00\x00\x00\x02\x00\x00\x00":                   "chown dac_override",
		"\x01\x00\x00\x03" + v2[4:] + "\xe8\x03\x00\x00":                     "net_raw bpf",
		"\x01\x00\x00\x02" + strings.Repeat("\x00", 12) + "\x00\x00\x00\x80": "63",
		"":                          "?",
		v2[:19]:                     "?",
		v2 + "\x00":                 "?",
		"\x01\x00\x00\x04" + v2[4:]: "?",
	} {
		names, ok := OfFile(attribute)
		got := strings.Join(names, " ")
		if !ok {
			got = "?"
		}
		if got != want {
			t.Errorf("%q is %s, want %s", attribute, got, want)
		}
	}
}
