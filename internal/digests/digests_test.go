package digests_test

import (
	"crypto/sha256"
	_ "crypto/sha512" // makes the algorithm available, which must be refused all the same
	"io"
	"strings"
	"testing"

	"github.com/bakelite/bakelite/internal/digests"
)

// abc is the digest of "abc" (FIPS 180-4, example B.1).
const abc = "sha256:ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad"

func TestDigest(t *testing.T) {
	h := sha256.New()
	_, _ = io.WriteString(h, "abc")
	if of, sum := digests.Of([]byte("abc")), digests.Sum(h); of != abc || sum != abc {
		t.Errorf("got %s and %s, want %s", of, sum, abc)
	}
}

func TestValid(t *testing.T) {
	hex := strings.TrimPrefix(abc, "sha256:")
	for text, want := range map[string]bool{
		abc: true, "": false, hex: false, "sha256:": false, "sha256:" + hex[1:]: false, abc + "0": false, abc + "\n": false,
		"sha256:" + strings.ToUpper(hex): false, "sha512:" + hex + hex: false, "md5:" + hex: false, "sha256:../" + hex[3:]: false,
		"sha256:" + hex[:63] + "g": false,
	} {
		if digests.Valid(text) != want {
			t.Errorf("%q is valid: %t", text, !want)
		}
	}
}
