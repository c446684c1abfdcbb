// Package registry copies images from layouts of this machine to OCI
// registries. It is the one door to registries: content first, the name last,
// and what a registry has already is not sent again.
package registry

import (
	"context"
	"errors"
	"net/http"

	"github.com/google/go-containerregistry/pkg/authn"
	"github.com/google/go-containerregistry/pkg/name"
	"github.com/google/go-containerregistry/pkg/v1/remote"
	"github.com/google/go-containerregistry/pkg/v1/remote/transport"

	"github.com/bakelite/bakelite/internal/fault"
	"github.com/bakelite/bakelite/internal/oci"
)

// Tag is the name that the newest image of an app has in its repository.
const Tag = "latest"

// Push copies the image of a layout to a repository ("host/path/app"), then
// moves the tag, and returns the image's reference by digest. Credentials are
// those of Docker's configuration and its helpers. A repository that is no
// such name is fault.Invalid, a registry that does not take it fault.Network.
func Push(ctx context.Context, layout, digest, repository string) (string, error) {
	repo, err := name.NewRepository(repository)
	if err != nil {
		return "", fault.Hint(fault.New(fault.Invalid, "reading registry: %w", err), "set registry to a host and path, such as registry.example.com/team")
	}
	img, err := oci.Image(layout, digest)
	if err != nil {
		return "", err
	}
	options := []remote.Option{remote.WithContext(ctx), remote.WithAuthFromKeychain(authn.DefaultKeychain)}
	byDigest := repo.Digest(digest)
	if err := remote.Write(byDigest, img, options...); err != nil {
		return "", explain(repo, err)
	}
	if err := remote.Tag(repo.Tag(Tag), img, options...); err != nil {
		return "", explain(repo, err)
	}
	return byDigest.Name(), nil
}

func explain(repo name.Repository, err error) error {
	err = fault.New(fault.Network, "pushing to %s: %w", repo, err)
	var refused *transport.Error
	if errors.As(err, &refused) && (refused.StatusCode == http.StatusUnauthorized || refused.StatusCode == http.StatusForbidden) {
		return fault.Hint(err, "log in first: docker login %s", repo.RegistryStr())
	}
	return fault.Hint(err, "check that the registry is there and run the same command again: what was sent is kept")
}
