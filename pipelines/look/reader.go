// Package look is the flows that look at what is there already, whoever made
// it: find, verify, inspect, scan, check and compare. They change nothing.
package look

import (
	"context"
	"fmt"

	"github.com/bakelite/bakelite/internal/policy"
	"github.com/bakelite/bakelite/internal/registry"
	"github.com/bakelite/bakelite/pipelines/examine"
	"github.com/bakelite/bakelite/publish/sigstore"
)

// Reader looks at artifacts.
type Reader struct {
	// Policy says what is asked of an artifact, and whose signatures count.
	Policy   policy.Policy
	Examiner examine.Examiner
	// Platform is which of an index's images is read: "linux/amd64".
	Platform string
	// Destination is where apps are published, as release.Publisher has it.
	Destination string
	// Registry says how registries are reached, TUF where the public
	// Sigstore's trusted root comes from.
	Registry registry.Options
	TUF      sigstore.TUF
}

// Digest returns what a reference names now.
func (r Reader) Digest(ctx context.Context, ref string) (string, error) {
	store, at, err := registry.Open(ref, r.Registry)
	if err != nil {
		return "", err
	}
	m, err := registry.Resolve(ctx, store, at)
	if err != nil {
		return "", fmt.Errorf("looking at %s: %w", ref, err)
	}
	return m.Digest.String(), nil
}
