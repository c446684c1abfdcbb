package registry

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"net/url"

	"github.com/google/go-containerregistry/pkg/v1/remote/transport"
	"github.com/opencontainers/go-digest"

	"github.com/bakelite/bakelite/internal/fault"
)

func (r *remote) HasBlob(ctx context.Context, d Descriptor) (bool, error) {
	if err := CheckDescriptor(d); err != nil {
		return false, err
	}
	var has bool
	err := r.retry(ctx, func(ctx context.Context) (err error) {
		has, err = r.has(ctx, d)
		return err
	})
	return has, err
}

func (r *remote) has(ctx context.Context, d Descriptor) (bool, error) {
	resp, err := r.do(ctx, request{
		method: http.MethodHead, url: r.url("blobs/%s", d.Digest), scope: transport.PushScope,
		want: []int{http.StatusOK, http.StatusNotFound},
	})
	if err != nil {
		return false, err
	}
	resp.Body.Close()
	if resp.StatusCode == http.StatusOK && resp.ContentLength >= 0 && resp.ContentLength != d.Size {
		return false, fault.New(fault.Integrity, "%s says that %s has %d bytes: it has %d", r.Name(), d.Digest, resp.ContentLength, d.Size)
	}
	return resp.StatusCode == http.StatusOK, nil
}

// PutBlob sends a blob whole: POST for an address, then PUT. An attempt that
// was cut begins with a look whether the registry has it after all.
func (r *remote) PutBlob(ctx context.Context, b Blob) error {
	if err := CheckDescriptor(b.Descriptor); err != nil {
		return err
	}
	first := true
	return r.retry(ctx, func(ctx context.Context) error {
		if !first {
			if has, err := r.has(ctx, b.Descriptor); has || err != nil {
				return err
			}
		}
		first = false
		return r.upload(ctx, b)
	})
}

func (r *remote) upload(ctx context.Context, b Blob) error {
	resp, err := r.do(ctx, request{
		method: http.MethodPost, url: r.url("blobs/uploads/"), scope: transport.PushScope, want: []int{http.StatusAccepted},
	})
	if err != nil {
		return err
	}
	resp.Body.Close()
	to, err := resp.Location()
	if err != nil {
		return fault.New(fault.Network, "%s names no place to send %s to: %w", r.Name(), b.Digest, err)
	}
	query := to.Query()
	query.Set("digest", b.Digest.String())
	to.RawQuery = query.Encode()
	return r.send(ctx, to, b)
}

func (r *remote) send(ctx context.Context, to *url.URL, b Blob) error {
	content, err := b.Open(ctx)
	if err != nil {
		return fault.As(fault.Internal, fmt.Errorf("opening blob %s: %w", b.Digest, err))
	}
	content = Verified(content, b.Descriptor) // a file that changed is not sent to its end
	defer content.Close()
	q := request{
		method: http.MethodPut, url: to.String(), scope: transport.PushScope, size: b.Size,
		header: http.Header{"Content-Type": {"application/octet-stream"}}, want: []int{http.StatusCreated},
	}
	if b.Size > 0 {
		q.body = content
	}
	resp, err := r.do(ctx, q)
	if err != nil {
		return err
	}
	return resp.Body.Close()
}

func (r *remote) PutManifest(ctx context.Context, m Manifest) (int64, error) {
	if _, err := r.Manifest(ctx, m.Digest.String()); err == nil {
		return 0, nil
	} else if !errors.Is(err, ErrNotFound) {
		return 0, err
	}
	return m.Size, r.put(ctx, m.Digest.String(), m, nil)
}

// put stores a manifest under a tag or its digest.
func (r *remote) put(ctx context.Context, ref string, m Manifest, header http.Header) error {
	if header == nil {
		header = http.Header{}
	}
	header.Set("Content-Type", m.MediaType)
	resp, _, err := r.ask(ctx, maxRefusal, request{
		method: http.MethodPut, url: r.url("manifests/%s", ref), scope: transport.PushScope, header: header,
		want: []int{http.StatusCreated, http.StatusOK, http.StatusAccepted},
	}, m.Content)
	if err != nil {
		return err
	}
	if told := resp.Header.Get("Docker-Content-Digest"); told != "" && digest.Digest(told) != m.Digest {
		return fault.New(fault.Integrity, "%s: manifest %s was sent and the registry says that it stored %s", r.Name(), m.Digest, told)
	}
	return nil
}
