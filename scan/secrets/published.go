package secrets

import (
	"crypto/sha256"
	_ "embed"
	"encoding/hex"
	"strings"
)

// publishedKeys lists keys that programs of the distribution have in them, to
// test themselves with or to show in their help: a line for each has its
// SHA-256 and the package. Everybody has them, so they are nobody's secret.
//
//go:embed published.txt
var publishedKeys string

// published returns the SHA-256 of the keys that everybody has.
func published() map[[sha256.Size]byte]bool {
	sums := map[[sha256.Size]byte]bool{}
	for line := range strings.Lines(publishedKeys) {
		text, _, _ := strings.Cut(line, " ")
		var sum [sha256.Size]byte
		if key, err := hex.DecodeString(text); err == nil && copy(sum[:], key) == len(sum) {
			sums[sum] = true
		}
	}
	return sums
}
