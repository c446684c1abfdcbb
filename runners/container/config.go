package container

import (
	"slices"
	"strings"

	v1 "github.com/google/go-containerregistry/pkg/v1"

	"github.com/bakelite/bakelite/internal/profile"
)

// defaultPath is the PATH of an image that sets none (Docker's default).
const defaultPath = "PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin"

// shipped returns the profile with what the image's own config says, where it
// says it: the image is tested as it is shipped.
func shipped(p profile.Profile, c v1.Config) profile.Profile {
	if command := append(append([]string{}, c.Entrypoint...), c.Cmd...); len(command) > 0 {
		p.Command = command
	}
	if c.User != "" {
		p.User = c.User
	}
	if c.WorkingDir != "" {
		p.Dir = c.WorkingDir
	}
	if c.StopSignal != "" {
		p.StopSignal = c.StopSignal
	}
	if len(c.Env) > 0 {
		p.Environment = append([]string{}, c.Env...)
	}
	for _, variable := range p.Environment {
		if strings.HasPrefix(variable, "PATH=") {
			return p
		}
	}
	p.Environment = append(p.Environment, defaultPath)
	return p
}

// overridden returns an environment with variables that replace those of the
// same name.
func overridden(environment, by []string) []string {
	var all []string
	for _, variable := range append(append([]string{}, environment...), by...) {
		name, _, _ := strings.Cut(variable, "=")
		all = append(slices.DeleteFunc(all, func(other string) bool { return strings.HasPrefix(other, name+"=") }), variable)
	}
	return all
}
