package release

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/opencontainers/go-digest"

	"github.com/bakelite/bakelite/internal/fault"
	"github.com/bakelite/bakelite/internal/registry"
	"github.com/bakelite/bakelite/pipelines/flowtest"
	"github.com/bakelite/bakelite/publish/attest"
	"github.com/bakelite/bakelite/publish/intoto"
)

// TestWhatMayStandIsRead: of what is attached that alone, and what cannot be
// read or was written by others in another form is no obstacle.
func TestWhatMayStandIsRead(t *testing.T) {
	p := flowtest.NewRepository(t)
	p.Publish(p.Key, p.Report(time.Hour))
	same := func(*registry.Descriptor) {}
	layer := func(m map[string]any) map[string]any { return m["layers"].([]any)[0].(map[string]any) }
	of := func(kind string, change func(map[string]any)) func(map[string]any) {
		return func(m map[string]any) {
			if m["annotations"].(map[string]any)["dev.sigstore.bundle.predicateType"] == kind {
				change(m)
			}
		}
	}
	ofSBOM := func(change func(map[string]any)) func(map[string]any) { return of(intoto.CycloneDXType, change) }
	both, signature, sbom := []string{intoto.CycloneDXType, intoto.SignatureType}, []string{intoto.SignatureType}, []string{intoto.CycloneDXType}
	for name, tt := range map[string]struct {
		list             func(*registry.Descriptor)
		layer            func(map[string]any)
		want             []string
		manifests, blobs int
		warning          string
	}{
		"a list with annotations": {same, nil, both, 2, 2, ""},
		"a list without":          {func(d *registry.Descriptor) { d.Annotations = nil }, nil, both, 3, 2, ""},
		"of another type":         {func(d *registry.Descriptor) { d.ArtifactType = "text/plain" }, nil, nil, 0, 0, ""},
		"one that is gone":        {same, ofSBOM(func(m map[string]any) { layer(m)["digest"] = "sha256:" + strings.Repeat("0", 64) }), signature, 2, 2, "not found"},
		"one of another size":     {same, ofSBOM(func(m map[string]any) { layer(m)["size"] = 1 }), signature, 2, 2, "does not stand"},
		"one in an unusual form":  {same, ofSBOM(func(m map[string]any) { m["layers"] = []any{layer(m), layer(m)} }), signature, 2, 1, ""},
		"one that is large":       {same, of(intoto.SignatureType, func(m map[string]any) { layer(m)["size"] = maxReused + 1 }), sbom, 2, 1, "more than 67108864 bytes"},
	} {
		t.Run(name, func(t *testing.T) {
			w := &watched{Reader: p.Store(), list: tt.list, layer: tt.layer}
			var log strings.Builder
			found, err := readReusable(t.Context(), w, subjectOf(p), &log)
			if err != nil {
				t.Fatal(err)
			}
			if got := kindsOf(t, found); !slices.Equal(got, tt.want) || w.manifests != tt.manifests || w.blobs != tt.blobs {
				t.Errorf("%q was read, with %d manifests and %d blobs", got, w.manifests, w.blobs)
			}
			if strings.Contains(log.String(), "warning: ") != (tt.warning != "") || !strings.Contains(log.String(), tt.warning) {
				t.Errorf("log %q", log.String())
			}
		})
	}
}

func kindsOf(t *testing.T, bundles [][]byte) (kinds []string) {
	t.Helper()
	for _, text := range bundles {
		v, err := attest.Unverified(text)
		if err != nil {
			t.Fatal(err)
		}
		kinds = append(kinds, v.PredicateType)
	}
	slices.Sort(kinds)
	return kinds
}

// TestAttachedByOthers: others' bundles are read and do not stand; ours in a
// form that publishing it again would not find there is not read.
func TestAttachedByOthers(t *testing.T) {
	p, other := flowtest.NewRepository(t), flowtest.NewRepository(t)
	other.Name, other.Content = p.Name, p.Content
	other.Publish(other.Key)
	p.Publish(p.Key)
	p.AttachAs(attest.Bundle{PredicateType: intoto.CycloneDXType, JSON: p.Bundle(intoto.CycloneDXType)}, func(manifest []byte) []byte {
		return bytes.Replace(manifest, []byte(`"annotations":{`), []byte(`"annotations":{"org.opencontainers.image.created":"2026-11-03T00:00:00Z",`), 1)
	})
	found, err := readReusable(t.Context(), p.Store(), subjectOf(p), t.Output())
	if err != nil || len(found) != 4 {
		t.Fatalf("%d were read, %v", len(found), err)
	}
	for _, b := range p.Sign(p.Key, found).Bundles() {
		if !b.Reused {
			t.Errorf("%s was signed anew", b.PredicateType)
		}
	}
}

// cut is a repository that goes away before the second bundle.
type cut struct {
	registry.Reader
	blobs int
}

func (c *cut) Blob(ctx context.Context, d registry.Descriptor) (io.ReadCloser, error) {
	if c.blobs++; c.blobs > 1 {
		return nil, fault.New(fault.Network, "went away")
	}
	return c.Reader.Blob(ctx, d)
}

// TestWhatMayStandGoesAway: what was read counts, and no more is asked for.
func TestWhatMayStandGoesAway(t *testing.T) {
	p := flowtest.NewRepository(t)
	p.Publish(p.Key)
	p.Publish(flowtest.NewRepository(t).Key)
	c := &cut{Reader: p.Store()}
	var log strings.Builder
	found, err := readReusable(t.Context(), c, subjectOf(p), &log)
	if err != nil || len(found) != 1 || c.blobs != 2 || strings.Count(log.String(), "went away") != 1 {
		t.Errorf("%d were read, with %d blobs, error %v, log %q", len(found), c.blobs, err, log.String())
	}
}

// listing is a repository whose list of referrers fails.
type listing struct {
	registry.Reader
	err error
}

func (l listing) Referrers(context.Context, digest.Digest) ([]registry.Descriptor, error) {
	return nil, l.err
}

// TestWhatMayStandIsNotListed: a list that cannot be read has all stated anew;
// a registry that is out of reach ends it, as nothing could be sent either.
func TestWhatMayStandIsNotListed(t *testing.T) {
	p := flowtest.NewRepository(t)
	for _, tt := range []struct {
		err  error
		ends bool
	}{
		{fault.New(fault.Network, "out of reach"), true}, {fmt.Errorf("reading: %w", context.Canceled), true},
		{fault.New(fault.Integrity, "no list"), false}, {fault.New(fault.Policy, "403"), false}, {errors.New("strange"), false},
	} {
		var log strings.Builder
		found, err := readReusable(t.Context(), listing{p.Store(), tt.err}, subjectOf(p), &log)
		if len(found) > 0 || errors.Is(err, tt.err) != tt.ends || strings.Contains(log.String(), "all is stated anew") == tt.ends {
			t.Errorf("%v: %d were read, error %v, log %q", tt.err, len(found), err, log.String())
		}
	}
	k, s := publisher(p), subjectOf(p)
	if found, err := k.reusable(t.Context(), s); err != nil || len(found) > 0 {
		t.Errorf("where nothing is yet: %d were read, error %v", len(found), err)
	}
	k.Registry = registry.Options{Transport: &unreachable{}, FirstWait: time.Millisecond, MaxWait: time.Millisecond}
	s.repository = "localhost:1/team/web"
	if _, err := k.reusable(t.Context(), s); fault.KindOf(err) != fault.Network {
		t.Errorf("out of reach: %v", err)
	}
}
