package check

import (
	"errors"
	"os"
	"strings"
	"testing"

	"github.com/bakelite/bakelite/scan/controls"
)

// kernel is the part of a running machine's /proc that checks look at.
func kernel(t *testing.T, root string) {
	t.Helper()
	for name, text := range map[string]string{
		"/sys/kernel/security/lockdown": "none [integrity] confidentiality\n", "/proc/sys/kernel/kptr_restrict": "2\n", "/proc/sys/net/ipv4/conf/all/rp_filter": "1\n", "/proc/sys/net/ipv4/conf/eth0/rp_filter": "1\n",
		"/proc/sys/kernel/osrelease": "6.12.1\n", "/proc/modules": "virtio_blk 32768 1 - Live 0x0\n", "/usr/lib/modules/6.12.1/modules.builtin": "kernel/fs/ext4/ext4.ko\n",
		"/proc/1/mountinfo": "22 1 0:20 / /proc rw,nosuid shared:1 - proc proc rw\n30 1 0:30 / /tmp rw,nosuid,nodev - tmpfs tmpfs rw\n31 1 0:31 / /a\\040b rw - tmpfs tmpfs rw\n",
		"/etc/fstab":        "tmpfs /tmp tmpfs nosuid,nodev 0 0\ntmpfs /a\\040b tmpfs defaults 0 0\n",
	} {
		write(t, root+name, text, 0o444)
	}
}

// TestTamperedMachine changes what a running machine does, and leaves alone
// what its files say.
func TestTamperedMachine(t *testing.T) {
	sysctl := controls.Setting{Kind: "sysctl", Values: map[string]string{"kernel.kptr_restrict": "2", "net.ipv4.conf.*.rp_filter": "1"}}
	module := controls.Setting{Kind: "module", Names: []string{"usb-storage", "sctp"}}
	mount := controls.Setting{Kind: "mount-option", Path: "/tmp", Options: []string{"nodev", "nosuid"}}
	state := controls.Setting{Kind: "kernel-state", Values: map[string]string{"/sys/kernel/security/lockdown": "[integrity]"}}
	refused := controls.Setting{Kind: "refused", Names: []string{"io-uring"}}
	attempt := func(works bool, err error) func(*given) {
		return func(g *given) {
			g.more = func(o *Options) { o.Attempt = func(string) (bool, error) { return works, err } }
		}
	}
	try := func(has bool, err error) func(*given) {
		return func(g *given) {
			g.more = func(o *Options) { o.Try = func(name string) (bool, error) { return has && name == "sctp", err } }
		}
	}
	for name, test := range map[string]struct {
		set    controls.Setting
		tamper func(t *testing.T, root string)
		with   func(*given)
		want   string
	}{
		"a value of the kernel":                {sysctl, replace("/proc/sys/kernel/kptr_restrict", "0\n"), nil, "kernel.kptr_restrict is 0 in the running kernel, not 2"},
		"a value of one device":                {sysctl, replace("/proc/sys/net/ipv4/conf/eth1/rp_filter", "0\n"), nil, "net.ipv4.conf.eth1.rp_filter is 0 in the running kernel, not 1"},
		"a key that the kernel lacks":          {sysctl, func(t *testing.T, root string) { must(t, os.RemoveAll(root+"/proc/sys/kernel")) }, nil, "the running kernel has no kernel.kptr_restrict"},
		"a loaded module":                      {module, replace("/proc/modules", "usb_storage 81920 0 - Live 0x0\n"), nil, "usb-storage is loaded"},
		"a module in the kernel":               {module, replace("/usr/lib/modules/6.12.1/modules.builtin", "kernel/drivers/usb/storage/usb-storage.ko\n"), nil, "usb-storage is a part of the kernel"},
		"a module that is loaded for who asks": {module, func(*testing.T, string) {}, try(true, nil), "sctp was loaded for a program without rights"},
		"a kernel that cannot be asked":        {module, func(*testing.T, string) {}, try(false, errors.New("no")), "no: the check did not finish"},
		"a state of the kernel":                {state, replace("/sys/kernel/security/lockdown", "[none] integrity confidentiality\n"), nil, "/sys/kernel/security/lockdown is [none] integrity confidentiality in the running kernel, not [integrity]"},
		"a state that the kernel lacks":        {state, func(t *testing.T, root string) { must(t, os.Remove(root+"/sys/kernel/security/lockdown")) }, nil, "the running kernel has no /sys/kernel/security/lockdown"},
		"what is forbidden works":              {refused, func(*testing.T, string) {}, attempt(true, nil), "io-uring was tried and works"},
		"what is forbidden cannot be tried":    {refused, func(*testing.T, string) {}, attempt(false, errors.New("no")), "no: the check did not finish"},
		"a mount without an option":            {mount, replace("/proc/1/mountinfo", "30 1 0:30 / /tmp rw,nodev - tmpfs tmpfs rw\n"), nil, "/tmp is mounted without nosuid"},
		"another mount on top": {
			mount, replace("/proc/1/mountinfo", "30 1 0:30 / /tmp rw,nosuid,nodev - tmpfs tmpfs rw\n31 1 0:31 / /tmp rw - tmpfs tmpfs rw\n"), nil, "/tmp is mounted without nodev; /tmp is mounted without nosuid",
		},
		"no mount": {mount, replace("/proc/1/mountinfo", "30 1 0:30 / /tmpx rw,nosuid,nodev - tmpfs tmpfs rw\n"), nil, "nothing is mounted at /tmp"},
	} {
		t.Run(name, func(t *testing.T) {
			root, _ := newTree(t)
			kernel(t, root)
			cs := only(test.set)
			must(t, tryApply(t, cs, root))
			with := []func(*given){running}
			if test.with == nil {
				expect(t, cs, root, "", running, try(false, nil))
			} else {
				with = append(with, test.with)
			}
			test.tamper(t, root)
			expect(t, cs, root, test.want, with...)
		})
	}
}

func TestMountWithABlank(t *testing.T) {
	root, _ := newTree(t)
	kernel(t, root)
	expect(t, only(controls.Setting{Kind: "mount-option", Path: "/a b", Options: []string{"rw"}}), root, "/etc/fstab does not name /a b", running)
}

// TestListeningPorts tells services from clients, and this machine's own
// addresses from those that others reach.
func TestListeningPorts(t *testing.T) {
	const (
		any4, local4, any6 = "00000000", "3500007F", "00000000000000000000000000000000"
		local6, mapped     = "00000000000000000000000001000000", "0000000000000000FFFF00000100007F"
	)
	cs := only(controls.Setting{Kind: "ports"})
	for name, test := range map[string]struct{ file, address, state, want string }{
		"for all":                  {"tcp", any4 + ":14EB", "0A", "something listens on port 5355/tcp"},
		"for all, IPv6":            {"tcp6", any6 + ":14EB", "0A", "something listens on port 5355/tcp"},
		"on one address":           {"tcp", "0F02000A:14EB", "0A", "something listens on port 5355/tcp"},
		"declared":                 {"tcp", any4 + ":1F90", "0A", ""},
		"declared for another":     {"udp", any4 + ":1F90", "07", "something listens on port 8080/udp"},
		"for this machine":         {"tcp", local4 + ":0035", "0A", ""},
		"for this machine, IPv6":   {"tcp6", local6 + ":0035", "0A", ""},
		"for this machine, mapped": {"tcp6", mapped + ":0035", "0A", ""},
		"a connection":             {"tcp", any4 + ":14EB", "01", ""},
		"datagrams":                {"udp", any4 + ":14EB", "07", "something listens on port 5355/udp"},
		"a client's datagrams":     {"udp", any4 + ":C000", "07", ""},
		"DHCP":                     {"udp", any4 + ":0044", "07", ""},
	} {
		root, _ := newTree(t)
		sockets(test.file, test.address, test.state)(t, root)
		r := check(t, cs, root, running, func(g *given) { g.more = func(o *Options) { o.Ports = []string{"8080/tcp"} } })[cs[0].ID]
		if r.Passed != (test.want == "") || !strings.Contains(r.Detail, test.want) {
			t.Errorf("%s: %+v, want %q", name, r, test.want)
		}
	}
}
