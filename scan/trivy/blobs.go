//go:build goexperiment.jsonv2

package trivy

import (
	"bytes"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"os"
	"path/filepath"
	"strings"

	"github.com/aquasecurity/trivy/pkg/cache"
	"github.com/aquasecurity/trivy/pkg/fanal/types"
	"github.com/google/renameio/v2"

	"github.com/bakelite/bakelite/internal/limit"
	"github.com/bakelite/bakelite/scan/trivy/content"
)

// maxBlob bounds one entry of the cache, in bytes.
const maxBlob = 256 << 20

// form changes where the meaning of an entry does.
const form = 1

// blobs is a folder with what was found in trees, by their content and by
// what looked at it. Entries are written beside and renamed.
type blobs struct{ folder string }

// key is made of the tree's content, of Trivy's version and of those of all
// analysers.
func (e *engine) key(tree content.Tree) (string, error) {
	key, err := cache.CalcKey(tree.Identity+"@"+Version, form, e.group.AnalyzerVersions(), e.handlers.Versions(), e.options)
	if err != nil {
		return "", fmt.Errorf("naming tree: %w", err)
	}
	return key, nil
}

func (b blobs) path(key string) string {
	return filepath.Join(b.folder, strings.TrimPrefix(key, "sha256:")+".json")
}

// get returns an entry; one that is missing or broken is not there.
func (b blobs) get(key string) (types.BlobInfo, bool) {
	if b.folder == "" {
		return types.BlobInfo{}, false
	}
	f, err := os.Open(b.path(key))
	if err != nil {
		return types.BlobInfo{}, false
	}
	defer f.Close()
	text, err := limit.ReadAll(f, maxBlob, "the cache's entry")
	if err != nil {
		return types.BlobInfo{}, false
	}
	head, body, _ := bytes.Cut(text, []byte("\n"))
	var blob types.BlobInfo
	if string(head) != sumLine(body) || json.Unmarshal(body, &blob) != nil || blob.SchemaVersion != types.BlobJSONSchemaVersion {
		return types.BlobInfo{}, false
	}
	return blob, true
}

// put writes an entry; a cache that cannot be written to only costs time.
func (b blobs) put(key string, blob types.BlobInfo) {
	if b.folder == "" {
		return
	}
	body, err := json.Marshal(blob)
	if err != nil || len(body) > maxBlob {
		return
	}
	_ = renameio.WriteFile(b.path(key), append([]byte(sumLine(body)+"\n"), body...), 0o644)
}

func sumLine(body []byte) string {
	sum := sha256.Sum256(body)
	return hex.EncodeToString(sum[:])
}
