package rootfs

import (
	"fmt"

	"github.com/bakelite/bakelite/internal/app"
	"github.com/bakelite/bakelite/internal/profile"
)

// Profile is the run profile of what the graph makes.
func (g Graph) Profile() (profile.Profile, error) {
	p := profile.Of(g.App)
	var err error
	if p.Release, err = profile.ReleaseOf(g.App, g.Lock.Digest()); err != nil {
		return p, fmt.Errorf("naming the release: %w", err)
	}
	return p, nil
}

// Program is the file of the program that starts the service and asks for its
// health.
func (g Graph) Program() app.File {
	return app.File{To: profile.Program, Content: string(g.Service), Mode: "0755"}
}
