package rootfs

import (
	"context"
	"fmt"
	"time"

	"github.com/moby/buildkit/client/llb"

	"github.com/bakelite/bakelite/internal/dockerfile"
	"github.com/bakelite/bakelite/templates"
)

// aptGet is where a Dockerfile's build finds apt-get, and apt.
var aptGet = []string{"/usr/bin/apt-get", "/usr/bin/apt"}

// dockerfile builds the app's Dockerfile on a tree of packages. The build sees
// packages besides, and an apt-get that knows the lock; of what comes out, the
// tree gets what the Dockerfile changed, and nothing of those.
func (g Graph) dockerfile(ctx context.Context, k Kind, packages llb.State, b Dockerfiles) (llb.State, error) {
	base := packages
	if len(k.Build) > 0 {
		base = g.run(base, step{
			name: fmt.Sprintf("[build] install %d packages for %s", len(k.Build), g.App.Base.Dockerfile), scripts: script("dpkg.sh", "install.sh", "configure.sh"), root: "/", pins: k.Build,
		}).Root()
	}
	for _, path := range aptGet {
		base = base.File(llb.Mkfile(path, 0o755, []byte(templates.Text("rootfs/apt-get.sh")), llb.WithCreatedTime(time.Unix(MadeAt, 0))),
			llb.WithCustomName("[internal] "+path))
	}
	built, err := b.Dockerfile(ctx, Context, g.App.Base.Dockerfile, base, dockerfile.Names(g.App.Base.Debian))
	if err != nil {
		return llb.State{}, err
	}
	changes := llb.Diff(base, built, llb.WithCustomName("[build] take what "+g.App.Base.Dockerfile+" changed"))
	return llb.Merge([]llb.State{packages, changes}, llb.WithCustomName("[build] lay it over the packages")), nil
}

// building are the names of the packages that a build alone has. A step that
// installs another one writes them into the package database.
func (k Kind) building() []string {
	var names []string
	for _, pin := range k.Build {
		names = append(names, pin.Name)
	}
	return names
}
