package registry

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net/http"

	"github.com/google/go-containerregistry/pkg/v1/remote/transport"
	"github.com/opencontainers/go-digest"

	"github.com/bakelite/bakelite/internal/fault"
)

// resumed reads a blob and, where the connection is cut, goes on from there.
// Its reader verifies the whole.
type resumed struct {
	ctx    context.Context //nolint:containedctx // a reader has no other way to hear of its end
	remote *remote
	want   Descriptor
	body   io.ReadCloser
	offset int64 // of the next byte
	cuts   int   // since the last byte
	full   bool  // the registry gives no parts
}

// empty is the digest of no bytes.
const empty = digest.Digest("sha256:e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855")

func (s *resumed) request(ctx context.Context) error {
	header := http.Header{}
	if s.offset > 0 && !s.full {
		header.Set("Range", fmt.Sprintf("bytes=%d-%d", s.offset, s.want.Size-1)) // not all know open ranges
	}
	resp, err := s.remote.do(ctx, request{
		method: http.MethodGet, url: s.remote.url("blobs/%s", s.want.Digest), scope: transport.PullScope, header: header,
		want: []int{http.StatusOK, http.StatusPartialContent, http.StatusNotFound, http.StatusRequestedRangeNotSatisfiable},
	})
	if err != nil {
		return err
	}
	switch resp.StatusCode {
	case http.StatusRequestedRangeNotSatisfiable:
		resp.Body.Close()
		s.full = true
		return io.ErrUnexpectedEOF // passes: the next attempt asks for all
	case http.StatusNotFound:
		resp.Body.Close()
		return notFound(fmt.Sprintf("blob %s in %s", s.want.Digest, s.remote.Name()))
	}
	if length := resp.ContentLength; resp.StatusCode == http.StatusOK && length != s.want.Size && (length > 0 || length == 0 && s.want.Digest == empty) {
		resp.Body.Close() // not cut, or empty in trouble, which passes, but of another size than its descriptor says
		return fault.New(fault.Integrity, "%s was asked for, of %d bytes, and something of %d came", s.want.Digest, s.want.Size, length)
	}
	s.body = resp.Body
	if s.offset > 0 && resp.StatusCode == http.StatusOK { // it begins anew
		_, err = io.CopyN(io.Discard, s.body, s.offset)
	}
	return err
}

func (s *resumed) Read(p []byte) (int, error) {
	n, err := s.body.Read(p)
	s.offset += int64(n)
	if n > 0 {
		s.cuts = 0
	}
	if errors.Is(err, io.EOF) && s.offset < s.want.Size {
		err = io.ErrUnexpectedEOF
	}
	if err == nil || err == io.EOF || !passing(err) || s.ctx.Err() != nil {
		return n, err
	}
	if s.cuts++; s.cuts >= attempts {
		return n, s.remote.explain(s.ctx, err)
	}
	s.body.Close()
	return n, s.remote.retry(s.ctx, s.request)
}

func (s *resumed) Close() error { return s.body.Close() }
