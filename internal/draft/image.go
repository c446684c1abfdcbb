package draft

import (
	"encoding/json"
	"maps"
	"slices"
	"strings"

	dockerspec "github.com/moby/docker-image-spec/specs-go/v1"

	"github.com/bakelite/bakelite/internal/dockerfile"
	"github.com/bakelite/bakelite/internal/fault"
)

// Image reads an image's configuration, of OCI or Docker, that belongs to the
// image called name. Mistakes are of kind fault.Invalid.
func Image(name string, config []byte) (dockerfile.Settings, error) {
	var image dockerspec.DockerOCIImage
	if err := json.Unmarshal(config, &image); err != nil {
		return dockerfile.Settings{}, fault.New(fault.Invalid, "reading the configuration of %s: %w", name, err)
	}
	at := dockerfile.Place{File: name}
	c := image.Config
	s := dockerfile.Settings{
		User: dockerfile.Word{Text: c.User, At: at}, Dir: dockerfile.Word{Text: c.WorkingDir, At: at}, StopSignal: dockerfile.Word{Text: c.StopSignal, At: at},
		Entrypoint: commandOf(c.Entrypoint, at), Command: commandOf(c.Cmd, at),
	}
	for _, v := range c.Env {
		key, value, _ := strings.Cut(v, "=")
		s.Environment = append(s.Environment, dockerfile.Variable{Name: key, Value: value, At: at})
	}
	for _, port := range slices.Sorted(maps.Keys(c.ExposedPorts)) {
		s.Ports = append(s.Ports, dockerfile.Word{Text: port, At: at})
	}
	for _, folder := range slices.Sorted(maps.Keys(c.Volumes)) {
		s.Volumes = append(s.Volumes, dockerfile.Word{Text: folder, At: at})
	}
	if h := c.Healthcheck; h != nil {
		s.Health = &dockerfile.Health{Test: h.Test, Interval: h.Interval, Timeout: h.Timeout, StartPeriod: h.StartPeriod, Retries: h.Retries, At: at}
	}
	if err := s.Bounded(); err != nil {
		return dockerfile.Settings{}, fault.New(fault.Invalid, "reading the configuration of %s: %w", name, err)
	}
	return s, nil // labels are about the image that is there, not of what is made from it
}

func commandOf(words []string, at dockerfile.Place) *dockerfile.Command {
	if len(words) == 0 {
		return nil
	}
	return &dockerfile.Command{Words: words, At: at}
}
