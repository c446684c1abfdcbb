package engine

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"strings"

	"github.com/moby/buildkit/exporter/containerimage/exptypes"
	gateway "github.com/moby/buildkit/frontend/gateway/client"
)

// readLimit bounds a file that is read from a result, in bytes.
const readLimit = 1 << 20

// ReadFile reads a file of an image that was made, "" where there is none.
type ReadFile func(name string) (string, error)

// describe gives a result the configuration of its image.
func (i Image) describe(ctx context.Context, result *gateway.Result) error {
	ref, err := result.SingleRef()
	if err != nil {
		return fmt.Errorf("reading the image: %w", err)
	}
	config, err := i.Config(func(name string) (string, error) { return readFile(ctx, ref, name) })
	if err != nil {
		return err
	}
	result.AddMeta(exptypes.ExporterImageConfigKey, config)
	return nil
}

func readFile(ctx context.Context, ref gateway.Reference, name string) (string, error) {
	text, err := ref.ReadFile(ctx, gateway.ReadRequest{Filename: name, Range: &gateway.FileRange{Length: readLimit + 1}})
	switch {
	case err != nil && (errors.Is(err, fs.ErrNotExist) || strings.Contains(err.Error(), "no such file or directory")):
		return "", nil
	case err != nil:
		return "", fmt.Errorf("reading the image's %s: %w", name, err)
	case len(text) > readLimit:
		return "", fmt.Errorf("the image's %s is larger than %d bytes", name, readLimit)
	}
	return string(text), nil
}
