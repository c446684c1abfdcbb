package engine

import (
	"context"
	"net/http"
	"regexp"
	"time"

	"github.com/moby/buildkit/client/llb"
	"github.com/moby/buildkit/solver/pb"
)

// probeTimeout bounds the question whether a source is still there.
const probeTimeout = 10 * time.Second

// mismatch matches what BuildKit says of a source that differs: the digest
// that came, then the one that was wanted (source/http/source.go).
var mismatch = regexp.MustCompile(`digest mismatch .*sha256:[0-9a-f]{64}.*(sha256:[0-9a-f]{64})`)

// missingSource says whether a source with a wrong digest is in truth missing,
// by its HTTP status, else "". BuildKit does not look at the status of a fetch
// whose digest is known beforehand, so that the page that says "not found" has
// a wrong digest to it.
func missingSource(ctx context.Context, err error, definition *llb.Definition) (status string) {
	found := mismatch.FindStringSubmatch(err.Error())
	if found == nil || definition == nil {
		return ""
	}
	url := sourceOf(definition, found[1])
	if url == "" {
		return ""
	}
	ctx, cancel := context.WithTimeout(ctx, probeTimeout)
	defer cancel()
	request, err := http.NewRequestWithContext(ctx, http.MethodHead, url, nil)
	if err != nil {
		return ""
	}
	response, err := http.DefaultClient.Do(request)
	if err != nil {
		return ""
	}
	_ = response.Body.Close()
	if response.StatusCode < http.StatusBadRequest {
		return ""
	}
	return response.Status
}

// sourceOf returns the address that a graph fetches a digest from.
func sourceOf(definition *llb.Definition, digest string) string {
	for _, text := range definition.Def {
		var op pb.Op
		if err := op.UnmarshalVT(text); err != nil {
			continue
		}
		if source := op.GetSource(); source != nil && source.Attrs[pb.AttrHTTPChecksum] == digest {
			return source.Identifier
		}
	}
	return ""
}
