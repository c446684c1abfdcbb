package debian

import (
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"io"
	"net/http"
	"os"
	"path/filepath"

	"github.com/google/renameio/v2"

	"github.com/bakelite/bakelite/internal/limit"
)

// maxHeld bounds the file of what mirrors said, in bytes: a line for each.
const maxHeld = 1 << 20

// validator is what a mirror called a file that it gave (RFC 9110, section
// 8.8), and what that file was. A mirror that says "not modified" is believed
// no more than one that sends the same bytes again: they are verified, and
// their date and expiry, as if they had come.
type validator struct {
	ETag         string `json:"etag,omitempty"`
	LastModified string `json:"lastModified,omitempty"`
	SHA256       string `json:"sha256"`
	Size         int64  `json:"size"`
}

// held are the InRelease files of an index in the cache, by the URL that gave them.
type held struct {
	store files
	path  string
	byURL map[string]validator
}

// held returns what the cache holds of an index by its name; what cannot be read is asked
// for whole.
func (s files) held(index string) *held {
	h := &held{store: s, path: filepath.Join(s.dir, "seen", index+".http.json"), byURL: map[string]validator{}}
	f, err := os.Open(h.path)
	if err != nil {
		return h
	}
	defer f.Close()
	text, err := limit.ReadAll(f, maxHeld, h.path)
	if err != nil || json.Unmarshal(text, &h.byURL) != nil || h.byURL == nil {
		h.byURL = map[string]validator{}
	}
	return h
}

func (h *held) get(url string) (validator, bool) {
	if h == nil {
		return validator{}, false
	}
	v, ok := h.byURL[url]
	return v, ok && validSHA256(v.SHA256) && h.store.verified(entry{sha256: v.SHA256, size: v.Size})
}

// ask makes a request conditional where the cache holds an answer.
func (h *held) ask(r *http.Request) {
	v, ok := h.get(r.URL.String())
	if ok && v.ETag != "" {
		r.Header.Set("If-None-Match", v.ETag)
	}
	if ok && v.LastModified != "" {
		r.Header.Set("If-Modified-Since", v.LastModified)
	}
}

func (h *held) asked(url string) bool {
	_, ok := h.get(url)
	return ok
}

// again hands on what the cache holds.
func (h *held) again(url string, accept func(io.Reader) error) error {
	v, _ := h.get(url)
	f, err := os.Open(h.store.path(v.SHA256))
	if err != nil {
		return err
	}
	defer f.Close()
	return accept(f)
}

// note hands on what came, and where it was accepted remembers what the mirror
// calls it. That it cannot be remembered only costs a download.
func (h *held) note(url string, response *http.Response, accept func(io.Reader) error) error {
	if h == nil {
		return accept(response.Body)
	}
	sum, counted := sha256.New(), &counter{}
	if err := accept(io.TeeReader(response.Body, io.MultiWriter(sum, counted))); err != nil {
		return err
	}
	v := validator{ETag: response.Header.Get("ETag"), LastModified: response.Header.Get("Last-Modified"), SHA256: hex.EncodeToString(sum.Sum(nil)), Size: counted.bytes}
	if v.ETag == "" && v.LastModified == "" {
		return nil
	}
	h.byURL[url] = v
	if text, err := json.Marshal(h.byURL); err == nil {
		_ = renameio.WriteFile(h.path, append(text, '\n'), 0o600)
	}
	return nil
}

type counter struct{ bytes int64 }

func (c *counter) Write(p []byte) (int, error) {
	c.bytes += int64(len(p))
	return len(p), nil
}
