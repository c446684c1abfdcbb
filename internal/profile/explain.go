package profile

import (
	"fmt"
	"path"
	"regexp"
	"strings"
)

// symptoms are words of the C library's messages, what of the profile can be
// behind them, and which key changes it.
var symptoms = []struct {
	words   string
	explain func(p Profile, line string) string
}{
	{"read-only file system", readOnly},
	{"no space left on device", func(Profile, string) string {
		return "a writable folder is full: each holds what service.resources.writable says"
	}},
	{"permission denied", denied},
	{"address family not supported", func(p Profile, _ string) string {
		return "the service may make sockets of " + names(p.Families) + " alone, in both artifacts"
	}},
	{"operation not permitted", refusedCall},
	{"function not implemented", refusedCall},
	{"cannot allocate memory", noMemory},
	{"out of memory", noMemory}, // V8, whatever memory it was
	{"executable memory", noExecutable},
	{"as executable", noExecutable}, // Java
	{"legacy provider", func(Profile, string) string {
		return "the old algorithms of OpenSSL are left out of images: name openssl-provider-legacy under packages"
	}},
	{"mounted noexec", func(p Profile, _ string) string {
		if len(p.Executable()) > 0 {
			return "nothing in a folder of service.state, /tmp or /var/tmp can be executed or loaded as a library"
		}
		return "nothing in a writable folder can be executed or loaded as a library, without service.allow: [exec-writable] and service.writable"
	}},
	{"resource temporarily unavailable", func(p Profile, _ string) string {
		return fmt.Sprintf("there can be %d processes and threads: service.resources.pids", p.PIDs)
	}},
	{"too many open files", func(p Profile, _ string) string {
		return fmt.Sprintf("a process can have %d files open", p.OpenFiles)
	}},
}

// Explain says which limits of the profile can be behind what a service wrote
// before it ended, each with the key of the app file that changes it, in the
// order in which they show; nil where none shows.
func (p Profile) Explain(log string) []string {
	var all []string
	seen := map[string]bool{}
	for line := range strings.Lines(log) {
		for _, s := range symptoms {
			if !strings.Contains(strings.ToLower(line), s.words) {
				continue
			}
			if text := s.explain(p, line); text != "" && !seen[text] {
				seen[text] = true
				all = append(all, text)
			}
		}
	}
	return all
}

// namedPath is an absolute path in a message.
var namedPath = regexp.MustCompile(`(?:^|[\s"'(=:])(/[^\s"'():;,]+)`)

// place finds the path that a message is about: the last one, for the first
// is often the program's.
func place(line string) string {
	found := namedPath.FindAllStringSubmatch(line, -1)
	if len(found) == 0 {
		return ""
	}
	return strings.TrimRight(found[len(found)-1][1], ".")
}

func readOnly(_ Profile, line string) string {
	if at := place(line); at != "" {
		return fmt.Sprintf("%s is read-only: name %s in service.writable, or in service.state where it must last", at, path.Dir(at))
	}
	return "all is read-only but the folders of service.writable and service.state"
}

func denied(p Profile, line string) string {
	if strings.Contains(line, "bind") && len(p.Capabilities) == 0 {
		return "a port below 1024 can be taken where service.ports names one"
	}
	if at := place(line); at != "" && !p.writes(at) {
		return fmt.Sprintf("%s may write to no other folders than those of service.writable and service.state: name %s there", p.User, path.Dir(at))
	}
	return ""
}

// writes says whether a path is in a writable folder.
func (p Profile) writes(at string) bool {
	for _, f := range p.Folders {
		if at == f.Path || strings.HasPrefix(at, f.Path+"/") {
			return true
		}
	}
	return false
}

func noMemory(p Profile, line string) string {
	limit := "the memory ends at service.resources.memory"
	if jit := noExecutable(p, line); jit != "" {
		return limit + ", and " + jit
	}
	return limit
}

func noExecutable(p Profile, _ string) string {
	if p.WriteExecute {
		return ""
	}
	return "no memory can be both written and executed, as just-in-time compilers need it, without service.allow: [jit]"
}

func refusedCall(Profile, string) string {
	return "a system call may have been refused; service.allow lets more of them in: " + strings.Join(callWords(), ", ")
}

func names(families []Family) string {
	var all []string
	for _, f := range families {
		all = append(all, f.Name)
	}
	return strings.Join(all, ", ")
}
