package policy

import (
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"

	"github.com/bakelite/bakelite/internal/digests"
)

// Digest returns "sha256:" and the digest of what p asks for: its keys with
// their defaults, and the content of the files that it names. Comments, the
// order of keys and the file's place do not matter; nor does a key of a later
// version that is not used.
func (p Policy) Digest() string {
	p = WithDefaults(p)
	sums := map[string]string{}
	for name, data := range p.Files {
		sum := sha256.Sum256(data)
		sums[name] = hex.EncodeToString(sum[:])
	}
	p.Dir, p.Path, p.Files = "", "", nil
	return digests.Of(canonical([]any{used(p), sums}))
}

// used returns p as maps and lists without what is zero or empty.
func used(p Policy) any {
	var tree any
	if err := json.Unmarshal(canonical(p), &tree); err != nil {
		return nil // what was marshalled is JSON
	}
	return prune(tree)
}

func prune(node any) any {
	switch node := node.(type) {
	case map[string]any:
		for key, value := range node {
			if value = prune(value); value == nil {
				delete(node, key)
			} else {
				node[key] = value
			}
		}
		if len(node) == 0 {
			return nil
		}
	case []any:
		if len(node) == 0 {
			return nil
		}
		for i := range node {
			node[i] = prune(node[i])
		}
	case string, bool, float64:
		if node == "" || node == false || node == 0.0 {
			return nil
		}
	}
	return node
}

func canonical(v any) []byte {
	data, err := json.Marshal(v)
	if err != nil {
		return nil // texts, numbers, truths and lists of them always marshal
	}
	return data
}
