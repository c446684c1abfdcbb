// Package registry reaches OCI registries and OCI layout folders through one
// small interface, and is the one door to registries.
//
// It refuses plain HTTP to other machines, a tag that is to stay and is there
// with other content, and whatever a store serves that does not have the
// digest asked for. What is published and in which order is decided above.
//
// Of go-containerregistry it takes names, credentials and the handshake of
// the transport. The requests are made here, because the client of the same
// module hides Retry-After, takes manifests of 100 MiB and updates the tag of
// the referrers without looking whether another publisher did too.
package registry

// Tag is the name that the newest image of an app has in its repository.
const Tag = "latest"
