// Package registry publishes images and disks to OCI registries and OCI
// layout folders, and reads them back. It is the one door to registries:
// content first, what vouches for it next, the names last, so that a name
// never leads to something unsigned, whenever a publisher is killed.
//
// It refuses content whose digest was not signed, a version that is there
// with other content, plain HTTP to other machines, and whatever a registry
// serves that does not have the digest asked for. What the bundles that it
// carries are worth publish/attest decides.
//
// Of go-containerregistry it takes names, credentials and the handshake of
// the transport. The requests are made here, because the client of the same
// module hides Retry-After, takes manifests of 100 MiB and updates the tag of
// the referrers without looking whether another publisher did too.
package registry

import (
	"fmt"

	"github.com/opencontainers/go-digest"
)

// Tag is the name that the newest image of an app has in its repository.
const Tag = "latest"

// refByDigest names content in a store: "host/path/app@sha256:…".
func refByDigest(s Store, d digest.Digest) string { return fmt.Sprintf("%s@%s", s.Name(), d) }
