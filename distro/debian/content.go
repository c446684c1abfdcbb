package debian

import (
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"io"
	"strings"
)

// errMismatch marks content that is not what its hash or size says.
var errMismatch = errors.New("the content is not the pinned one")

// entry says what a file holds.
type entry struct {
	// sha256 is its digest in lower-case hexadecimal, size counts its bytes.
	sha256 string
	size   int64
}

// entryOf is the entry of a file that holds data.
func entryOf(data []byte) entry {
	sum := sha256.Sum256(data)
	return entry{sha256: hex.EncodeToString(sum[:]), size: int64(len(data))}
}

// validSHA256 says whether s is a SHA-256 in lower-case hexadecimal.
func validSHA256(s string) bool {
	return len(s) == 64 && strings.Trim(s, "0123456789abcdef") == ""
}

// checked copies r to w and compares size and hash with the wanted ones.
func checked(w io.Writer, r io.Reader, want entry) error {
	hash := sha256.New()
	n, err := io.Copy(io.MultiWriter(w, hash), io.LimitReader(r, want.size+1))
	if err != nil {
		return err
	}
	if n != want.size {
		return fmt.Errorf("%w: it has %d bytes (or more), not %d", errMismatch, n, want.size)
	}
	if got := hex.EncodeToString(hash.Sum(nil)); got != want.sha256 {
		return fmt.Errorf("%w: its SHA-256 is %s, not %s", errMismatch, got, want.sha256)
	}
	return nil
}
