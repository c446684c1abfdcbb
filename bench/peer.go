package main

import (
	"bytes"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"time"
)

// peer is BuildKit's own client and a Dockerfile that installs the same
// packages on a base image that is ready.
type peer struct {
	buildctl string
	context  string
	base     string // an OCI layout
}

// buildkit is the version in go.mod, so that client and engine are of one kind.
const buildkit = "github.com/moby/buildkit"

const dockerfile = `FROM base
USER root
RUN apt-get update && apt-get install -y --no-install-recommends nginx && rm -rf /var/lib/apt/lists/*
COPY nginx.conf /etc/nginx/nginx.conf
COPY site /srv/web
USER www-data
CMD ["/usr/sbin/nginx"]
`

// baseApp is what the peer starts from: a system with apt, made by Bakelite.
const baseApp = `apiVersion: bakelite.dev/v1
name: base
base: {debian: trixie}
packages: [apt, ca-certificates]
service: {command: [/bin/sh], user: nobody}
container: {shell: true}
`

func (b *bench) preparePeer() error {
	b.peer = peer{
		buildctl: filepath.Join(b.work, "buildctl"), context: filepath.Join(b.work, "context"), base: filepath.Join(b.work, "dist", "base.oci"),
	}
	if err := b.buildBuildctl(); err != nil {
		return err
	}
	if err := os.CopyFS(b.peer.context, os.DirFS("examples/web")); err != nil {
		return err
	}
	if err := os.WriteFile(filepath.Join(b.peer.context, "Dockerfile"), []byte(dockerfile), 0o644); err != nil {
		return err
	}
	app := filepath.Join(b.work, "base")
	if err := os.MkdirAll(app, 0o755); err != nil {
		return err
	}
	if err := os.WriteFile(filepath.Join(app, "app.yaml"), []byte(baseApp), 0o644); err != nil {
		return err
	}
	if _, err := b.bakelite("build", "--skip-tests", "--target", "container", app); err != nil {
		return err
	}
	return b.aptSources()
}

// aptSources gives the Dockerfile the mirrors that Bakelite uses, those of
// this machine, for the suite of the base.
func (b *bench) aptSources() error {
	text, err := sourcesFor("trixie")
	if err != nil {
		return err
	}
	changed := bytes.Replace([]byte(dockerfile), []byte("RUN apt-get"), []byte("COPY debian.sources /etc/apt/sources.list.d/\nRUN apt-get"), 1)
	if err := os.WriteFile(filepath.Join(b.peer.context, "debian.sources"), text, 0o644); err != nil {
		return err
	}
	return os.WriteFile(filepath.Join(b.peer.context, "Dockerfile"), changed, 0o644)
}

// buildBuildctl builds BuildKit's client in a module of its own.
func (b *bench) buildBuildctl() error {
	dir := filepath.Join(b.work, "buildctl-module")
	if err := os.MkdirAll(dir, 0o755); err != nil {
		return err
	}
	version, err := exec.CommandContext(b.ctx, "go", "list", "-m", "-f", "{{.Version}}", buildkit).Output()
	if err != nil {
		return fmt.Errorf("finding BuildKit's version: %w", err)
	}
	module := fmt.Sprintf("module buildctl\n\ngo 1.26\n\nrequire %s %s\n", buildkit, bytes.TrimSpace(version))
	if err := os.WriteFile(filepath.Join(dir, "go.mod"), []byte(module), 0o644); err != nil {
		return err
	}
	c := exec.CommandContext(b.ctx, "go", "build", "-mod=mod", "-o", b.peer.buildctl, buildkit+"/cmd/buildctl")
	c.Dir = dir
	c.Env = append(os.Environ(), "CGO_ENABLED=0", "GOFLAGS=-buildvcs=false")
	if out, err := c.CombinedOutput(); err != nil {
		return fmt.Errorf("building buildctl: %w\n%s", err, out)
	}
	return nil
}

// dockerfile builds the peer's image into an OCI archive.
func (b *bench) dockerfile() (time.Duration, error) {
	digest, err := onlyManifest(b.peer.base)
	if err != nil {
		return 0, err
	}
	return b.timed(exec.CommandContext(b.ctx, b.peer.buildctl,
		"--addr", "unix://"+filepath.Join(b.work, "state", "engine", "sock"), "build",
		"--frontend", "dockerfile.v0",
		"--local", "context="+b.peer.context, "--local", "dockerfile="+b.peer.context,
		"--oci-layout", "base="+b.peer.base, "--opt", "context:base=oci-layout://base@"+digest,
		"--output", "type=oci,dest="+filepath.Join(b.work, "peer.tar")), false)
}
