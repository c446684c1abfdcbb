// Package content says what a file holds, by its hash and size, and whether
// what came is that.
package content

import (
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"io"
	"strings"
)

// ErrMismatch marks content that is not what its hash or size says.
var ErrMismatch = errors.New("the content is not the pinned one")

// Entry says what a file holds.
type Entry struct {
	// SHA256 is its digest in lower-case hexadecimal, and Size counts its bytes.
	SHA256 string
	Size   int64
}

// Of is the entry of a file that holds data.
func Of(data []byte) Entry {
	sum := sha256.Sum256(data)
	return Entry{SHA256: hex.EncodeToString(sum[:]), Size: int64(len(data))}
}

// ValidSHA256 says whether s is a SHA-256 in lower-case hexadecimal.
func ValidSHA256(s string) bool {
	return len(s) == 64 && strings.Trim(s, "0123456789abcdef") == ""
}

// Copy copies r to w and compares size and hash with the wanted ones: content
// that is another one gives ErrMismatch, after up to a byte more than wanted.
func Copy(w io.Writer, r io.Reader, want Entry) error {
	hash := sha256.New()
	n, err := io.Copy(io.MultiWriter(w, hash), io.LimitReader(r, want.Size+1))
	if err != nil {
		return err
	}
	if n != want.Size {
		return fmt.Errorf("%w: it has %d bytes (or more), not %d", ErrMismatch, n, want.Size)
	}
	if got := hex.EncodeToString(hash.Sum(nil)); got != want.SHA256 {
		return fmt.Errorf("%w: its SHA-256 is %s, not %s", ErrMismatch, got, want.SHA256)
	}
	return nil
}
