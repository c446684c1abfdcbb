package container

import (
	"fmt"
	"os"
	"path/filepath"

	"github.com/opencontainers/runtime-spec/specs-go"

	"github.com/bakelite/bakelite/internal/profile"
)

// give puts secrets and settings into files that the service's user alone
// reads, and mounts their folders where the service looks for them.
func (r *Running) give(s *specs.Spec, values map[string][]byte, id profile.Identity) error {
	mounted := map[string]bool{}
	for _, g := range r.profile.Given {
		value, ok := values[g.Name]
		if !ok {
			continue
		}
		inside := filepath.Dir(g.Path)
		folder := filepath.Join(r.bundle, "given", filepath.Base(inside))
		if !mounted[inside] {
			mounted[inside] = true
			s.Mounts = append(s.Mounts, specs.Mount{
				Destination: inside, Type: "bind", Source: folder, Options: []string{"bind", "ro", "nosuid", "nodev", "noexec"},
			})
		}
		if err := giveOne(filepath.Join(folder, g.Name), value, id); err != nil {
			return fmt.Errorf("giving the service %s: %w", g.Name, err)
		}
	}
	return nil
}

func giveOne(file string, value []byte, id profile.Identity) error {
	if err := os.MkdirAll(filepath.Dir(file), 0o755); err != nil {
		return err
	}
	if err := os.WriteFile(file, value, 0o400); err != nil {
		return err
	}
	if os.Geteuid() != 0 {
		return nil
	}
	return os.Chown(file, int(id.UID), int(id.GID))
}
