package fetch

import (
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"io"
	"net/http"
	"os"
	"path/filepath"

	"github.com/google/renameio/v2"

	"github.com/bakelite/bakelite/distro/debian/content"
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

// Held are the InRelease files of one index in the cache, by the URL that gave
// them.
type Held struct {
	store Store
	path  string
	byURL map[string]validator
}

// Held returns what the cache holds of an index; what cannot be read is asked for
// whole.
func (s Store) Held(index string) *Held {
	h := &Held{store: s, path: filepath.Join(s.Dir, "seen", index+".http.json"), byURL: map[string]validator{}}
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

func (h *Held) get(url string) (validator, bool) {
	if h == nil {
		return validator{}, false
	}
	v, ok := h.byURL[url]
	return v, ok && content.ValidSHA256(v.SHA256) && h.store.Verified(content.Entry{SHA256: v.SHA256, Size: v.Size})
}

// ask makes a request conditional where the cache holds an answer.
func (h *Held) ask(r *http.Request) {
	v, ok := h.get(r.URL.String())
	if ok && v.ETag != "" {
		r.Header.Set("If-None-Match", v.ETag)
	}
	if ok && v.LastModified != "" {
		r.Header.Set("If-Modified-Since", v.LastModified)
	}
}

func (h *Held) asked(url string) bool {
	_, ok := h.get(url)
	return ok
}

// again hands on what the cache holds.
func (h *Held) again(url string, accept func(io.Reader) error) error {
	v, _ := h.get(url)
	f, err := os.Open(h.store.Path(v.SHA256))
	if err != nil {
		return err
	}
	defer f.Close()
	return accept(f)
}

// note hands on what came, and where it was accepted remembers what the mirror
// calls it. That it cannot be remembered only costs a download.
func (h *Held) note(url string, response *http.Response, accept func(io.Reader) error) error {
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
