package registry_test

import (
	"bytes"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/bakelite/bakelite/internal/fault"
	"github.com/bakelite/bakelite/internal/registry"
)

// on makes trouble for the requests of a method whose path holds a text, a
// number of times.
func on(method, path string, times int64, do trouble) trouble {
	var seen atomic.Int64
	return func(w http.ResponseWriter, r *http.Request, next http.Handler) bool {
		if r.Method != method || !strings.Contains(r.URL.Path, path) || seen.Add(1) > times {
			return false
		}
		return do(w, r, next)
	}
}

func answer(status int, header ...string) trouble {
	return func(w http.ResponseWriter, _ *http.Request, _ http.Handler) bool {
		if len(header) == 2 {
			w.Header().Set(header[0], header[1])
		}
		w.WriteHeader(status)
		return true
	}
}

func says(status int, text string) trouble {
	return func(w http.ResponseWriter, _ *http.Request, _ http.Handler) bool {
		w.WriteHeader(status)
		_, _ = io.WriteString(w, text)
		return true
	}
}

// cut closes the connection after some bytes of the request's body.
func cut(w http.ResponseWriter, r *http.Request, _ http.Handler) bool {
	_, _ = io.CopyN(io.Discard, r.Body, 16)
	c, _, err := w.(http.Hijacker).Hijack()
	if err == nil {
		c.Close()
	}
	return true
}

// cutAnswer closes the connection in the middle of a blob.
func cutAnswer(w http.ResponseWriter, r *http.Request, next http.Handler) bool {
	whole := httptest.NewRecorder()
	next.ServeHTTP(whole, r)
	w.Header().Set("Content-Length", fmt.Sprint(whole.Body.Len()))
	w.WriteHeader(whole.Code)
	_, _ = w.Write(whole.Body.Bytes()[:whole.Body.Len()/2])
	w.(http.Flusher).Flush()
	panic(http.ErrAbortHandler)
}

// lie answers with other bytes than asked for.
func lie(keep ...string) trouble {
	return func(w http.ResponseWriter, r *http.Request, next http.Handler) bool {
		whole := httptest.NewRecorder()
		next.ServeHTTP(whole, r)
		if whole.Code != http.StatusOK {
			return answer(whole.Code)(w, r, next)
		}
		for _, name := range append(keep, "Content-Type") {
			w.Header().Set(name, whole.Header().Get(name))
		}
		if strings.Contains(r.URL.Path, "/manifests/") { // as good a manifest as the other
			_, _ = w.Write(append(whole.Body.Bytes(), '\n'))
			return true
		}
		_, _ = w.Write(bytes.Replace(whole.Body.Bytes(), []byte(`"`), []byte(`!`), 1))
		return true
	}
}

func withoutDigest(w http.ResponseWriter, r *http.Request, next http.Handler) bool {
	whole := httptest.NewRecorder()
	next.ServeHTTP(whole, r)
	for name, values := range whole.Header() {
		if name != "Docker-Content-Digest" {
			w.Header()[name] = values
		}
	}
	w.WriteHeader(whole.Code)
	_, _ = w.Write(whole.Body.Bytes())
	return true
}

const forever = 1 << 40

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
	make trouble
	want fault.Kind
	hint string
}

func troubles() []troubled {
	refused, lies := fault.Network, fault.Integrity
	return []troubled{
		{"ping is busy", on("GET", "/v2/", 2, answer(503)), passes, ""},
		{"401 at the first upload", on("POST", "/blobs/", forever, answer(401)), refused, "docker login"},
		{"403 at a manifest", on("PUT", "/manifests/", forever, answer(403)), refused, "docker login"},
		{"429 with seconds", on("POST", "/blobs/", 2, answer(429, "Retry-After", "0")), passes, ""},
		{"429 with a long wait", on("POST", "/blobs/", 2, answer(429, "Retry-After", "86400")), passes, ""},
		{"429 with a date", on("PUT", "/manifests/", 1, answer(429, "Retry-After", time.Now().Add(time.Hour).UTC().Format(http.TimeFormat))), passes, ""},
		{"429 for good", on("POST", "/blobs/", forever, answer(429)), refused, "limits how often"},
		{"500 at each kind of request", all(on("HEAD", "/blobs/", 2, answer(500)), on("POST", "/blobs/", 2, answer(502)), on("PUT", "/blobs/", 2, answer(503)), on("PUT", "/manifests/", 2, answer(504)), on("GET", "/manifests/", 2, answer(500))), passes, ""},
		{"500 for good", on("PUT", "/blobs/", forever, answer(500)), refused, "run the same command again"},
		{"blob cut midway", on("PUT", "/blobs/", 3, cut), passes, ""},
		{"blob always cut", on("PUT", "/blobs/", forever, cut), refused, "run the same command again"},
		{"manifest cut", on("PUT", "/manifests/", 2, cut), passes, ""},
		{"upload forgotten", on("PUT", "/blobs/", 2, says(404, `{"errors":[{"code":"BLOB_UPLOAD_UNKNOWN"}]}`)), passes, ""},
		{"upload refused", on("PUT", "/blobs/", 1, says(404, "no")), refused, ""},
		{"no Docker-Content-Digest", always(withoutDigest), passes, ""},
		{"manifest served wrong", on("GET", "/manifests/sha256:", forever, lie()), lies, ""},
		{"manifest served wrong under its digest", on("GET", "/manifests/sha256:", forever, lie("Docker-Content-Digest")), lies, ""},
		{"bundle served wrong", on("GET", "/blobs/", forever, lie()), lies, ""},
		{"says that it stored another manifest", on("PUT", "/manifests/", forever, answer(201, "Docker-Content-Digest", digestOf("other").String())), lies, ""},
		{"says that a blob has another size", on("HEAD", "/blobs/", forever, answer(200, "Content-Length", "99999")), lies, ""},
		{"takes manifests and forgets them", on("PUT", "/manifests/", forever, answer(201)), fault.Missing, ""},
		{"list of referrers is nonsense", on("GET", "/referrers/", forever, answer(200)), lies, ""},
	}
}

func publishThrough(t *testing.T, tt troubled, api bool) {
	handler := distributionHandler(t)
	if api {
		handler = memoryHandler()
	}
	s := open(t, serve(t, handler, tt.make)+"/team/web", fast())
	_, c := image(t, strings.Repeat("hello", 1000))
	_, err := registry.Publish(t.Context(), s, registry.Publication{Content: c, Signed: signed(t, c), Version: "1.0", Tags: []string{"latest"}})
	if tt.want == passes && err != nil {
		t.Errorf("got %v, want that it passes", err)
	}
	if tt.want != passes && (err == nil || fault.KindOf(err) != tt.want || !strings.Contains(fault.HintOf(err), tt.hint)) {
		t.Errorf("got %v (kind %d, hint %q), want kind %d and the hint %q", err, fault.KindOf(err), fault.HintOf(err), tt.want, tt.hint)
	}
	straight := open(t, serve(t, handler, nil)+"/team/web", fast())
	if there := vouched(t, straight, "1.0"); there != (err == nil) {
		t.Errorf("published: %v, and the version is there: %t", err, there)
	}
}

func all(troubles ...trouble) trouble {
	return func(w http.ResponseWriter, r *http.Request, next http.Handler) bool {
		for _, t := range troubles {
			if t(w, r, next) {
				return true
			}
		}
		return false
	}
}

// always leaves the handshake alone.
func always(do trouble) trouble {
	return func(w http.ResponseWriter, r *http.Request, next http.Handler) bool {
		return r.URL.Path != "/v2/" && do(w, r, next)
	}
}

// A blob that is cut while it is read goes on where it was cut; one that is
// cut for good, or wrong, is never taken.
func TestPullThroughTrouble(t *testing.T) {
	handler := memoryHandler()
	good := serve(t, handler, nil) + "/team/web"
	_, c := image(t, strings.Repeat("0123456789abcdef", 1<<16))
	if _, err := registry.Publish(t.Context(), open(t, good, fast()), registry.Publication{Content: c, Signed: signed(t, c)}); err != nil {
		t.Fatal(err)
	}
	for name, tt := range map[string]struct {
		make trouble
		want fault.Kind
	}{
		"cut once":       {on("GET", "/blobs/", 2, cutAnswer), -1},
		"always cut":     {on("GET", "/blobs/", forever, cutAnswer), fault.Network},
		"wrong bytes":    {on("GET", "/blobs/", forever, lie()), fault.Integrity},
		"wrong manifest": {on("GET", "/manifests/", forever, lie()), fault.Integrity},
		"500":            {on("GET", "/blobs/", forever, answer(500)), fault.Network},
		"not there":      {on("GET", "/blobs/", forever, answer(404)), fault.Missing},
		"empty":          {on("GET", "/blobs/", forever, answer(200)), fault.Network},
		"no ranges":      {all(on("GET", "/blobs/", 2, cutAnswer), withRange(answer(416))), -1},
		"ignores ranges": {all(on("GET", "/blobs/", 2, cutAnswer), withRange(whole)), -1},
	} {
		t.Run(name, func(t *testing.T) {
			s := open(t, serve(t, handler, tt.make)+"/team/web", fast())
			to := filepath.Join(t.TempDir(), "layout")
			_, err := registry.Pull(t.Context(), s, registry.PullOptions{Digest: c.Manifest.Digest, Layout: to})
			if tt.want < 0 && err != nil || tt.want >= 0 && (err == nil || fault.KindOf(err) != tt.want) {
				t.Errorf("got %v (kind %d), want kind %d", err, fault.KindOf(err), tt.want)
			}
			_, statErr := os.Stat(filepath.Join(to, "index.json"))
			if (statErr == nil) != (err == nil) {
				t.Errorf("pulled: %v, and the index: %v", err, statErr)
			}
		})
	}
}

// withRange makes trouble for requests for a part.
func withRange(do trouble) trouble {
	return func(w http.ResponseWriter, r *http.Request, next http.Handler) bool {
		return r.Header.Get("Range") != "" && do(w, r, next)
	}
}

func whole(w http.ResponseWriter, r *http.Request, next http.Handler) bool {
	r.Header.Del("Range")
	next.ServeHTTP(w, r)
	return true
}

// Both of two publishers look for the version before either of them writes
// it: the one that wrote last has it, the other one hears of it.
func TestTwoPublishersOfOneVersion(t *testing.T) {
	for _, k := range kinds()[:3] {
		for _, same := range []bool{true, false} {
			t.Run(fmt.Sprintf("%s, same content %t", k.name, same), func(t *testing.T) {
				o := fast()
				o.Settle = 500 * time.Millisecond
				ref := k.ref(t)
				contents := make([]registry.Content, 2)
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
						_, errs[i] = registry.Publish(t.Context(), open(t, ref, o), registry.Publication{Content: c, Signed: proof, Version: "1.0"})
					})
				}
				group.Wait()
				s := open(t, ref, fast())
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
	barrier := on("PUT", "/manifests/1.0", 2, func(_ http.ResponseWriter, _ *http.Request, _ http.Handler) bool {
		both.Done()
		both.Wait()
		return false
	})
	ref := serve(t, memoryHandler(), barrier) + "/team/web"
	o := fast()
	o.Settle = 500 * time.Millisecond
	errs := make([]error, 2)
	var group sync.WaitGroup
	for i := range errs {
		_, c := image(t, fmt.Sprint(i))
		proof := signed(t, c)
		group.Go(func() {
			_, errs[i] = registry.Publish(t.Context(), open(t, ref, o), registry.Publication{Content: c, Signed: proof, Version: "1.0"})
		})
	}
	group.Wait()
	if (errs[0] == nil) == (errs[1] == nil) {
		t.Errorf("got %v and %v, want that exactly one wins", errs[0], errs[1])
	}
	vouched(t, open(t, ref, fast()), "1.0")
}

// Two publishers of the same content with different bundles end with all of
// them in the list that a registry without the API has.
func TestFallbackListKeepsBoth(t *testing.T) {
	var both sync.WaitGroup
	both.Add(2)
	barrier := on("PUT", "/manifests/sha256-", 2, func(_ http.ResponseWriter, _ *http.Request, _ http.Handler) bool {
		both.Done()
		both.Wait()
		return false
	})
	ref := serve(t, distributionHandler(t), barrier) + "/team/web"
	_, c := image(t, "one")
	errs := make([]error, 2)
	var group sync.WaitGroup
	for i := range errs {
		proof := signedWith(t, c, byte(i))
		group.Go(func() {
			_, errs[i] = registry.Publish(t.Context(), open(t, ref, fast()), registry.Publication{Content: c, Signed: proof, Tags: []string{"latest"}})
		})
	}
	group.Wait()
	bundles, err := registry.ReadBundles(t.Context(), open(t, ref, fast()), c.Manifest.Digest)
	if errs[0] != nil || errs[1] != nil || err != nil || len(bundles) != 4 {
		t.Errorf("got %d bundles, %v, %v and %v, want 4 and no error", len(bundles), err, errs[0], errs[1])
	}
}

// What another publisher's overlapping write takes from the list after it was
// written is found missing and put back before a tag moves.
func TestFallbackListIsLookedAtLast(t *testing.T) {
	lost := on("GET", "/blobs/", 1, func(_ http.ResponseWriter, r *http.Request, next http.Handler) bool {
		digests, err := next.(lister).list(r)
		if err != nil || len(digests) != 2 {
			t.Errorf("the list has %d bundles (%v), want 2", len(digests), err)
		}
		next.(lister).empty(r)
		return false
	})
	ref := serve(t, lister{distributionHandler(t), t}, lost) + "/team/web"
	_, c := image(t, "one")
	s := open(t, ref, fast())
	if _, err := registry.Publish(t.Context(), s, registry.Publication{Content: c, Signed: signed(t, c), Tags: []string{"latest"}}); err != nil {
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
