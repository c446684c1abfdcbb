package profile

import (
	"slices"
	"strings"

	"github.com/bakelite/bakelite/internal/app"
	"github.com/bakelite/bakelite/templates"
)

// callsFile lists the system calls by what becomes of them.
const callsFile = "service/syscalls.txt"

// Calls are system calls by name, each list sorted. One that is in neither
// fails with ENOSYS.
type Calls struct {
	Allowed []string
	// Refused fail with EPERM.
	Refused []string
}

// calls sorts the groups of the list; those that allow names are let through.
func calls(allow []string) Calls {
	var c Calls
	for group, names := range callGroups() {
		if group == "allowed" || slices.Contains(allow, group) {
			c.Allowed = append(c.Allowed, names...)
		} else {
			c.Refused = append(c.Refused, names...)
		}
	}
	slices.Sort(c.Allowed)
	slices.Sort(c.Refused)
	return c
}

// callWords are the words of service.allow that let system calls in.
func callWords() []string {
	groups := callGroups()
	return slices.DeleteFunc(app.Allowances(), func(word string) bool { return groups[word] == nil })
}

// callGroups reads the list: a line is a group and names.
func callGroups() map[string][]string {
	groups := map[string][]string{}
	for _, line := range templates.Lines(callsFile) {
		words := strings.Fields(line)
		groups[words[0]] = append(groups[words[0]], words[1:]...)
	}
	return groups
}

// Family is a kind of sockets.
type Family struct {
	// Name is that of socket(2), Number the kernel's.
	Name   string
	Number int
}

// Families are local sockets, the internet's, and the kernel's own answers
// (AF_NETLINK): by them every program lists the machine's interfaces.
func Families() []Family {
	return []Family{{"AF_UNIX", 1}, {"AF_INET", 2}, {"AF_INET6", 10}, {"AF_NETLINK", 16}}
}
