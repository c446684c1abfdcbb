package main

import (
	"bytes"
	"strings"
	"testing"
)

func TestFresh(t *testing.T) {
	tests := []struct{ seen, now, want string }{
		{"", "", ""}, {"", "abc", "abc"}, {"abc", "abc", ""}, {"abc", "abcdef", "def"},
		{"abcdef", "defghi", "ghi"}, {"abcdef", "ghijkl", "ghijkl"}, {"aab", "aba", "a"},
		{"xaaaa", "aaaab", "b"}, {"ababac", "abacab", "ab"}, {"abc", "", ""}, {"aaa", "aa", ""},
	}
	for _, tt := range tests {
		if got := string(fresh([]byte(tt.seen), []byte(tt.now))); got != tt.want {
			t.Errorf("fresh(%q, %q) = %q, wanted %q", tt.seen, tt.now, got, tt.want)
		}
	}
}

// FuzzFresh slides a window over a stream, as a bounded log does.
func FuzzFresh(f *testing.F) {
	f.Add([]byte("one\ntwo\nthree\nfour\n"), 8, 3)
	f.Fuzz(func(t *testing.T, stream []byte, window, step int) {
		if window < 1 || step < 1 || step >= window || len(stream) > 1<<10 {
			return
		}
		var seen []byte
		for end := 0; end <= len(stream); end += step {
			now := stream[max(0, end-window):end]
			more := fresh(seen, now)
			if !bytes.HasSuffix(now, more) || len(more) > step && len(seen) > 0 && bytes.HasPrefix(now, seen[min(len(seen), step):]) {
				t.Fatalf("fresh(%q, %q) = %q", seen, now, more)
			}
			seen = bytes.Clone(now)
		}
	})
}

func TestOverlapIsLinear(t *testing.T) {
	text := []byte(strings.Repeat("a", 1<<18) + "b")
	next := []byte(strings.Repeat("a", 1<<18) + "c")
	if got := overlap(text, next); got != 0 {
		t.Errorf("%d", got)
	}
}
