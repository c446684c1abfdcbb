package limit_test

import (
	"errors"
	"strings"
	"testing"
	"testing/iotest"

	"github.com/bakelite/bakelite/internal/limit"
)

func TestReadAll(t *testing.T) {
	tests := []struct {
		name string
		in   string
		max  int64
		want string
		over bool
	}{
		{"empty", "", 0, "", false},
		{"below", "abc", 5, "abc", false},
		{"exactly", "abcde", 5, "abcde", false},
		{"one over", "abcdef", 5, "abcde", true},
		{"nothing allowed", "a", 0, "", true},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			for _, r := range []func() ([]byte, error){
				func() ([]byte, error) { return limit.ReadAll(strings.NewReader(test.in), test.max, "it") },
				func() ([]byte, error) {
					return limit.ReadAll(iotest.OneByteReader(strings.NewReader(test.in)), test.max, "it")
				},
			} {
				got, err := r()
				var over *limit.Error
				if string(got) != test.want || errors.As(err, &over) != test.over {
					t.Errorf("got %q, %v; want %q, over %v", got, err, test.want, test.over)
				}
			}
		})
	}
}
