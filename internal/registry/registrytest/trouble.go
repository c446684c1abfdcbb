package registrytest

import (
	"bytes"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync/atomic"
)

// Trouble answers a request in place of a registry, or returns false.
type Trouble func(w http.ResponseWriter, r *http.Request, next http.Handler) bool

// Forever is more requests than any test makes.
const Forever = 1 << 40

// On makes trouble for the requests of a method whose path holds a text, a
// number of times.
func On(method, path string, times int64, do Trouble) Trouble {
	var seen atomic.Int64
	return func(w http.ResponseWriter, r *http.Request, next http.Handler) bool {
		if r.Method != method || !strings.Contains(r.URL.Path, path) || seen.Add(1) > times {
			return false
		}
		return do(w, r, next)
	}
}

// Answer answers with a status and at most one header, given as name and value.
func Answer(status int, header ...string) Trouble {
	return func(w http.ResponseWriter, _ *http.Request, _ http.Handler) bool {
		if len(header) == 2 {
			w.Header().Set(header[0], header[1])
		}
		w.WriteHeader(status)
		return true
	}
}

// Says answers with a status and a text.
func Says(status int, text string) Trouble {
	return func(w http.ResponseWriter, _ *http.Request, _ http.Handler) bool {
		w.WriteHeader(status)
		_, _ = io.WriteString(w, text)
		return true
	}
}

// Cut closes the connection after some bytes of the request's body.
func Cut(w http.ResponseWriter, r *http.Request, _ http.Handler) bool {
	_, _ = io.CopyN(io.Discard, r.Body, 16)
	c, _, err := w.(http.Hijacker).Hijack()
	if err == nil {
		c.Close()
	}
	return true
}

// CutAnswer closes the connection in the middle of a blob.
func CutAnswer(w http.ResponseWriter, r *http.Request, next http.Handler) bool {
	whole := httptest.NewRecorder()
	next.ServeHTTP(whole, r)
	w.Header().Set("Content-Length", fmt.Sprint(whole.Body.Len()))
	w.WriteHeader(whole.Code)
	_, _ = w.Write(whole.Body.Bytes()[:whole.Body.Len()/2])
	w.(http.Flusher).Flush()
	panic(http.ErrAbortHandler)
}

// Lie answers with other bytes than asked for and keeps the headers named.
func Lie(keep ...string) Trouble {
	return func(w http.ResponseWriter, r *http.Request, next http.Handler) bool {
		whole := httptest.NewRecorder()
		next.ServeHTTP(whole, r)
		if whole.Code != http.StatusOK {
			return Answer(whole.Code)(w, r, next)
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

// WithoutDigest leaves out the header by which registries name a manifest.
func WithoutDigest(w http.ResponseWriter, r *http.Request, next http.Handler) bool {
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

// All makes each of several troubles.
func All(troubles ...Trouble) Trouble {
	return func(w http.ResponseWriter, r *http.Request, next http.Handler) bool {
		for _, t := range troubles {
			if t(w, r, next) {
				return true
			}
		}
		return false
	}
}

// Always makes trouble for all requests but the handshake.
func Always(do Trouble) Trouble {
	return func(w http.ResponseWriter, r *http.Request, next http.Handler) bool {
		return r.URL.Path != "/v2/" && do(w, r, next)
	}
}
