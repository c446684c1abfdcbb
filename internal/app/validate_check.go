package app

import (
	"slices"
	"strings"
	"unicode"
)

func (c *checker) tests(tests []Test, ports []Port) {
	if len(tests) > maxItems {
		c.add("tests", "has %d entries; at most %d are allowed", len(tests), maxItems)
		return
	}
	for i, t := range tests {
		key := item("tests", i)
		c.check(key, t.Check, ports)
		if t.On != "" {
			c.oneOf(key+".on", t.On, []string{"container", "disk"})
		}
		c.positive(key+".within", t.Within)
	}
}

// check judges one of HTTP, TCP and Command, with its defaults filled.
func (c *checker) check(key string, check Check, ports []Port) {
	given := 0
	if check.HTTP != nil {
		given++
		c.http(key+".http", *check.HTTP, ports)
	}
	if check.TCP != nil {
		given++
		c.port(key+".tcp.port", check.TCP.Port, ports)
	}
	if check.Command != nil {
		given++
		c.command(key+".command", *check.Command)
	}
	if given != 1 {
		c.add(key, "give exactly one of http, tcp and command")
	}
}

func (c *checker) http(key string, h HTTPCheck, ports []Port) {
	if !strings.HasPrefix(h.Path, "/") || strings.ContainsFunc(h.Path, unicode.IsSpace) || strings.ContainsFunc(h.Path, unicode.IsControl) {
		c.add(key+".path", "%q is not a path: start it with / and escape spaces as %%20", h.Path)
	}
	if h.Status < 100 || h.Status > 599 {
		c.add(key+".status", "%d is not a status code of HTTP (100 to 599)", h.Status)
	}
	c.port(key+".port", h.Port, ports)
}

func (c *checker) port(key string, port int, ports []Port) {
	switch {
	case firstTCP(ports) == 0:
		c.add(key, "the service has no TCP port to ask; add one to service.ports")
	case !slices.Contains(ports, Port{Number: port, Protocol: tcp}):
		c.add(key, "%d is not one of the service's TCP ports", port)
	}
}

func (c *checker) command(key string, cmd CommandCheck) {
	c.program(key+".run", cmd.Run)
	if cmd.Exit < 0 || cmd.Exit > 255 {
		c.add(key+".exit", "%d is not an exit code (0 to 255)", cmd.Exit)
	}
}
