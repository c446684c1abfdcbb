package registry

import (
	"context"
	"encoding/json"
	"io"
	"net/http"
	"net/url"
	"regexp"
	"strings"

	"github.com/google/go-containerregistry/pkg/v1/remote/transport"
	"github.com/google/go-containerregistry/pkg/v1/types"
	"github.com/opencontainers/go-digest"
	ocispec "github.com/opencontainers/image-spec/specs-go/v1"

	"github.com/bakelite/bakelite/internal/fault"
)

// accepted are the manifests that a registry may answer with; without the
// header old ones convert to a form whose digest is another.
func accepted() http.Header {
	return http.Header{"Accept": {strings.Join([]string{
		ocispec.MediaTypeImageManifest, ocispec.MediaTypeImageIndex,
		string(types.DockerManifestSchema2), string(types.DockerManifestList),
	}, ", ")}}
}

func (r *remote) Manifest(ctx context.Context, ref string) (Manifest, error) {
	q := request{
		method: http.MethodGet, url: r.url("manifests/%s", ref), scope: transport.PullScope,
		header: accepted(), want: []int{http.StatusOK, http.StatusNotFound},
	}
	resp, content, err := r.ask(ctx, maxManifest, q, nil)
	if err != nil {
		return Manifest{}, err
	}
	if resp.StatusCode == http.StatusNotFound {
		return Manifest{}, notFound(ref + " in " + r.Name())
	}
	m := NewManifest(resp.Header.Get("Content-Type"), content)
	if want := digest.Digest(ref); CheckDigest(want) == nil && m.Digest != want {
		return Manifest{}, fault.New(fault.Integrity, "%s: manifest %s was asked for and %s came", r.Name(), want, m.Digest)
	}
	if told := resp.Header.Get("Docker-Content-Digest"); told != "" && told != m.Digest.String() {
		return Manifest{}, fault.New(fault.Integrity, "%s: the manifest of %s is said to be %s and is %s", r.Name(), ref, told, m.Digest)
	}
	if m.MediaType == "" {
		m.MediaType = mediaTypeOf(m)
	}
	return m, nil
}

func (r *remote) Blob(ctx context.Context, d Descriptor) (io.ReadCloser, error) {
	if err := CheckDescriptor(d); err != nil {
		return nil, err
	}
	s := &resumed{ctx: ctx, remote: r, want: d}
	if err := r.retry(ctx, s.request); err != nil {
		return nil, err
	}
	return Verified(s, d), nil
}

func (r *remote) Referrers(ctx context.Context, subject digest.Digest) ([]Descriptor, error) {
	if err := CheckDigest(subject); err != nil {
		return nil, err
	}
	list, ok, err := r.referrersByAPI(ctx, subject)
	if ok || err != nil {
		return list, err
	}
	return r.referrersByTag(ctx, subject)
}

// referrersByAPI returns false where the registry has no such API.
func (r *remote) referrersByAPI(ctx context.Context, subject digest.Digest) ([]Descriptor, bool, error) {
	list := []Descriptor{}
	next := r.url("referrers/%s", subject)
	for range maxPages {
		resp, text, err := r.ask(ctx, maxManifest, request{
			method: http.MethodGet, url: next, scope: transport.PullScope, header: http.Header{"Accept": {ocispec.MediaTypeImageIndex}},
			want: []int{http.StatusOK, http.StatusNotFound, http.StatusBadRequest, http.StatusMethodNotAllowed, http.StatusNotImplemented},
		}, nil)
		if err != nil || resp.StatusCode != http.StatusOK {
			return nil, false, err
		}
		page, err := parseReferrers(text, subject)
		if err != nil {
			return nil, false, err
		}
		if list = merge(list, page); len(list) > maxReferrers {
			return nil, false, tooMany(subject)
		}
		if next = nextPage(next, resp.Header.Get("Link")); next == "" {
			return list, true, nil
		}
	}
	return nil, false, tooMany(subject)
}

func parseReferrers(text []byte, subject digest.Digest) ([]Descriptor, error) {
	var page ocispec.Index
	if err := json.Unmarshal(text, &page); err != nil {
		return nil, fault.New(fault.Integrity, "reading the list of what refers to %s: %w", subject, err)
	}
	if len(page.Manifests) > maxReferrers {
		return nil, tooMany(subject)
	}
	for _, d := range page.Manifests {
		if err := CheckDescriptor(d); err != nil {
			return nil, err
		}
	}
	return page.Manifests, nil
}

// nextPage follows a Link header of RFC 8288 on the same machine.
func nextPage(from, link string) string {
	found := regexp.MustCompile(`<([^>]+)>\s*;\s*rel="?next"?`).FindStringSubmatch(link)
	if found == nil {
		return ""
	}
	base, err := url.Parse(from)
	if err != nil {
		return ""
	}
	next, err := base.Parse(found[1])
	if err != nil || next.Host != base.Host || next.Scheme != base.Scheme {
		return ""
	}
	return next.String()
}
