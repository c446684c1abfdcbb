package app

import (
	"maps"
	"regexp"
	"slices"
	"strings"
	"time"

	"github.com/bakelite/bakelite/internal/units"
)

// environmentName is the portable form in POSIX.1-2024, chapter 8.1, with
// lower case allowed.
var environmentName = regexp.MustCompile(`^[A-Za-z_][A-Za-z0-9_]*$`)

const (
	// minServiceMemory is what Docker accepts at least (6 MB, docker run -m).
	minServiceMemory = units.Size(6 << 20)
	minFolder        = units.Size(1 << 20)
	minCPUs          = 0.01    // a quota of 1 ms, the kernel's least, in its period of 100 ms
	maxCPUs          = 4096    // what Linux can be built for (NR_CPUS)
	maxPIDs          = 4 << 20 // PID_MAX_LIMIT of 64-bit Linux
	firstUID         = 100     // Debian Policy 9.2.2
	nobody           = 65534   // and the next is -1 in sixteen bits
	maxStopGrace     = units.Duration(time.Hour)
)

func (c *checker) service(s Service) {
	c.program("service.command", s.Command)
	c.user("service.user", s.User)
	if slices.Contains(systemGroups(), s.User) {
		c.add("service.user", "%s is a group of every Debian, whose rights the service would get; name another user", s.User)
	}
	c.uid("service.uid", s.UID)
	c.ports(s.Ports)
	c.folders(s.Writable, s.State)
	c.environment(s.Environment)
	c.workingDir("service.dir", s.Dir)
	c.resources(s.Resources)
	c.stop(s)
	c.prepare(s)
	once(c, "service.allow", s.Allow)
	for i, word := range s.Allow {
		c.oneOf(item("service.allow", i), word, Allowances())
		if word == AllowExec && len(s.Writable) == 0 {
			c.add(item("service.allow", i), "there is no folder that it is about; name it in service.writable")
		}
	}
	if s.Health != nil {
		c.check("service.health", s.Health.Check, s.Ports)
		c.positive("service.health.interval", s.Health.Interval)
		c.positive("service.health.timeout", s.Health.Timeout)
		if s.Health.Retries < 1 {
			c.add("service.health.retries", "must be at least 1")
		}
	}
}

const (
	// AllowJIT lifts the limit on memory that is written and executed.
	AllowJIT = "jit"
	// AllowExec lifts the limit on programs in the folders of Service.Writable.
	AllowExec = "exec-writable"
)

// Allowances are the limits that service.allow can lift.
func Allowances() []string {
	return []string{AllowExec, "io-uring", AllowJIT, "keyrings", "ownership", "scheduling"}
}

// StopSignals are the signals that can ask a service to end.
func StopSignals() []string {
	return []string{"SIGABRT", "SIGHUP", "SIGINT", "SIGQUIT", "SIGTERM", "SIGUSR1", "SIGUSR2", "SIGWINCH"}
}

func (c *checker) stop(s Service) {
	if s.StopSignal == "SIGKILL" {
		c.add("service.stopSignal", "SIGKILL gives a service no time to end well; it is sent anyway after service.stopGrace")
	} else {
		c.oneOf("service.stopSignal", s.StopSignal, StopSignals())
	}
	c.positive("service.stopGrace", s.StopGrace)
	if s.StopGrace > maxStopGrace {
		c.add("service.stopGrace", "%v is longer than %v", s.StopGrace, maxStopGrace)
	}
}

// workingDir judges a path that a unit file takes as the rest of a line, where
// a backslash at the end would go on with the next one (systemd.syntax(7)).
func (c *checker) workingDir(key, p string) {
	if c.absolute(key, p) && (strings.HasSuffix(p, " ") || strings.HasSuffix(p, `\`)) {
		c.add(key, "%q ends with a space or a backslash, which a unit file cannot say", p)
	}
}

func (c *checker) positive(key string, d units.Duration) {
	if d <= 0 {
		c.add(key, "must be more than 0")
	}
}

// program judges a command line whose first word is an absolute path.
func (c *checker) program(key string, command []string) {
	if len(command) == 0 {
		c.add(key, "is empty; give the program's absolute path and its arguments")
		return
	}
	c.absolute(item(key, 0), command[0])
	for i, word := range command {
		if strings.ContainsRune(word, 0) {
			c.add(item(key, i), "holds a NUL character")
		}
	}
}

func (c *checker) user(key, name string) {
	switch {
	case name == "":
		c.add(key, "is empty; name the user that runs the service")
	case name == "root" || strings.Trim(name, "0") == "":
		c.add(key, "the service never runs as root; name another user, it is created where no package brings it")
	case strings.Trim(name, "0123456789") == "":
		c.add(key, "give a name, not the number %s: the user is created by name", name)
	case len(name) > maxUserName || !userName.MatchString(name):
		c.add(key, "%q is not a user name: at most %d lower-case letters, digits, _ and -, not starting with a digit", name, maxUserName)
	}
}

// uid judges the number of a user that a person chose.
func (c *checker) uid(key string, uid int) {
	switch {
	case uid == 0: // left out
	case uid < 0 || uid > maxID:
		c.add(key, "%d is not between %d and %d", uid, firstUID, maxID)
	case uid < firstUID:
		c.add(key, "%d: numbers below %d are Debian's own (Debian Policy 9.2.2)", uid, firstUID)
	case uid == nobody || uid == nobody+1:
		c.add(key, "%d stands for nobody at all in Linux; use another number", uid)
	}
}

func (c *checker) ports(ports []Port) {
	once(c, "service.ports", ports)
	for i, p := range ports {
		if p.Number < 1 || p.Number > maxPort {
			c.add(item("service.ports", i), "port %d is not between 1 and %d", p.Number, maxPort)
		}
		if p.Protocol != tcp && p.Protocol != udp {
			c.add(item("service.ports", i), "the protocol is tcp or udp, not %q", p.Protocol)
		}
	}
}

func (c *checker) environment(env map[string]string) {
	for _, name := range sortedKeys(env) {
		key := "service.environment." + name
		if !environmentName.MatchString(name) {
			c.add(key, "%q is not a variable's name: letters, digits and _, not starting with a digit", name)
		}
		if strings.ContainsRune(env[name], 0) {
			c.add(key, "holds a NUL character")
		}
	}
}

func sortedKeys(m map[string]string) []string { return slices.Sorted(maps.Keys(m)) }

func (c *checker) resources(r Resources) {
	if r.Memory != 0 && r.Memory < minServiceMemory {
		c.add("service.resources.memory", "%v is too little; container engines accept %v and more", r.Memory, minServiceMemory)
	}
	if r.Writable < minFolder || r.Memory != 0 && r.Writable > r.Memory {
		c.add("service.resources.writable", "%v is not between %v and the service's memory, which holds the folders", r.Writable, minFolder)
	}
	if r.CPUs != 0 && !(r.CPUs >= minCPUs && r.CPUs <= maxCPUs) {
		c.add("service.resources.cpus", "%v is not between %v and %d", r.CPUs, minCPUs, maxCPUs)
	}
	if r.PIDs < 0 || r.PIDs > maxPIDs {
		c.add("service.resources.pids", "%d is not between 1 and %d", r.PIDs, maxPIDs)
	}
}
