package app

import (
	"regexp"
	"slices"
)

// The values of Prepare.When.
const (
	WhenEmpty  = "empty"
	WhenUpdate = "update"
)

// givenName is what all that carry secrets and settings take: Docker,
// Kubernetes, systemd.
var givenName = regexp.MustCompile(`^[a-z0-9]([a-z0-9._-]*[a-z0-9])?$`)

const (
	// maxGivenName is what QEMU's names leave of 55 characters (fw_cfg).
	maxGivenName = 24
	// MaxGiven bounds all secrets and settings of a service together, in bytes:
	// what systemd takes of them (CREDENTIALS_TOTAL_SIZE_MAX).
	MaxGiven = 1 << 20
)

// given judges the names of secrets and settings, which share one space of
// names, and the values for tests.
func (c *checker) given(a App) {
	once(c, "service.secrets", a.Service.Secrets)
	once(c, "service.config", a.Service.Config)
	for i, name := range a.Service.Secrets {
		c.givenName(item("service.secrets", i), name)
	}
	for i, name := range a.Service.Config {
		c.givenName(item("service.config", i), name)
		if slices.Contains(a.Service.Secrets, name) {
			c.add(item("service.config", i), "%q stands in service.secrets too; give it another name", name)
		}
	}
	known := slices.Concat(a.Service.Secrets, a.Service.Config)
	total := 0
	for _, name := range sortedKeys(a.TestValues) {
		if !slices.Contains(known, name) {
			c.add("testValues."+name, "the service has no secret and no setting of that name")
		}
		total += len(a.TestValues[name])
	}
	if total > MaxGiven {
		c.add("testValues", "hold %d bytes; secrets and settings together may have %d", total, MaxGiven)
	}
}

func (c *checker) givenName(key, name string) {
	if len(name) > maxGivenName || !givenName.MatchString(name) {
		c.add(key, "%q is not the name of a file: at most %d lower-case letters, digits and inner . _ -", name, maxGivenName)
	}
}

func (c *checker) prepare(s Service) {
	if s.Prepare == nil {
		return
	}
	if len(s.State) == 0 {
		c.add("service.prepare", "what it makes would be gone at the next start; name the folder that lasts in service.state")
	}
	if len(s.Prepare.Run) == 0 {
		c.add("service.prepare.run", "is empty; give commands, each a list of words")
	}
	if len(s.Prepare.Run) > maxItems {
		c.add("service.prepare.run", "has %d entries; at most %d are allowed", len(s.Prepare.Run), maxItems)
		return
	}
	for i, command := range s.Prepare.Run {
		c.program(item("service.prepare.run", i), command)
	}
	c.oneOf("service.prepare.when", s.Prepare.When, []string{WhenEmpty, WhenUpdate})
}
