package secrets

import (
	"archive/tar"
	"archive/zip"
	"bytes"
	"compress/gzip"
	"context"
	"crypto/sha256"
	"encoding/base64"
	"errors"
	"io"
	"slices"
	"strings"
	"testing"
	"testing/iotest"

	"github.com/klauspost/compress/zstd"
)

// secret has the form of a key, and is none.
var secret = "-----BEGIN PRIVATE KEY-----\n" + strings.Repeat("Test", 120) + "\n-----END PRIVATE KEY-----\n"

// The secret, packed by xz and bzip2, in base64.
const (
	xzSecret    = "/Td6WFoAAATm1rRGAgAhARYAAAB0L+Wj4AIWAC1dABbpDIikhHudTGLXn5HcY02WAJKv2xfmG0Wi4KY83ldf50m2Y1XDaKGuP8jgAAAAAADcDXYudTPu3AABSZcEAAAALuNGB7HEZ/sCAAAAAARZWg=="
	bzip2Secret = "QlpoOTFBWSZTWXe7UOYAAAzXgCAQQAI2qVUgAgAMACAASElJiZNNPR6oCKoYjBNGJhL6Vy+agmWGWqzM9GIZBunAxjSQlEiRYBXICugFdi7kinChIO92ocw="
)

func must(t *testing.T, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
}

func unbase64(t *testing.T, text string) string {
	t.Helper()
	data, err := base64.StdEncoding.DecodeString(text)
	must(t, err)
	return string(data)
}

func gz(t *testing.T, data string) string {
	t.Helper()
	var b bytes.Buffer
	w := gzip.NewWriter(&b)
	_, err := w.Write([]byte(data))
	must(t, errors.Join(err, w.Close()))
	return b.String()
}

func zst(t *testing.T, data string) string {
	t.Helper()
	w, err := zstd.NewWriter(nil)
	must(t, err)
	return string(w.EncodeAll([]byte(data), nil))
}

// entries are names and contents in turn.
func tarOf(t *testing.T, entries ...string) string {
	t.Helper()
	var b bytes.Buffer
	w := tar.NewWriter(&b)
	for i := 0; i < len(entries); i += 2 {
		must(t, w.WriteHeader(&tar.Header{Name: entries[i], Mode: 0o644, Size: int64(len(entries[i+1])), Typeflag: tar.TypeReg}))
		_, err := w.Write([]byte(entries[i+1]))
		must(t, err)
	}
	must(t, w.Close())
	return b.String()
}

func zipOf(t *testing.T, entries ...string) string {
	t.Helper()
	var b bytes.Buffer
	w := zip.NewWriter(&b)
	for i := 0; i < len(entries); i += 2 {
		f, err := w.Create(entries[i])
		must(t, err)
		_, err = f.Write([]byte(entries[i+1]))
		must(t, err)
	}
	must(t, w.Close())
	return b.String()
}

// bare are findings without the sums of their secrets.
func bare(found []Finding) []Finding {
	found = slices.Clone(found)
	for i := range found {
		found[i].sum = [sha256.Size]byte{}
	}
	return found
}

// all looks at content in each way there is, and wants the same of each.
func all(t *testing.T, l Limits, data string) []Finding {
	t.Helper()
	s := New(l)
	one, err := s.Bytes(t.Context(), "f", []byte(data), true)
	must(t, err)
	two, err := s.File(t.Context(), "f", strings.NewReader(data), int64(len(data)), true)
	must(t, err)
	three, err := s.Stream(t.Context(), "f", iotest.HalfReader(strings.NewReader(data)), true)
	must(t, err)
	one, two, three = bare(one), bare(two), bare(three)
	if !slices.Equal(one, two) || !slices.Equal(one, three) && kindOf([]byte(data[:min(len(data), headBytes)]), nil) != plain {
		t.Errorf("in memory %+v, as a file %+v, as a stream %+v", one, two, three)
	}
	return one
}

// TestKeysInArchives: a key is found in whatever it is packed.
func TestKeysInArchives(t *testing.T) {
	key := Finding{Rule: PrivateKey, Title: titleKey, Severity: high, Line: 2}
	in := func(inner string) []Finding {
		f := key
		f.Inner = inner
		return []Finding{f}
	}
	at := func(line int) Finding {
		f := key
		f.Line = line
		return f
	}
	xz, bz := unbase64(t, xzSecret), unbase64(t, bzip2Secret)
	for name, tt := range map[string]struct {
		data string
		want []Finding
	}{
		"gzip":                   {gz(t, secret), in("")},
		"gzip in parts":          {gz(t, "nothing\n") + gz(t, secret), []Finding{at(3)}},
		"zstd":                   {zst(t, secret), in("")},
		"xz":                     {xz, in("")},
		"bzip2":                  {bz, in("")},
		"tar":                    {tarOf(t, "a", "nothing", "b/key", secret), in("!b/key")},
		"after a tar's end":      {tarOf(t, "a", "nothing") + secret, []Finding{at(2)}},
		"zip":                    {zipOf(t, "a", "nothing", "b/key", secret), in("!b/key")},
		"zip after a program":    {"\x7fELF program " + zipOf(t, "b/key", secret), in("!b/key")},
		"tar, zstd":              {zst(t, tarOf(t, "key", secret)), in("!key")},
		"tar of all":             {tarOf(t, "a", gz(t, secret), "b", xz, "c", bz, "d", zst(t, secret), "e", zipOf(t, "f", secret)), slices.Concat(in("!a"), in("!b"), in("!c"), in("!d"), in("!e!f"))},
		"zip in tar in gzip":     {gz(t, tarOf(t, "deep.zip", zipOf(t, "k.gz", gz(t, secret)))), in("!deep.zip!k.gz")},
		"cut gzip":               {gz(t, secret+string(letterBytes(9000)))[:4000], in("")},
		"broken tar":             {tarOf(t, "key", secret)[:1024+512] + strings.Repeat("x", 2000), in("!key")},
		"only looks like gzip":   {"\x1f\x8b\x08" + secret, in("")},
		"only looks like a tar":  {strings.Repeat("x", 257) + "ustar\n" + secret, []Finding{at(3)}},
		"in a tar and beside it": {tarOf(t, "key", secret) + strings.Replace(secret, "Test", "Best", 1), []Finding{at(5), in("!key")[0]}},
		"only looks like a zip":  {"PK\x03\x04\n" + secret, []Finding{at(3)}},
		"nothing in it":          {gz(t, tarOf(t, "a", "nothing")), nil},
		"a zip that is stored":   {zipOf(t, "a", "nothing"), nil},
	} {
		if found := all(t, Limits{}, tt.data); !slices.Equal(found, tt.want) {
			t.Errorf("%s: %+v, want %+v", name, found, tt.want)
		}
	}
	if found, err := New(Limits{}).Bytes(t.Context(), "f", []byte(xz), false); err != nil || len(found) > 0 {
		t.Errorf("not unpacked: %+v, %v", found, err)
	}
}

// TestBombs: what is beyond a limit is not looked into, and that is told; what
// was found before stays.
func TestBombs(t *testing.T) {
	nested := func(depth int) string {
		data := secret
		for range depth {
			data = gz(t, data)
		}
		return data
	}
	sealed := zipOf(t, "key", secret)
	sealed = strings.ReplaceAll(sealed, "PK\x01\x02\x14\x00\x14\x00\x08", "PK\x01\x02\x14\x00\x14\x00\x09")
	odd := strings.ReplaceAll(zipOf(t, "key", secret), "\x14\x00\x14\x00\x08\x00\x08\x00", "\x14\x00\x14\x00\x08\x00\x63\x00")
	// RFC 8878, 3.1.1: a window of 2^28 bytes, and a raw block.
	const window = "\x28\xb5\x2f\xfd\x00\x90\x21\x00\x00test"
	for name, tt := range map[string]struct {
		data  string
		l     Limits
		title string // "" where the key is found
	}{
		"deep enough":      {nested(3), Limits{Depth: 3}, ""},
		"too deep":         {nested(4), Limits{Depth: 3}, "more than 3 archives deep"},
		"entries":          {tarOf(t, "a", "", "b", "", "c", gz(t, secret)), Limits{Entries: 2}, "more than 2 entries"},
		"entries of a zip": {zipOf(t, "a", "", "b", "", "c", secret), Limits{Entries: 2}, "more than 2 entries"},
		"bytes":            {gz(t, strings.Repeat("\x00", 4<<20)+secret), Limits{Bytes: 1 << 20}, "more than 1048576 bytes unpacked"},
		"bytes, just":      {gz(t, secret+strings.Repeat("\x00", 1<<20-len(secret))), Limits{Bytes: 1 << 20}, ""},
		"memory":           {window, Limits{}, "it needs too much memory"},
		"sealed zip":       {sealed, Limits{}, "encrypted"},
		"odd zip":          {odd, Limits{}, "packed in a way that is not known"},
	} {
		found := all(t, tt.l, tt.data)
		if tt.title == "" {
			if len(found) != 1 || found[0].Rule != PrivateKey {
				t.Errorf("%s: %+v", name, found)
			}
			continue
		}
		if !slices.ContainsFunc(found, func(f Finding) bool {
			return f.Rule == "unread-archive" && f.Severity == medium && strings.HasSuffix(f.Title, ": "+tt.title)
		}) || slices.ContainsFunc(found, func(f Finding) bool { return f.Rule == PrivateKey }) {
			t.Errorf("%s: %+v", name, found)
		}
	}
	both := all(t, Limits{Entries: 1}, tarOf(t, "key", secret, "b", ""))
	if len(both) != 2 || both[0].Rule != "unread-archive" || both[1].Inner != "!key" {
		t.Errorf("what was found before the limit: %+v", both)
	}
}

// TestReadersFail: an error of the file itself is one, and the end of the
// context too; an error of what is packed in it is none.
func TestReadersFail(t *testing.T) {
	s := New(Limits{})
	bad := errors.New("bad block")
	for _, data := range []string{"plain", gz(t, secret), tarOf(t, "a", secret)} {
		r := io.MultiReader(strings.NewReader(data[:len(data)/2]), iotest.ErrReader(bad))
		if _, err := s.Stream(t.Context(), "f", r, true); !errors.Is(err, bad) {
			t.Errorf("%.10q: %v", data, err)
		}
	}
	ended, cancel := context.WithCancel(t.Context())
	cancel()
	for _, data := range []string{"plain", gz(t, secret), tarOf(t, "a", secret), zipOf(t, "a", secret)} {
		if _, err := s.Stream(ended, "f", strings.NewReader(data), true); !errors.Is(err, context.Canceled) {
			t.Errorf("%.10q: %v", data, err)
		}
	}
}

// TestManyFindings: a file made to be all findings does not fill the memory,
// and hides no other behind them without a word.
func TestManyFindings(t *testing.T) {
	found := all(t, Limits{}, gz(t, strings.Repeat("AGE-SECRET-KEY-1"+strings.Repeat("Q", 58)+"\n", 1000)+secret))
	if len(found) != maxFound+1 || found[0].Rule != "more-secrets" {
		t.Errorf("%d findings, %+v first", len(found), found[0])
	}
}
