package app

import (
	"fmt"
	"maps"
	"slices"
	"strings"
	"time"

	"github.com/bakelite/bakelite/internal/units"
)

// DefaultOwner owns files whose entry names nobody.
const DefaultOwner = "root:root"

// The values of keys that a person left out, as the fields' comments say.
const (
	defaultFormat   = "layout"
	defaultDiskSize = units.Size(2 << 30)
	defaultMemory   = units.Size(512 << 20)
	defaultAdmin    = "admin"
	defaultInterval = units.Duration(30 * time.Second)
	defaultTimeout  = units.Duration(5 * time.Second)
	defaultWithin   = units.Duration(30 * time.Second)
	defaultGrace    = units.Duration(10 * time.Second) // Docker's
	defaultRetries  = 3
	defaultLevel    = 1
	defaultStatus   = 200
	defaultSignal   = "SIGTERM"
)

// WithDefaults returns a copy of a with every key filled whose default does
// not depend on the platform; VM.Kernel does, and stays as it is. The copy
// shares nothing with a.
func WithDefaults(a App) App {
	a.Packages = slices.Clone(a.Packages)
	a.Files = filledFiles(a.Files)
	a.Steps = filledSteps(a.Steps)
	a.Rights = filledRights(a.Rights)
	a.Service = filledService(a.Service)
	a.Container.Format = or(a.Container.Format, defaultFormat)
	a.Container.Labels = maps.Clone(a.Container.Labels)
	a.VM = filledVM(a.VM)
	a.Hardening.Level = or(a.Hardening.Level, defaultLevel)
	a.Service.Resources.Writable = or(a.Service.Resources.Writable, or(a.Service.Resources.Memory, a.VM.Memory)/2)
	a.TestValues = maps.Clone(a.TestValues)
	a.Tests = filledTests(a.Tests, firstTCP(a.Service.Ports))
	return a
}

func or[T comparable](value, otherwise T) T {
	var zero T
	if value == zero {
		return otherwise
	}
	return value
}

func filledFiles(files []File) []File {
	files = slices.Clone(files)
	for i := range files {
		files[i].Owner = or(files[i].Owner, DefaultOwner)
	}
	return files
}

func filledSteps(steps []Step) []Step {
	steps = slices.Clone(steps)
	for i := range steps {
		steps[i].Name = or(steps[i].Name, firstLine(steps[i].Run))
	}
	return steps
}

func filledRights(rights []Right) []Right {
	rights = slices.Clone(rights)
	for i := range rights {
		rights[i].Capabilities = slices.Clone(rights[i].Capabilities)
	}
	return rights
}

func firstLine(script string) string {
	line, _, _ := strings.Cut(strings.TrimSpace(script), "\n")
	return strings.TrimSpace(line)
}

func filledService(s Service) Service {
	s.Command = slices.Clone(s.Command)
	s.Ports = slices.Clone(s.Ports)
	for i := range s.Ports {
		s.Ports[i].Protocol = or(s.Ports[i].Protocol, tcp)
	}
	s.Writable = slices.Clone(s.Writable)
	s.State = slices.Clone(s.State)
	s.Environment = maps.Clone(s.Environment)
	s.Dir = or(s.Dir, "/")
	s.Resources.PIDs = or(s.Resources.PIDs, DefaultPIDs)
	s.StopSignal = or(s.StopSignal, defaultSignal)
	s.StopGrace = or(s.StopGrace, defaultGrace)
	s.Allow, s.Secrets, s.Config = slices.Clone(s.Allow), slices.Clone(s.Secrets), slices.Clone(s.Config)
	if s.Prepare != nil {
		s.Prepare = &Prepare{Run: slices.Clone(s.Prepare.Run), When: or(s.Prepare.When, WhenEmpty)}
	}
	if s.Health != nil {
		h := *s.Health
		h.Check = filledCheck(h.Check, firstTCP(s.Ports))
		h.Interval = or(h.Interval, defaultInterval)
		h.Timeout = or(h.Timeout, defaultTimeout)
		h.Retries = or(h.Retries, defaultRetries)
		s.Health = &h
	}
	return s
}

// firstTCP returns the first TCP port, or 0 where there is none.
func firstTCP(ports []Port) int {
	for _, p := range ports {
		if p.Protocol != udp {
			return p.Number
		}
	}
	return 0
}

func filledCheck(c Check, port int) Check {
	if c.HTTP != nil {
		h := *c.HTTP
		h.Path = or(h.Path, "/")
		h.Port = or(h.Port, port)
		h.Status = or(h.Status, defaultStatus)
		c.HTTP = &h
	}
	if c.TCP != nil {
		c.TCP = &TCPCheck{Port: or(c.TCP.Port, port)}
	}
	if c.Command != nil {
		r := *c.Command
		r.Run = slices.Clone(r.Run)
		c.Command = &r
	}
	return c
}

func filledVM(vm VM) VM {
	vm.Formats = slices.Clone(vm.Formats)
	if len(vm.Formats) == 0 {
		vm.Formats = []string{"qcow2"}
	}
	vm.Size = or(vm.Size, defaultDiskSize)
	vm.Memory = or(vm.Memory, defaultMemory)
	vm.Packages, vm.Modules = slices.Clone(vm.Packages), slices.Clone(vm.Modules)
	if vm.Admin != nil {
		admin := Admin{User: or(vm.Admin.User, defaultAdmin), SSHKeys: slices.Clone(vm.Admin.SSHKeys)}
		vm.Admin = &admin
	}
	return vm
}

func filledTests(tests []Test, port int) []Test {
	tests = slices.Clone(tests)
	for i := range tests {
		t := &tests[i]
		t.Check = filledCheck(t.Check, port)
		t.Name = or(t.Name, t.Check.describe())
		t.Within = or(t.Within, defaultWithin)
	}
	return tests
}

// describe says what the check asks for, as the name of a test without one.
func (c Check) describe() string {
	switch {
	case c.HTTP != nil:
		return fmt.Sprintf("http %d%s answers %d", c.HTTP.Port, c.HTTP.Path, c.HTTP.Status)
	case c.TCP != nil:
		return fmt.Sprintf("tcp %d accepts", c.TCP.Port)
	case c.Command != nil:
		return fmt.Sprintf("%s exits with %d", strings.Join(c.Command.Run, " "), c.Command.Exit)
	}
	return ""
}
