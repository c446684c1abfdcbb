//go:build goexperiment.jsonv2

package analysis

import (
	"bytes"
	"crypto/md5" // dpkg's lists have no other digest
	"encoding/hex"
	"fmt"
	"io"
	"os"
	"path"
	"slices"
	"strings"
	"sync"

	"github.com/aquasecurity/trivy/pkg/fanal/analyzer"
	"github.com/aquasecurity/trivy/pkg/fanal/types"

	"github.com/bakelite/bakelite/internal/fault"
	"github.com/bakelite/bakelite/internal/regular"
	"github.com/bakelite/bakelite/scan/content"
)

// maxClaims bounds one list of dpkg's, in bytes; the kernel's headers have 2 MB.
const maxClaims = 64 << 20

// claims are the files that packages of the distribution say are theirs, by
// dpkg's lists. Analysers pass them by, as the package speaks for them: so a
// list may only claim what it describes, and not what was put in its place.
type claims struct {
	mu sync.Mutex
	// lists are where copies of the lists lie.
	lists []string
	// sums are the MD5 of what analysers want to see.
	sums map[string]string
	// others are the files that lists of other managers than dpkg claim.
	others map[manager][]string
}

// see notes a file that an analyser wants.
func (c *claims) see(f content.File, body *body) error {
	r, err := body.reader()
	if err != nil {
		return err
	}
	defer r.Close()
	h := md5.New()
	if _, err := io.Copy(h, r); err != nil {
		return fmt.Errorf("reading %s: %w", f.Path, err)
	}
	c.mu.Lock()
	defer c.mu.Unlock()
	c.sums[f.Path] = hex.EncodeToString(h.Sum(nil))
	return nil
}

// keep notes the copy of a file, where it is a list.
func (c *claims) keep(name, place string) {
	if strings.HasPrefix(name, "var/lib/dpkg/") && path.Ext(name) == ".md5sums" {
		c.lists = append(c.lists, place)
	}
}

// settle takes out of the lists what is not as they say.
func (c *claims) settle() error {
	for _, place := range c.lists {
		text, err := regular.ReadFile(place, maxClaims)
		if err != nil {
			return fault.As(fault.Integrity, fmt.Errorf("reading what packages claim: %w", err))
		}
		var kept bytes.Buffer
		for line := range bytes.Lines(text) {
			want, name, _ := strings.Cut(strings.TrimRight(string(line), "\r\n"), "  ")
			if got, seen := c.sums[path.Clean(name)]; !seen || got == want {
				kept.Write(line)
			}
		}
		if kept.Len() == len(text) {
			continue
		}
		if err := os.WriteFile(place, kept.Bytes(), 0o600); err != nil {
			return fmt.Errorf("keeping what packages claim: %w", err)
		}
	}
	return nil
}

// claimed keeps an SBOM that lies in the image from speaking for another file
// of it, whose own packages would else be replaced. Bitnami's components have
// no file of their own.
func claimed(file string, r *analyzer.AnalysisResult) {
	if !slices.ContainsFunc([]string{".spdx", ".spdx.json", ".cdx", ".cdx.json"}, func(end string) bool { return strings.HasSuffix(file, end) }) {
		return
	}
	for i := range r.Applications {
		if a := &r.Applications[i]; a.Type != types.Bitnami && a.FilePath != file {
			a.FilePath = path.Join(file, a.FilePath)
		}
	}
}
