package lock

import (
	"reflect"
	"strings"
	"testing"
)

func FuzzParse(f *testing.F) {
	sha := strings.Repeat("0", 64)
	f.Add([]byte("apiVersion: bakelite.dev/v1\nkind: Lock\napp: a\nbakelite: v\nplatform: linux/amd64\ninputs: sha256:" + sha +
		"\narchives:\n  - {name: debian, suite: trixie, inRelease: \"" + sha + "\", date: \"2026-11-21T09:15:44Z\"}\nfiles:\n  - {path: a, sha256: \"" + sha +
		"\"}\npackages:\n  seed:\n    - {name: apt, version: \"1\", arch: amd64, archive: debian, path: pool/a, sha256: \"" + sha + "\", size: 1}\n"))
	f.Add([]byte("packages:\n  seed: []\nfiles: x\n"))
	f.Add([]byte("base: {ref: docker.io/library/debian, digest: \"sha256:" + sha + "\"}\nimages:\n  - {ref: on, digest: x}\narchives: []\n"))
	f.Fuzz(func(t *testing.T, data []byte) {
		l, problems := parse("lock", data)
		if quick := new(Reader).canonical(data); quick != nil && (len(problems) > 0 || !reflect.DeepEqual(quick, l)) {
			t.Fatalf("read quickly it is %+v, strictly %+v, %v", quick, l, problems)
		}
		if len(problems) > 0 {
			return
		}
		encoded, err := l.Marshal()
		if err != nil {
			t.Fatalf("what was read is not valid: %v", err)
		}
		again, problems := parse("lock", encoded)
		if len(problems) > 0 {
			t.Fatalf("%v in\n%s", problems, encoded)
		}
		if !reflect.DeepEqual(again.encode(), encoded) {
			t.Fatalf("not stable:\n%s", encoded)
		}
	})
}

func BenchmarkParse(b *testing.B) {
	sha := strings.Repeat("1", 64)
	var text strings.Builder
	text.WriteString("packages:\n  seed:\n")
	for range 1000 {
		text.WriteString("    - {name: apt, version: \"1\", arch: amd64, archive: debian, path: pool/a, sha256: \"" + sha + "\", size: 1}\n")
	}
	for b.Loop() {
		parse("lock", []byte(text.String()))
	}
}
