package cancel_test

import (
	"context"
	"errors"
	"io"
	"strings"
	"testing"

	"github.com/bakelite/bakelite/internal/cancel"
)

func TestReaderEndsWithItsContext(t *testing.T) {
	ctx, end := context.WithCancel(t.Context())
	r := cancel.Reader(ctx, strings.NewReader("abcdef"))
	half := make([]byte, 3)
	if n, err := r.Read(half); n != 3 || err != nil {
		t.Fatalf("got %d bytes and %v, want 3", n, err)
	}
	end()
	if rest, err := io.ReadAll(r); len(rest) != 0 || !errors.Is(err, context.Canceled) {
		t.Errorf("got %q and %v after the context's end", rest, err)
	}
}
