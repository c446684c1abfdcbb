package bake

import (
	"crypto/sha256"
	"encoding/json"
	"fmt"

	"github.com/bakelite/bakelite/internal/app"
	"github.com/bakelite/bakelite/internal/artifact"
	"github.com/bakelite/bakelite/internal/digests"
	"github.com/bakelite/bakelite/internal/lock"
	"github.com/bakelite/bakelite/templates"
)

// key is the digest of everything that decides the artifacts' bytes: what was
// asked, what is pinned, and Bakelite's own recipe.
func (b Baker) key(a app.App, l *lock.Lock) (string, error) {
	a.Update = app.Update{} // when to build is no part of what is built
	asked, err := app.Marshal(a)
	if err != nil {
		return "", fmt.Errorf("writing app: %w", err)
	}
	var certificate []byte // a signature by the same key has the same bytes
	if b.SecureBoot != nil {
		certificate = b.SecureBoot.Certificate.Raw
	}
	worker, err := b.TreeProgram()
	if err != nil {
		return "", err
	}
	program, err := b.Service()
	if err != nil {
		return "", err
	}
	text, err := json.Marshal([]any{certificate, sha256.Sum256(program), sha256.Sum256(worker), string(asked), l.Digest(), b.Version, b.Revision, templates.Digest(),
		b.Hardening.Applied(a, artifact.Container), b.Hardening.Applied(a, artifact.Disk)})
	if err != nil {
		return "", fmt.Errorf("writing key: %w", err)
	}
	return digests.Of(text), nil
}
