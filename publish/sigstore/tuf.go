package sigstore

import (
	"bytes"
	"context"

	"github.com/sigstore/sigstore-go/pkg/root"
	"github.com/sigstore/sigstore-go/pkg/tuf"

	"github.com/bakelite/bakelite/internal/fault"
)

// TUF says where the public Sigstore's trusted root and addresses come from;
// the zero value is the public good instance, kept nowhere.
type TUF struct {
	// Cache is a folder that keeps what was fetched; "" fetches at each use.
	Cache string
	// Mirror is the URL of another repository, and Root the root.json that it
	// is trusted by.
	Mirror string
	Root   []byte
}

func (t TUF) options(ctx context.Context) *tuf.Options {
	options := tuf.DefaultOptions().WithContext(ctx)
	options.CachePath, options.DisableLocalCache = t.Cache, t.Cache == ""
	if t.Mirror != "" {
		options.RepositoryBaseURL, options.Root = t.Mirror, t.Root
	}
	return options
}

// TrustedRoot fetches the root; out of reach is fault.Network.
func (t TUF) TrustedRoot(ctx context.Context) (root.TrustedMaterial, error) {
	if err := ctx.Err(); err != nil {
		return nil, err
	}
	material, err := root.FetchTrustedRootWithOptions(t.options(ctx))
	if err != nil {
		return nil, fault.Hint(fault.New(fault.Network, "fetching Sigstore's trusted root: %w", err),
			"name a trusted root file, or a signer's key, where the network does not reach it")
	}
	return material, nil
}

func (t TUF) signingConfig(ctx context.Context) (*root.SigningConfig, error) {
	if err := ctx.Err(); err != nil {
		return nil, err
	}
	config, err := root.FetchSigningConfigWithOptions(t.options(ctx))
	if err != nil {
		return nil, fault.Hint(fault.New(fault.Network, "fetching Sigstore's addresses: %w", err),
			"sign with a key where the network does not reach Sigstore")
	}
	return config, nil
}

// ParseRoot reads a trusted root as JSON; errors call it by name.
func ParseRoot(text []byte, name string) (root.TrustedMaterial, error) {
	material, err := root.NewTrustedRootFromJSON(bytes.TrimSpace(text))
	if err != nil {
		return nil, fault.New(fault.Invalid, "reading the trusted root %s: %w", name, err)
	}
	return material, nil
}
