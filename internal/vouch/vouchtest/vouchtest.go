// Package vouchtest gives tests a key that vouches. Only tests may import it.
package vouchtest

import (
	"testing"

	"github.com/bakelite/bakelite/internal/vouch"
)

// Key is that of a new state folder.
func Key(t testing.TB) vouch.Key {
	t.Helper()
	key, err := vouch.Open(t.TempDir())
	if err != nil {
		t.Fatal(err)
	}
	return key
}
