package registry

import (
	"net/http"
	"path/filepath"
	"regexp"
	"strings"
	"time"

	"github.com/google/go-containerregistry/pkg/authn"
	"github.com/google/go-containerregistry/pkg/name"
	"github.com/opencontainers/go-digest"

	"github.com/bakelite/bakelite/internal/fault"
)

// LayoutPrefix begins a reference to a local layout folder: "oci:PATH",
// "oci:PATH:TAG" or "oci:PATH@sha256:…".
const LayoutPrefix = "oci:"

// Options say how a registry is reached; the zero value is safe.
type Options struct {
	// Keychain finds credentials; nil is Docker's configuration and helpers.
	Keychain authn.Keychain
	// Transport makes the requests; nil is one of this package's own.
	Transport http.RoundTripper
	// FirstWait and MaxWait bound the waits between attempts, and Settle is
	// how long a new version stands before it is read again; 0 is the default
	// of each.
	FirstWait, MaxWait, Settle time.Duration
}

// Open returns the repository of a reference and the tag or digest in it, ""
// where the reference has none. It reaches nothing yet. A reference that is
// no such name is fault.Invalid.
func Open(ref string, o Options) (Store, string, error) {
	if path, ok := strings.CutPrefix(ref, LayoutPrefix); ok {
		dir, at, err := splitLayout(path)
		if err != nil {
			return nil, "", err
		}
		return Layout(dir), at, nil
	}
	if strings.HasPrefix(ref, "/") || strings.HasPrefix(ref, ".") {
		return nil, "", fault.Hint(fault.New(fault.Missing, "%s is not there", ref), "check the path; a layout folder may be named oci:PATH too")
	}
	repository, at, err := split(ref)
	if err != nil {
		return nil, "", err
	}
	repo, err := name.NewRepository(repository)
	if err != nil {
		return nil, "", fault.Hint(fault.New(fault.Invalid, "reading registry: %w", err), "set registry to a host and path, such as registry.example.com/team")
	}
	return newRemote(repo, o), at, nil
}

// split cuts a tag or digest off a reference.
func split(ref string) (repository, at string, err error) {
	if before, after, ok := strings.Cut(ref, "@"); ok {
		if CheckDigest(digest.Digest(after)) != nil {
			return "", "", fault.New(fault.Invalid, "reading reference %q: %q is no SHA-256 digest", ref, after)
		}
		repository, _ = cutTag(before) // the digest decides
		return repository, after, nil
	}
	repository, at = cutTag(ref)
	if at != "" {
		err = CheckTag(at)
	}
	return repository, at, err
}

func splitLayout(path string) (dir, at string, err error) {
	dir, at, err = split(path)
	if err == nil && dir == "" {
		err = fault.New(fault.Invalid, "reading reference %q: no folder is named", LayoutPrefix+path)
	}
	return filepath.Clean(dir), at, err
}

// cutTag cuts what follows the last colon after the last slash.
func cutTag(ref string) (rest, tag string) {
	if i := strings.LastIndexByte(ref, ':'); i > strings.LastIndexByte(ref, '/') {
		return ref[:i], ref[i+1:]
	}
	return ref, ""
}

// tagForm is the form of tags in the distribution specification 1.1.
const tagForm = `^[a-zA-Z0-9_][a-zA-Z0-9._-]{0,127}$`

// CheckTag refuses what is no tag: fault.Invalid.
func CheckTag(tag string) error {
	if ok, err := regexp.MatchString(tagForm, tag); err != nil || !ok {
		return fault.Hint(fault.New(fault.Invalid, "%q is no tag", tag), "use letters, digits, '.', '_' and '-', at most 128 of them")
	}
	return nil
}

// ReferrersTag is the tag under which a registry without an API for referrers
// lists them, and with ".sig" the tag of classic signatures.
func ReferrersTag(subject digest.Digest) string {
	return subject.Algorithm().String() + "-" + subject.Encoded()
}
