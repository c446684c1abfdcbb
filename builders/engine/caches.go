package engine

import (
	"crypto/sha256"
	"encoding/hex"
	"maps"
	"slices"
	"strings"
	"sync"

	"github.com/bakelite/bakelite/internal/fault"
)

// Caches are the cache mounts of one build: folders that steps of a Dockerfile
// keep for their next run. What one run leaves in them another one finds, and
// no lock names it; so a build shares them with none but those of the same
// scope, and whoever states what the build was made from names them.
type Caches struct {
	namespace string
	mu        sync.Mutex
	used      map[string]bool
}

// NewCaches returns the caches of a scope, which is to hold all that may
// decide what is found in them, such as an app's name and the digest of its
// lock.
func NewCaches(scope ...string) *Caches {
	sum := sha256.Sum256([]byte(strings.Join(scope, "\x00")))
	return &Caches{namespace: "bakelite-" + hex.EncodeToString(sum[:]), used: map[string]bool{}}
}

// Used returns the identifiers, as the Dockerfile gives them, of the caches
// that steps had, whether the steps ran or their results were kept.
func (c *Caches) Used() []string {
	c.mu.Lock()
	defer c.mu.Unlock()
	return slices.Sorted(maps.Keys(c.used))
}

// prefix begins the identifiers of the caches, as the engine knows them.
func (c *Caches) prefix() string {
	if c == nil {
		return ""
	}
	return c.namespace
}

// admit refuses a step with a cache of another scope, and notes those that it
// has.
func (c *Caches) admit(s step) error {
	for _, id := range s.caches() {
		own, ok := strings.CutPrefix(id, c.prefix()+"/")
		if c == nil || !ok || !s.scoped(c.prefix()) {
			return fault.Hint(fault.New(fault.Policy, "step %q has a cache mount that other builds share: %s", s.name, id),
				"update BuildKit, or leave engine.address empty for an engine of Bakelite's own")
		}
		c.mu.Lock()
		c.used[own] = true
		c.mu.Unlock()
	}
	return nil
}
