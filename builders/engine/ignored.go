package engine

import (
	"context"
	"encoding/json"
	"slices"
	"strings"

	dockerspec "github.com/moby/docker-image-spec/specs-go/v1"

	"github.com/bakelite/bakelite/builders/progress"
	"github.com/bakelite/bakelite/internal/fault"
)

// dockerPath is the PATH that BuildKit sets where a Dockerfile sets none
// (util/system).
const dockerPath = "PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin"

// ignored returns what of the configuration that a Dockerfile gives its image
// counts for nothing, with the key of the app file that stands for it.
func ignored(config []byte) ([]string, error) {
	var image dockerspec.DockerOCIImage
	if err := json.Unmarshal(config, &image); err != nil {
		return nil, fault.New(fault.Build, "reading the Dockerfile's configuration: %w", err)
	}
	c := image.Config
	var found []string
	for _, i := range []struct {
		set       bool
		name, key string
	}{
		{slices.ContainsFunc(c.Env, func(v string) bool { return v != dockerPath }), "ENV", "service.environment"},
		{c.User != "", "USER", "service.user"},
		{c.WorkingDir != "" && c.WorkingDir != "/", "WORKDIR", "service.dir"},
		{len(c.ExposedPorts) > 0, "EXPOSE", "service.ports"},
		{len(c.Volumes) > 0, "VOLUME", "service.writable"},
		{len(c.Entrypoint)+len(c.Cmd) > 0, "ENTRYPOINT or CMD", "service.command"},
		{c.Healthcheck != nil, "HEALTHCHECK", "service.health"},
		{len(c.Labels) > 0, "LABEL", "container.labels"},
	} {
		if i.set {
			found = append(found, i.name+" (use "+i.key+")")
		}
	}
	return found, nil
}

// noteIgnored shows what of a Dockerfile counts for nothing.
func noteIgnored(ctx context.Context, display *progress.Display, name string, config []byte) error {
	found, err := ignored(config)
	if err != nil || len(found) == 0 {
		return err
	}
	return display.Note(ctx, "["+name+"] ignore "+strings.Join(found, ", "))
}
