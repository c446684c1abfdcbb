//go:build goexperiment.jsonv2

package analysis

import (
	"encoding/json"
	"fmt"
	"strings"

	"github.com/aquasecurity/trivy/pkg/cache"
	"github.com/aquasecurity/trivy/pkg/fanal/types"

	"github.com/bakelite/bakelite/internal/regular"
	"github.com/bakelite/bakelite/scan/protocol"
)

// form changes where the meaning of an entry does.
const form = 8

// entries are what the cache knows of trees, and the way back to it.
type entries struct {
	maker string
	keep  func(protocol.Entry) error
	left  int // bytes
}

// maker is made of Trivy's version, of those of all analysers, and of their
// options.
func (e *Engine) maker(version string) (string, error) {
	key, err := cache.CalcKey("trivy@"+version, form, e.group.AnalyzerVersions(), e.handlers.Versions(), e.options)
	if err != nil {
		return "", fmt.Errorf("naming analysers: %w", err)
	}
	return strings.TrimPrefix(key, "sha256:"), nil
}

// get returns an entry; one that is missing, broken or another maker's is not
// there.
func (c *entries) get(k protocol.Known) (types.BlobInfo, bool) {
	if k.Path == "" {
		return types.BlobInfo{}, false
	}
	text, err := regular.ReadFile(k.Path, protocol.MaxEntries)
	if err != nil {
		return types.BlobInfo{}, false
	}
	body, ok := protocol.Body(text, c.maker)
	var blob types.BlobInfo
	if !ok || json.Unmarshal(body, &blob) != nil || blob.SchemaVersion != types.BlobJSONSchemaVersion {
		return types.BlobInfo{}, false
	}
	return blob, true
}

// put hands an entry over, unless all together would be too large.
func (c *entries) put(k protocol.Known, blob types.BlobInfo) error {
	if k.Name == "" || c.keep == nil {
		return nil
	}
	body, err := json.Marshal(blob)
	if err != nil {
		return fmt.Errorf("writing entry: %w", err)
	}
	if c.left -= len(body); c.left < 0 {
		return nil
	}
	if err := c.keep(protocol.Entry{Name: k.Name, Maker: c.maker, Body: body}); err != nil {
		return fmt.Errorf("handing entry over: %w", err)
	}
	return nil
}
