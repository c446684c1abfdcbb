//go:build goexperiment.jsonv2

package analysis

import (
	"crypto/sha256"
	"encoding/binary"
	"fmt"
	"io"
	"sync"

	"github.com/aquasecurity/trivy/pkg/fanal/analyzer"

	"github.com/bakelite/bakelite/scan/content"
)

// memo holds what was found in single files: an app's container and disk
// share most of theirs.
type memo struct {
	mu    sync.Mutex
	known map[[sha256.Size]byte]*analyzer.AnalysisResult
}

func newMemo() *memo { return &memo{known: map[[sha256.Size]byte]*analyzer.AnalysisResult{}} }

func (m *memo) get(key [sha256.Size]byte) (*analyzer.AnalysisResult, bool) {
	m.mu.Lock()
	defer m.mu.Unlock()
	r, ok := m.known[key]
	return r, ok
}

func (m *memo) put(key [sha256.Size]byte, r *analyzer.AnalysisResult) {
	m.mu.Lock()
	defer m.mu.Unlock()
	m.known[key] = r
}

// key is made of all that an analyser sees: path, mode and content.
func (b *body) key(f content.File) (key [sha256.Size]byte, err error) {
	h := sha256.New()
	for _, text := range []string{f.Path, f.Info.Mode().String()} {
		_ = binary.Write(h, binary.LittleEndian, int64(len(text)))
		_, _ = io.WriteString(h, text)
	}
	r, err := b.reader()
	if err != nil {
		return key, err
	}
	defer r.Close()
	if _, err := io.Copy(h, r); err != nil {
		return key, fmt.Errorf("reading %s: %w", f.Path, err)
	}
	return [sha256.Size]byte(h.Sum(nil)), nil
}
