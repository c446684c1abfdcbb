package check

import (
	"errors"
	"io/fs"
	"maps"
	"path"
	"slices"
	"strconv"
	"strings"

	"github.com/bakelite/bakelite/internal/capability"
	"github.com/bakelite/bakelite/scan/controls"
	"github.com/bakelite/bakelite/scan/tree"
)

// maxProcesses is how many processes of a service are looked at.
const maxProcesses = 4096

// process wants every process of the service to be what its unit says: values
// of /proc/PID/status, the service's user and group, and no capability that is
// not declared.
func (c *checker) process(s controls.Setting) {
	service := c.o.Service
	pids := c.pids(path.Join("/sys/fs/cgroup/system.slice", service.Unit))
	if len(pids) == 0 {
		c.say("no process of %s runs", service.Unit)
	}
	uid, gid := c.owner(service.User)
	for _, pid := range pids {
		status, err := c.status(pid)
		if errors.Is(err, fs.ErrNotExist) { // it has ended
			continue
		}
		c.cannot(err)
		c.judge(s, status, uid, gid)
	}
}

// pids are the processes of a control group, and of those below it.
func (c *checker) pids(group string) []string {
	var all []string
	var w tree.Walker
	err := w.Walk(c.ctx, c.Tree, group, func(name string, _ tree.Info) error {
		if path.Base(name) == "cgroup.procs" && len(all) < maxProcesses {
			all = append(all, c.lines(name)...)
		}
		return nil
	})
	if !errors.Is(err, fs.ErrNotExist) {
		c.cannot(err)
	}
	return all
}

// status reads the fields of a process; each is the text after its name.
func (c *checker) status(pid string) (map[string]string, error) {
	if _, err := strconv.ParseUint(pid, 10, 32); err != nil {
		return nil, err
	}
	text, err := tree.ReadFile(c.Tree, "/proc/"+pid+"/status", maxText)
	fields := map[string]string{}
	for _, line := range split(string(text)) {
		key, value, _ := strings.Cut(line, ":")
		fields[key] = strings.TrimSpace(value)
	}
	return fields, err
}

// owner returns the numbers of the service's user, as text.
func (c *checker) owner(user string) (uid, gid string) {
	for _, e := range c.entries("/etc/passwd") {
		if len(e) > 3 && (e[0] == user || e[2] == user) {
			return e[2], e[3]
		}
	}
	c.say("there is no user %s", user)
	return "", ""
}

func (c *checker) judge(s controls.Setting, status map[string]string, uid, gid string) {
	who := "the process " + status["Name"]
	for _, key := range slices.Sorted(maps.Keys(s.Values)) {
		if status[key] != s.Values[key] {
			c.say("%s has %s %s, not %s", who, key, status[key], s.Values[key])
		}
	}
	c.numbers(who, "user", status["Uid"], uid)
	c.numbers(who, "group", status["Gid"], gid)
	for _, key := range []string{"CapInh", "CapPrm", "CapEff", "CapBnd", "CapAmb"} {
		set, err := strconv.ParseUint(status[key], 16, 64)
		c.cannot(err)
		for _, name := range capability.Set(set) {
			if !slices.Contains(c.o.Service.Capabilities, name) {
				c.say("%s has the capability %s (%s)", who, name, key)
			}
		}
	}
}

// numbers wants all of a process's numbers of one sort to be the same one.
func (c *checker) numbers(who, what, have, want string) {
	for _, number := range strings.Fields(have) {
		if number != want {
			c.say("%s has the %s %s, not %s", who, what, number, want)
		}
	}
}

// dhcp are the ports of clients that get addresses (RFC 2131, RFC 8415).
func dhcp() []string { return []string{"68/udp", "546/udp"} }

// firstEphemeral is the first port that clients get, where the kernel does not
// say (its own default).
const firstEphemeral = 32768

// ports wants nothing to listen for others but what the service declares.
func (c *checker) ports(controls.Setting) {
	allowed := append(dhcp(), c.o.Ports...)
	ephemeral := uint64(firstEphemeral)
	if text, err := tree.ReadFile(c.Tree, "/proc/sys/net/ipv4/ip_local_port_range", maxText); err == nil {
		if words := strings.Fields(string(text)); len(words) > 0 {
			if first, err := strconv.ParseUint(words[0], 10, 16); err == nil {
				ephemeral = first
			}
		}
	}
	open := map[string]bool{}
	for _, protocol := range []string{"tcp", "udp"} {
		for _, version := range []string{"", "6"} {
			for _, port := range c.listening(protocol, protocol+version, ephemeral) {
				open[port] = true
			}
		}
	}
	for _, port := range slices.Sorted(maps.Keys(open)) {
		if !slices.Contains(allowed, port) {
			c.say("something listens on port %s", port)
		}
	}
}

// listening reads a list of sockets (the kernel's proc_net_tcp.rst). A UDP
// socket without a peer on a port that clients get is a client's.
func (c *checker) listening(protocol, file string, ephemeral uint64) []string {
	name := "/proc/1/net/" + file
	if info := c.lstat(name); info == nil {
		return nil // a kernel without IPv6
	}
	var all []string
	for i, line := range c.lines(name) {
		words := strings.Fields(line)
		if i == 0 || len(words) < 4 {
			continue
		}
		address, hex, _ := strings.Cut(words[1], ":")
		port, err := strconv.ParseUint(hex, 16, 16)
		c.cannot(err)
		_, peer, _ := strings.Cut(words[2], ":")
		listens := words[3] == "0A" || protocol == "udp" && peer == "0000" && port < ephemeral
		if listens && !loopback(address) {
			all = append(all, strconv.FormatUint(port, 10)+"/"+protocol)
		}
	}
	return all
}

// loopback says whether an address, in words of 32 bits as this machine has
// them, is reached from this machine only.
func loopback(hex string) bool {
	const (
		mapped = "0000000000000000FFFF0000"
		own    = "00000000000000000000000001000000"
	)
	v4 := strings.TrimPrefix(hex, mapped)
	return hex == own || len(v4) == 8 && strings.HasSuffix(v4, "7F")
}
