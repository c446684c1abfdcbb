package base

import (
	"errors"
	"fmt"
	"slices"
	"strings"
	"unicode"

	"github.com/distribution/reference"
	"golang.org/x/net/idna"
)

// maxRef bounds a reference, in bytes: a name of 255, a tag of 128 and a
// digest, with room.
const maxRef = 1024

// name is a reference in parts.
type name struct {
	host, path  string
	tag, digest string
}

// repository is the name without tag and digest.
func (n name) repository() string { return n.host + "/" + n.path }

// String is the reference in its full form.
func (n name) String() string {
	s := n.repository()
	if n.tag != "" {
		s += ":" + n.tag
	}
	if n.digest != "" {
		s += "@" + n.digest
	}
	return s
}

// parse reads a reference as registries do: docker.io and library are filled
// in, other names of Docker Hub become docker.io, port 443 is none.
func parse(ref string) (name, error) {
	if err := readable(ref); err != nil {
		return name{}, err
	}
	named, err := reference.ParseNormalizedNamed(ref)
	if err != nil {
		return name{}, fmt.Errorf("%q is not an image reference: %w", ref, err)
	}
	n := name{host: strings.ToLower(reference.Domain(named)), path: reference.Path(named)}
	if tagged, ok := named.(reference.Tagged); ok {
		n.tag = tagged.Tag()
	}
	if digested, ok := named.(reference.Digested); ok {
		n.digest = digested.Digest().String()
	}
	n.host = strings.TrimSuffix(n.host, ":443")
	if slices.Contains([]string{"index.docker.io", "registry-1.docker.io", "registry.hub.docker.com"}, n.host) {
		n.host = docker
	}
	if n.host == docker && !strings.Contains(n.path, "/") {
		n.path = library + "/" + n.path
	}
	if n.host != "localhost" && !strings.ContainsAny(n.host, ".:") {
		return name{}, fmt.Errorf("%q is not a registry's host, and repositories are written in lower case", n.host)
	}
	return n, nil
}

// readable refuses what hides something before it is read as a reference.
func readable(ref string) error {
	head, digest, at := strings.Cut(ref, "@")
	switch {
	case ref == "":
		return errors.New("the reference is empty")
	case len(ref) > maxRef:
		return fmt.Errorf("the reference is longer than %d bytes", maxRef)
	case strings.ContainsFunc(ref, func(r rune) bool { return unicode.IsSpace(r) || unicode.IsControl(r) }):
		return fmt.Errorf("%q holds a space or a control character", ref)
	case strings.Contains(ref, "://"):
		return fmt.Errorf("%q is a URL; write the reference without the part up to ://", ref)
	case at && (strings.Contains(digest, "@") || strings.Contains(digest, "/")):
		return fmt.Errorf("%q has an @ before the repository: what stands left of it is no registry, the host is what follows", ref)
	}
	host, _, _ := strings.Cut(head, "/")
	if strings.Contains("."+strings.ToLower(host), ".xn--") {
		return fmt.Errorf("the host %s is the encoded form of %q, which is not what it seems", host, decoded(host))
	}
	return nil
}

// decoded is an international host name as a browser would show it.
func decoded(host string) string {
	shown, err := idna.ToUnicode(strings.ToLower(host))
	if err != nil || shown == "" {
		return host
	}
	return shown
}
