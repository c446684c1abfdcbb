package notary_test

import (
	"context"
	"encoding/json"
	"errors"
	"strings"
	"testing"
	"time"

	godigest "github.com/opencontainers/go-digest"

	"github.com/bakelite/bakelite/internal/fault"
	"github.com/bakelite/bakelite/internal/registry"
	"github.com/bakelite/bakelite/internal/registry/registrytest"
	"github.com/bakelite/bakelite/internal/update"
	"github.com/bakelite/bakelite/pipelines/flowtest"
	"github.com/bakelite/bakelite/pipelines/notary"
	"github.com/bakelite/bakelite/pipelines/results"
	"github.com/bakelite/bakelite/publish"
	"github.com/bakelite/bakelite/publish/attest"
	"github.com/bakelite/bakelite/publish/intoto"
)

// office is a notary with two images that were published.
type office struct {
	*testing.T
	notary    notary.Notary
	publisher flowtest.Repository
	now       time.Time
	published []results.Publication
}

func newOffice(t *testing.T) *office {
	t.Helper()
	o := &office{T: t, publisher: flowtest.NewRepository(t), now: time.Now().UTC().Truncate(time.Second)}
	o.notary.Policy = o.publisher.Policy()
	o.notary.Signer = func(context.Context) (attest.Signer, error) { return attest.ByKey(o.publisher.Key), nil }
	for _, text := range []string{"one", "two"} {
		dir, made := registrytest.Image(t, text)
		o.published = append(o.published, results.Publication{Ref: registry.LayoutPrefix + dir + "@" + made, Digest: made})
	}
	return o
}

// fix is one that reached the first or the second image.
func (o *office) fix(image int, name string) update.Fix {
	return update.Fix{Package: name, From: "1", To: "2", Artifact: o.published[image].Ref, Archive: o.now.Add(-time.Hour), Published: o.now}
}

func (o *office) state(fixes ...update.Fix) error {
	return o.notary.State(o.Context(), "web", o.published, fixes, o.now)
}

// stated are the packages that are stated about an image, by who publishes.
func (o *office) stated(image int) (names []string) {
	o.Helper()
	p := o.published[image]
	dir, _, _ := strings.Cut(strings.TrimPrefix(p.Ref, registry.LayoutPrefix), "@")
	bundles, unread, err := publish.ReadBundles(o.Context(), registry.Layout(dir), godigest.Digest(p.Digest))
	if err != nil || len(unread) > 0 {
		o.Fatal(unread, err)
	}
	for _, b := range bundles {
		rules := o.publisher.Policy()
		v, err := attest.Verify(o.Context(), b, attest.Want{Digest: p.Digest, PredicateType: intoto.ClockType, Signers: rules.Verify.SignedBy, Dir: rules.Dir, Now: o.now})
		var c update.Clock
		if err == nil {
			err = json.Unmarshal(v.Predicate, &c)
		}
		if err != nil || len(c.Fixes) == 0 || c.App != "web" || c.Kind != update.ClockKind || c.APIVersion != update.ClockVersion {
			o.Errorf("stated is %+v, %v", c, err)
		}
		for _, f := range c.Fixes {
			names = append(names, f.Package)
		}
	}
	return names
}

// TestEachImageHasItsFixes: about an image those fixes are stated that reached
// it, and about one that none reached nothing at all.
func TestEachImageHasItsFixes(t *testing.T) {
	o := newOffice(t)
	flowtest.Must(t, o.state(o.fix(1, "nginx"), update.Fix{Package: "elsewhere", Artifact: "registry.example/web@" + o.published[0].Digest}))
	if one, two := o.stated(0), o.stated(1); len(one) > 0 || strings.Join(two, " ") != "nginx" {
		t.Errorf("stated is %q, and %q", one, two)
	}
	flowtest.Must(t, o.state(o.fix(0, "zlib1g"), o.fix(0, "curl")))
	if one, two := o.stated(0), o.stated(1); strings.Join(one, " ") != "zlib1g curl" || strings.Join(two, " ") != "nginx" {
		t.Errorf("stated is %q, and %q", one, two)
	}
	flowtest.Must(t, o.state())
	if one := o.stated(0); len(one) != 2 {
		t.Errorf("without a fix stated is %q", one)
	}
}

// TestNotaryStops: where nobody signs, a stranger does, or an image is gone,
// nothing is attached to what comes after, the error says that the image is
// published all the same, and what was stated before it stays.
func TestNotaryStops(t *testing.T) {
	gone := errors.New("the key is gone")
	for name, tt := range map[string]struct {
		spoil func(o *office)
		kind  fault.Kind
		says  string
		first bool // whether the first image's are stated
	}{
		"nobody signs": {func(o *office) {
			o.notary.Signer = func(context.Context) (attest.Signer, error) { return attest.Signer{}, gone }
		}, fault.Internal, "the key is gone", false},
		"a stranger signs": {func(o *office) {
			key := flowtest.NewRepository(o.T).Key
			o.notary.Signer = func(context.Context) (attest.Signer, error) { return attest.ByKey(key), nil }
		}, fault.Policy, "is published; stating how long its fixes took: what was just signed would be refused", false},
		"a key that fails the second": {func(o *office) {
			ports := flowtest.NewPorts(o.publisher.Key)
			ports.Most = 1
			o.notary.Signer = ports.Signer
		}, fault.Internal, "is published; stating", true},
		"the second image is gone": {func(o *office) {
			o.published[1].Ref = strings.TrimSuffix(o.published[1].Ref, o.published[1].Digest) + o.published[0].Digest
		}, fault.Missing, "is published; stating", true},
		"a name that is none": {func(o *office) { o.published[1].Ref = "not a name" }, fault.Invalid, "not a name is published", true},
	} {
		t.Run(name, func(t *testing.T) {
			o := newOffice(t)
			second := o.published[1]
			tt.spoil(o)
			err := o.state(o.fix(0, "nginx"), o.fix(1, "curl"))
			if err == nil || fault.KindOf(err) != tt.kind || !strings.Contains(err.Error(), tt.says) {
				t.Errorf("ended with %v (%v), want %q (%v)", err, fault.KindOf(err), tt.says, tt.kind)
			}
			o.published[1] = second
			if one, two := o.stated(0), o.stated(1); len(one) == 1 != tt.first || len(two) > 0 {
				t.Errorf("stated is %q, and %q", one, two)
			}
		})
	}
}
