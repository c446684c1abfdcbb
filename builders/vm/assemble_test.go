package vm

import (
	"bytes"
	"errors"
	"io"
	"os"
	"path/filepath"
	"testing"

	"github.com/klauspost/compress/zstd"

	"github.com/bakelite/bakelite/internal/limit"
)

// TestShortReads unpacks parts of a disk that are cut or too large: neither
// may pass for a shorter one.
func TestShortReads(t *testing.T) {
	const size = 300 << 10
	content := bytes.Repeat([]byte("var "), size/4)
	encoder, err := zstd.NewWriter(nil)
	if err != nil {
		t.Fatal(err)
	}
	packed := encoder.EncodeAll(content, nil)
	var over *limit.Error
	for _, tt := range []struct {
		name   string
		packed []byte
		max    int64
		is     func(error) bool
	}{
		{"whole", packed, size, func(err error) bool { return err == nil }},
		{"cut", packed[:len(packed)-5], size, func(err error) bool { return errors.Is(err, io.ErrUnexpectedEOF) }},
		{"too large", packed, size - 1, func(err error) bool { return errors.As(err, &over) }},
	} {
		path := filepath.Join(t.TempDir(), "var")
		if err := os.WriteFile(path+".zst", tt.packed, 0o600); err != nil {
			t.Fatal(err)
		}
		if err := unpackSparse(path, tt.max); !tt.is(err) {
			t.Errorf("%s: %v", tt.name, err)
		}
	}
	text := filepath.Join(t.TempDir(), "roothash")
	if err := os.WriteFile(text, make([]byte, maxText+1), 0o600); err != nil {
		t.Fatal(err)
	}
	if _, err := readText(text); !errors.As(err, &over) {
		t.Errorf("a text of one byte too many: %v", err)
	}
}
