package container

import (
	"context"
	"fmt"
	"os"
	"path/filepath"

	securejoin "github.com/cyphar/filepath-securejoin"

	"github.com/bakelite/bakelite/internal/profile"
	"github.com/bakelite/bakelite/internal/profile/form"
	"github.com/bakelite/bakelite/internal/program"
)

// lasting is where the folders lie that would outlive the container: in its
// bundle, which ends with it.
func (r *Running) lasting() string { return filepath.Join(r.bundle, "state") }

// makeState makes the folders that last. Each begins with what the image has
// there, as a new volume of a container engine does.
func (r *Running) makeState(ctx context.Context, id profile.Identity, rootfs string) error {
	for _, f := range r.profile.Folders {
		if !f.Lasts {
			continue
		}
		at := form.Lasting(r.lasting(), f)
		if err := os.MkdirAll(at, 0o700); err != nil {
			return fmt.Errorf("making the volume of %s: %w", f.Path, err)
		}
		from, err := securejoin.SecureJoin(rootfs, f.Path)
		if err != nil {
			return fmt.Errorf("making the volume of %s: %w", f.Path, err)
		}
		if exists(from) {
			if _, err := program.Run(ctx, program.Command{Path: "/bin/cp", Args: []string{"-a", "--", from + "/.", at}}); err != nil {
				return fmt.Errorf("making the volume of %s: %w", f.Path, err)
			}
		}
		if err := own(at, f, id); err != nil {
			return fmt.Errorf("making the volume of %s: %w", f.Path, err)
		}
	}
	return nil
}

// own gives a folder to the service's user; who is not root is that user.
func own(at string, f profile.Folder, id profile.Identity) error {
	if os.Geteuid() == 0 {
		if err := os.Chown(at, int(id.UID), int(id.GID)); err != nil {
			return err
		}
	}
	return os.Chmod(at, f.Mode)
}
