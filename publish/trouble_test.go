package publish_test

import (
	"encoding/json"
	"fmt"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/opencontainers/go-digest"

	"github.com/bakelite/bakelite/internal/fault"
	"github.com/bakelite/bakelite/internal/registry"
	"github.com/bakelite/bakelite/internal/registry/registrytest"
	"github.com/bakelite/bakelite/publish"
)

// Trouble that passes is waited for; what does not pass is named, and no tag
// leads to what is not whole.
func TestTrouble(t *testing.T) {
	for _, api := range []bool{true, false} {
		for _, tt := range troubles() {
			t.Run(fmt.Sprintf("%s, API %t", tt.name, api), func(t *testing.T) { publishThrough(t, tt, api) })
		}
	}
}

const passes = fault.Kind(-1)

type troubled struct {
	name string
	make registrytest.Trouble
	want fault.Kind
	hint string
}

func troubles() []troubled {
	refused, lies := fault.Network, fault.Integrity
	return []troubled{
		{"ping is busy", registrytest.On("GET", "/v2/", 2, registrytest.Answer(503)), passes, ""},
		{"401 at the first upload", registrytest.On("POST", "/blobs/", registrytest.Forever, registrytest.Answer(401)), refused, "docker login"},
		{"403 at a manifest", registrytest.On("PUT", "/manifests/", registrytest.Forever, registrytest.Answer(403)), refused, "docker login"},
		{"429 with seconds", registrytest.On("POST", "/blobs/", 2, registrytest.Answer(429, "Retry-After", "0")), passes, ""},
		{"429 with a long wait", registrytest.On("POST", "/blobs/", 2, registrytest.Answer(429, "Retry-After", "86400")), passes, ""},
		{"429 with a date", registrytest.On("PUT", "/manifests/", 1, registrytest.Answer(429, "Retry-After", time.Now().Add(time.Hour).UTC().Format(http.TimeFormat))), passes, ""},
		{"429 for good", registrytest.On("POST", "/blobs/", registrytest.Forever, registrytest.Answer(429)), refused, "limits how often"},
		{"500 at each kind of request", registrytest.All(registrytest.On("HEAD", "/blobs/", 2, registrytest.Answer(500)), registrytest.On("POST", "/blobs/", 2, registrytest.Answer(502)), registrytest.On("PUT", "/blobs/", 2, registrytest.Answer(503)), registrytest.On("PUT", "/manifests/", 2, registrytest.Answer(504)), registrytest.On("GET", "/manifests/", 2, registrytest.Answer(500))), passes, ""},
		{"500 for good", registrytest.On("PUT", "/blobs/", registrytest.Forever, registrytest.Answer(500)), refused, "run the same command again"},
		{"blob cut midway", registrytest.On("PUT", "/blobs/", 3, registrytest.Cut), passes, ""},
		{"blob always cut", registrytest.On("PUT", "/blobs/", registrytest.Forever, registrytest.Cut), refused, "run the same command again"},
		{"manifest cut", registrytest.On("PUT", "/manifests/", 2, registrytest.Cut), passes, ""},
		{"upload forgotten", registrytest.On("PUT", "/blobs/", 2, registrytest.Says(404, `{"errors":[{"code":"BLOB_UPLOAD_UNKNOWN"}]}`)), passes, ""},
		{"upload refused", registrytest.On("PUT", "/blobs/", 1, registrytest.Says(404, "no")), refused, ""},
		{"no Docker-Content-Digest", registrytest.Always(registrytest.WithoutDigest), passes, ""},
		{"manifest served wrong", registrytest.On("GET", "/manifests/sha256:", registrytest.Forever, registrytest.Lie()), lies, ""},
		{"manifest served wrong under its digest", registrytest.On("GET", "/manifests/sha256:", registrytest.Forever, registrytest.Lie("Docker-Content-Digest")), lies, ""},
		{"bundle served wrong", registrytest.On("GET", "/blobs/", registrytest.Forever, registrytest.Lie()), lies, ""},
		{"says that it stored another manifest", registrytest.On("PUT", "/manifests/", registrytest.Forever, registrytest.Answer(201, "Docker-Content-Digest", digest.FromString("other").String())), lies, ""},
		{"says that a blob has another size", registrytest.On("HEAD", "/blobs/", registrytest.Forever, registrytest.Answer(200, "Content-Length", "99999")), lies, ""},
		{"takes manifests and forgets them", registrytest.On("PUT", "/manifests/", registrytest.Forever, registrytest.Answer(201)), fault.Missing, ""},
		{"list of referrers is nonsense", registrytest.On("GET", "/referrers/", registrytest.Forever, registrytest.Answer(200)), lies, ""},
	}
}

func publishThrough(t *testing.T, tt troubled, api bool) {
	handler := registrytest.Distribution(t)
	if api {
		handler = registrytest.Memory()
	}
	s := registrytest.Open(t, registrytest.Serve(t, handler, tt.make)+"/team/web", registrytest.Fast())
	_, c := image(t, strings.Repeat("hello", 1000))
	_, err := publish.Publish(t.Context(), s, publish.Publication{Content: c, Signed: signed(t, c), Version: "1.0", Tags: []string{"latest"}})
	if tt.want == passes && err != nil {
		t.Errorf("got %v, want that it passes", err)
	}
	if tt.want != passes && (err == nil || fault.KindOf(err) != tt.want || !strings.Contains(fault.HintOf(err), tt.hint)) {
		t.Errorf("got %v (kind %d, hint %q), want kind %d and the hint %q", err, fault.KindOf(err), fault.HintOf(err), tt.want, tt.hint)
	}
	straight := registrytest.Open(t, registrytest.Serve(t, handler, nil)+"/team/web", registrytest.Fast())
	if there := vouched(t, straight, "1.0"); there != (err == nil) {
		t.Errorf("published: %v, and the version is there: %t", err, there)
	}
}

// Both of two publishers look for the version before either of them writes
// it: the one that wrote last has it, the other one hears of it.
func TestTwoPublishersOfOneVersion(t *testing.T) {
	for _, k := range registrytest.Kinds()[:3] {
		for _, same := range []bool{true, false} {
			t.Run(fmt.Sprintf("%s, same content %t", k.Name, same), func(t *testing.T) {
				o := registrytest.Fast()
				o.Settle = 500 * time.Millisecond
				ref := k.Ref(t)
				contents := make([]publish.Content, 2)
				for i := range contents {
					text := "one"
					if !same {
						text = fmt.Sprint(i)
					}
					_, contents[i] = image(t, text)
				}
				errs := make([]error, 2)
				var group sync.WaitGroup
				for i, c := range contents {
					proof := signed(t, c)
					group.Go(func() {
						_, errs[i] = publish.Publish(t.Context(), registrytest.Open(t, ref, o), publish.Publication{Content: c, Signed: proof, Version: "1.0"})
					})
				}
				group.Wait()
				s := registrytest.Open(t, ref, registrytest.Fast())
				vouched(t, s, "1.0")
				m, err := registry.Resolve(t.Context(), s, "1.0")
				if err != nil {
					t.Fatal(err)
				}
				for i, c := range contents {
					won := m.Digest == c.Manifest.Digest
					if won && errs[i] != nil || !won && fault.KindOf(errs[i]) != fault.Policy {
						t.Errorf("publisher %d: has the version %t, and got %v", i, won, errs[i])
					}
				}
			})
		}
	}
}

// The worst order of two publishers, made by hand: both look, then both write.
func TestVersionIsReadAfterItSettled(t *testing.T) {
	var both sync.WaitGroup
	both.Add(2)
	barrier := registrytest.On("PUT", "/manifests/1.0", 2, func(_ http.ResponseWriter, _ *http.Request, _ http.Handler) bool {
		both.Done()
		both.Wait()
		return false
	})
	ref := registrytest.Serve(t, registrytest.Memory(), barrier) + "/team/web"
	o := registrytest.Fast()
	o.Settle = 500 * time.Millisecond
	errs := make([]error, 2)
	var group sync.WaitGroup
	for i := range errs {
		_, c := image(t, fmt.Sprint(i))
		proof := signed(t, c)
		group.Go(func() {
			_, errs[i] = publish.Publish(t.Context(), registrytest.Open(t, ref, o), publish.Publication{Content: c, Signed: proof, Version: "1.0"})
		})
	}
	group.Wait()
	if (errs[0] == nil) == (errs[1] == nil) {
		t.Errorf("got %v and %v, want that exactly one wins", errs[0], errs[1])
	}
	vouched(t, registrytest.Open(t, ref, registrytest.Fast()), "1.0")
}

// Two publishers of the same content with different bundles end with all of
// them in the list that a registry without the API has.
func TestFallbackListKeepsBoth(t *testing.T) {
	var both sync.WaitGroup
	both.Add(2)
	barrier := registrytest.On("PUT", "/manifests/sha256-", 2, func(_ http.ResponseWriter, _ *http.Request, _ http.Handler) bool {
		both.Done()
		both.Wait()
		return false
	})
	ref := registrytest.Serve(t, registrytest.Distribution(t), barrier) + "/team/web"
	_, c := image(t, "one")
	errs := make([]error, 2)
	var group sync.WaitGroup
	for i := range errs {
		proof := signedWith(t, c, byte(i))
		group.Go(func() {
			_, errs[i] = publish.Publish(t.Context(), registrytest.Open(t, ref, registrytest.Fast()), publish.Publication{Content: c, Signed: proof, Tags: []string{"latest"}})
		})
	}
	group.Wait()
	bundles, _, err := publish.ReadBundles(t.Context(), registrytest.Open(t, ref, registrytest.Fast()), c.Manifest.Digest)
	if errs[0] != nil || errs[1] != nil || err != nil || len(bundles) != 4 {
		t.Errorf("got %d bundles, %v, %v and %v, want 4 and no error", len(bundles), err, errs[0], errs[1])
	}
}

// What another publisher's overlapping write takes from the list after it was
// written is found missing and put back before a tag moves.
func TestFallbackListIsLookedAtLast(t *testing.T) {
	lost := registrytest.On("GET", "/blobs/", 1, func(_ http.ResponseWriter, r *http.Request, next http.Handler) bool {
		digests, err := next.(lister).list(r)
		if err != nil || len(digests) != 2 {
			t.Errorf("the list has %d bundles (%v), want 2", len(digests), err)
		}
		next.(lister).empty(r)
		return false
	})
	ref := registrytest.Serve(t, lister{registrytest.Distribution(t), t}, lost) + "/team/web"
	_, c := image(t, "one")
	s := registrytest.Open(t, ref, registrytest.Fast())
	if _, err := publish.Publish(t.Context(), s, publish.Publication{Content: c, Signed: signed(t, c), Tags: []string{"latest"}}); err != nil {
		t.Fatal(err)
	}
	vouched(t, s, "latest")
}

// lister reads and empties the list of referrers behind a publisher's back.
type lister struct {
	http.Handler
	t *testing.T
}

func (l lister) tag() string {
	_, c := image(l.t, "one")
	return "/v2/team/web/manifests/" + strings.Replace(c.Manifest.Digest.String(), ":", "-", 1)
}

func (l lister) list(r *http.Request) ([]registry.Descriptor, error) {
	w := httptest.NewRecorder()
	l.ServeHTTP(w, httptest.NewRequestWithContext(r.Context(), http.MethodGet, l.tag(), nil))
	var index struct{ Manifests []registry.Descriptor }
	err := json.Unmarshal(w.Body.Bytes(), &index)
	return index.Manifests, err
}

func (l lister) empty(r *http.Request) {
	q := httptest.NewRequestWithContext(r.Context(), http.MethodPut, l.tag(), strings.NewReader(`{"schemaVersion":2,"mediaType":"application/vnd.oci.image.index.v1+json","manifests":[]}`))
	q.Header.Set("Content-Type", "application/vnd.oci.image.index.v1+json")
	w := httptest.NewRecorder()
	if l.ServeHTTP(w, q); w.Code != http.StatusCreated {
		l.t.Errorf("emptying the list: %d %s", w.Code, w.Body)
	}
}
