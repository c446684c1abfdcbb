package database_test

import (
	"archive/tar"
	"bytes"
	"compress/gzip"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/opencontainers/go-digest"

	"github.com/bakelite/bakelite/internal/fault"
	"github.com/bakelite/bakelite/internal/registry"
	"github.com/bakelite/bakelite/internal/vouch/vouchtest"
	"github.com/bakelite/bakelite/scan/database"
)

var now = time.Date(2026, 11, 24, 12, 0, 0, 0, time.UTC)

type entry struct {
	name string
	text string
	kind byte
}

func good() []entry { return updated(now.Add(-time.Hour)) }

func updated(at time.Time) []entry {
	return []entry{{"trivy.db", "the facts", tar.TypeReg}, {"metadata.json", metadataOf(2, at), tar.TypeReg}}
}

func metadataOf(version int, at time.Time) string {
	return fmt.Sprintf(`{"Version":%d,"NextUpdate":"2026-11-25T00:00:00Z","UpdatedAt":%q,"DownloadedAt":"0001-01-01T00:00:00Z"}`, version, at.Format(time.RFC3339Nano))
}

func pack(t *testing.T, entries []entry) []byte {
	t.Helper()
	var packed bytes.Buffer
	z := gzip.NewWriter(&packed)
	w := tar.NewWriter(z)
	for _, e := range entries {
		h := &tar.Header{Name: e.name, Mode: 0o644, Size: int64(len(e.text)), Typeflag: e.kind}
		if e.kind == tar.TypeSymlink {
			h.Size, h.Linkname = 0, e.text
		}
		if err := w.WriteHeader(h); err != nil {
			t.Fatal(err)
		}
		if e.kind == tar.TypeReg {
			_, _ = w.Write([]byte(e.text))
		}
	}
	if err := errors.Join(w.Close(), z.Close()); err != nil {
		t.Fatal(err)
	}
	return packed.Bytes()
}

// artifact puts a database into a layout under the tag 2, and returns the
// layout's folder and the manifest's digest.
func artifact(t *testing.T, layer []byte, change func(map[string]any)) (dir string, d digest.Digest) {
	t.Helper()
	dir = filepath.Join(t.TempDir(), "layout")
	s := registry.Layout(dir)
	put := func(mediaType string, content []byte) map[string]any {
		d := registry.Descriptor{MediaType: mediaType, Digest: digest.FromBytes(content), Size: int64(len(content))}
		open := func(context.Context) (io.ReadCloser, error) { return io.NopCloser(bytes.NewReader(content)), nil }
		if err := s.PutBlob(t.Context(), registry.Blob{Descriptor: d, Open: open}); err != nil {
			t.Fatal(err)
		}
		return map[string]any{"mediaType": mediaType, "digest": d.Digest, "size": d.Size}
	}
	manifest := map[string]any{
		"schemaVersion": 2, "mediaType": "application/vnd.oci.image.manifest.v1+json",
		"config": put("application/vnd.aquasec.trivy.config.v1+json", []byte("{}")),
		"layers": []any{put("application/vnd.aquasec.trivy.db.layer.v1.tar+gzip", layer)},
	}
	if change != nil {
		change(manifest)
	}
	text, err := json.Marshal(manifest)
	if err != nil {
		t.Fatal(err)
	}
	m := registry.Manifest{Descriptor: registry.Descriptor{MediaType: "application/vnd.oci.image.manifest.v1+json", Digest: digest.FromBytes(text), Size: int64(len(text))}, Content: text}
	if _, err := s.PutManifest(t.Context(), m); err != nil {
		t.Fatal(err)
	}
	if err := s.SetTag(t.Context(), registry.TagRequest{Name: "2", Manifest: m}); err != nil {
		t.Fatal(err)
	}
	return dir, m.Digest
}

func folder(t *testing.T, entries []entry) string {
	t.Helper()
	dir := t.TempDir()
	for _, e := range entries {
		if err := os.WriteFile(filepath.Join(dir, e.name), []byte(e.text), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	return dir
}

func TestFetchArtifact(t *testing.T) {
	dir, d := artifact(t, pack(t, good()), nil)
	for _, ref := range []string{registry.LayoutPrefix + dir + ":2", registry.LayoutPrefix + dir, dir, registry.LayoutPrefix + dir + "@" + d.String()} {
		o := database.Options{Ref: ref, State: t.TempDir(), MaxAge: 2 * time.Hour, Now: now}
		got, err := database.Fetch(t.Context(), o)
		if err != nil {
			t.Fatalf("%s: %v", ref, err)
		}
		if got.Digest != d.String() || got.Ref != ref || !got.Updated.Equal(now.Add(-time.Hour)) || got.Dir != filepath.Join(o.State, d.Encoded()) {
			t.Errorf("got %+v, want the digest %s and the time of the metadata", got, d)
		}
		if text, err := os.ReadFile(filepath.Join(got.Dir, "trivy.db")); err != nil || string(text) != "the facts" {
			t.Errorf("the database holds %q (%v)", text, err)
		}
		if entries, _ := os.ReadDir(o.State); len(entries) != 1 {
			t.Errorf("the state has %d entries, want the one database", len(entries))
		}
	}
}

// What is there is not fetched again, and a pinned one needs no registry.
func TestFetchOnce(t *testing.T) {
	dir, d := artifact(t, pack(t, good()), nil)
	o := database.Options{Ref: dir, State: t.TempDir(), Now: now, Digest: d.String(), Vouch: vouchtest.Key(t)}
	first, err := database.Fetch(t.Context(), o)
	if err != nil {
		t.Fatal(err)
	}
	if err := os.RemoveAll(dir); err != nil {
		t.Fatal(err)
	}
	o.Ref = registry.LayoutPrefix + dir
	second, err := database.Fetch(t.Context(), o)
	if err != nil || second.Dir != first.Dir {
		t.Errorf("got %+v and %v, want what is there", second, err)
	}
}

// TestSwappedDatabase empties the database that lies in the state folder: it
// is fetched again, and where that is not possible nothing is there.
func TestSwappedDatabase(t *testing.T) {
	dir, d := artifact(t, pack(t, good()), nil)
	o := database.Options{Ref: dir, State: t.TempDir(), Now: now, Digest: d.String(), Vouch: vouchtest.Key(t)}
	fetched, err := database.Fetch(t.Context(), o)
	if err != nil {
		t.Fatal(err)
	}
	for _, name := range []string{"trivy.db", "metadata.json"} {
		path := filepath.Join(fetched.Dir, name)
		was, err := os.ReadFile(path)
		if err == nil {
			err = os.WriteFile(path, []byte("nothing"), 0o600)
		}
		if err != nil {
			t.Fatal(err)
		}
		if _, err := database.Fetch(t.Context(), o); err != nil {
			t.Errorf("%s: %v", name, err)
		}
		if is, err := os.ReadFile(path); err != nil || string(is) != string(was) {
			t.Errorf("%s is %q (%v)", name, is, err)
		}
	}
	o.Vouch = vouchtest.Key(t)
	o.Ref = registry.LayoutPrefix + t.TempDir()
	if got, err := database.Fetch(t.Context(), o); fault.KindOf(err) != fault.Missing {
		t.Errorf("what another state folder fetched counts: %+v, %v", got, err)
	}
}

func TestFetchFolder(t *testing.T) {
	dir := folder(t, good())
	o := database.Options{Ref: dir, Now: now, MaxAge: 2 * time.Hour}
	got, err := database.Fetch(t.Context(), o)
	if err != nil || got.Dir != dir {
		t.Fatalf("got %+v and %v", got, err)
	}
	lines := fmt.Sprintf("%s  trivy.db\n%s  metadata.json\n", digest.FromString(good()[0].text).Encoded(), digest.FromString(good()[1].text).Encoded())
	if want := digest.FromString(lines).String(); got.Digest != want {
		t.Errorf("got the digest %s, want that of sha256sum's lines, %s", got.Digest, want)
	}
	o.Digest = got.Digest
	if _, err := database.Fetch(t.Context(), o); err != nil {
		t.Errorf("pinned to what it is: %v", err)
	}
	o.Digest = digest.FromString("other").String()
	if _, err := database.Fetch(t.Context(), o); fault.KindOf(err) != fault.Integrity {
		t.Errorf("pinned to another one: got %v, want an integrity fault", err)
	}
}

// Nothing that is not a fresh, whole database of Trivy's form is taken.
func TestFetchRefuses(t *testing.T) {
	one := good()
	tests := map[string]struct {
		layer  []byte
		change func(map[string]any)
		kind   fault.Kind
	}{
		"stale":               {layer: pack(t, updated(now.Add(-72*time.Hour))), kind: fault.Policy},
		"from the future":     {layer: pack(t, updated(now.Add(72*time.Hour))), kind: fault.Integrity},
		"no date":             {layer: pack(t, []entry{one[0], {"metadata.json", `{"Version":2}`, tar.TypeReg}}), kind: fault.Integrity},
		"another form":        {layer: pack(t, []entry{one[0], {"metadata.json", metadataOf(1, now), tar.TypeReg}}), kind: fault.Integrity},
		"metadata nonsense":   {layer: pack(t, []entry{one[0], {"metadata.json", "nonsense", tar.TypeReg}}), kind: fault.Integrity},
		"no metadata":         {layer: pack(t, one[:1]), kind: fault.Missing},
		"no facts":            {layer: pack(t, one[1:]), kind: fault.Missing},
		"empty facts":         {layer: pack(t, []entry{{"trivy.db", "", tar.TypeReg}, one[1]}), kind: fault.Missing},
		"another file":        {layer: pack(t, append(good(), entry{"run.sh", "", tar.TypeReg})), kind: fault.Integrity},
		"climbing name":       {layer: pack(t, append(good(), entry{"../trivy.db", "x", tar.TypeReg})), kind: fault.Integrity},
		"a file twice":        {layer: pack(t, append(good(), one[0])), kind: fault.Integrity},
		"a link":              {layer: pack(t, []entry{{"trivy.db", "/etc/passwd", tar.TypeSymlink}, one[1]}), kind: fault.Integrity},
		"metadata too large":  {layer: pack(t, []entry{one[0], {"metadata.json", strings.Repeat(" ", 65<<10), tar.TypeReg}}), kind: fault.Integrity},
		"not packed":          {layer: []byte("plain"), kind: fault.Integrity},
		"cut":                 {layer: pack(t, good())[:40], kind: fault.Integrity},
		"much after the end":  {layer: append(pack(t, good()), pack(t, []entry{{"x", strings.Repeat(" ", 3<<20), tar.TypeReg}})...), kind: fault.Integrity},
		"config of an image":  {layer: pack(t, good()), change: func(m map[string]any) { m["config"].(map[string]any)["mediaType"] = "application/x" }, kind: fault.Integrity},
		"two layers":          {layer: pack(t, good()), change: func(m map[string]any) { m["layers"] = append(m["layers"].([]any), m["layers"].([]any)[0]) }, kind: fault.Integrity},
		"layer too large":     {layer: pack(t, good()), change: func(m map[string]any) { m["layers"].([]any)[0].(map[string]any)["size"] = int64(3 << 30) }, kind: fault.Integrity},
		"layer of other size": {layer: pack(t, good()), change: func(m map[string]any) { m["layers"].([]any)[0].(map[string]any)["size"] = 99 }, kind: fault.Integrity},
	}
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			dir, _ := artifact(t, tt.layer, tt.change)
			state := t.TempDir()
			_, err := database.Fetch(t.Context(), database.Options{Ref: dir, State: state, Now: now, MaxAge: 48 * time.Hour})
			if err == nil || fault.KindOf(err) != tt.kind || !strings.Contains(fault.HintOf(err), "scanner.database") {
				t.Errorf("got %v (kind %d, hint %q), want kind %d and a hint", err, fault.KindOf(err), fault.HintOf(err), tt.kind)
			}
			if entries, _ := os.ReadDir(state); len(entries) > 0 && tt.kind != fault.Policy && name != "from the future" {
				t.Errorf("it left %v", entries)
			}
		})
	}
}

func TestFetchFindsNone(t *testing.T) {
	dir, d := artifact(t, pack(t, good()), nil)
	other := digest.FromString("other").String()
	for name, tt := range map[string]struct {
		o    database.Options
		kind fault.Kind
	}{
		"not set":               {database.Options{}, fault.Missing},
		"no such folder":        {database.Options{Ref: registry.LayoutPrefix + "/nowhere"}, fault.Missing},
		"empty folder":          {database.Options{Ref: t.TempDir()}, fault.Missing},
		"no such tag":           {database.Options{Ref: registry.LayoutPrefix + dir + ":3"}, fault.Missing},
		"pinned to another one": {database.Options{Ref: dir, Digest: other}, fault.Missing},
		"pinned twice":          {database.Options{Ref: registry.LayoutPrefix + dir + "@" + d.String(), Digest: other}, fault.Integrity},
		"pinned to nonsense":    {database.Options{Ref: dir, Digest: "nonsense"}, fault.Invalid},
		"registry not there":    {database.Options{Ref: "127.0.0.1:1/db:2", Registry: registry.Options{FirstWait: time.Millisecond, MaxWait: time.Millisecond}}, fault.Network},
	} {
		t.Run(name, func(t *testing.T) {
			tt.o.State, tt.o.Now = t.TempDir(), now
			if _, err := database.Fetch(t.Context(), tt.o); err == nil || fault.KindOf(err) != tt.kind {
				t.Errorf("got %v (kind %d), want kind %d", err, fault.KindOf(err), tt.kind)
			}
		})
	}
}

// A layer that was changed on the way is found out at its end.
func TestFetchDamagedLayer(t *testing.T) {
	layer := pack(t, good())
	dir, _ := artifact(t, layer, nil)
	other := pack(t, []entry{{"trivy.db", "the lies!", tar.TypeReg}, good()[1]})
	other = append(other, make([]byte, max(0, len(layer)-len(other)))...)
	if err := os.WriteFile(filepath.Join(dir, "blobs", "sha256", digest.FromBytes(layer).Encoded()), other[:len(layer)], 0o600); err != nil {
		t.Fatal(err)
	}
	if _, err := database.Fetch(t.Context(), database.Options{Ref: dir, State: t.TempDir(), Now: now}); fault.KindOf(err) != fault.Integrity {
		t.Errorf("got %v, want an integrity fault", err)
	}
}

func TestFetchByMany(t *testing.T) {
	dir, _ := artifact(t, pack(t, good()), nil)
	o := database.Options{Ref: dir, State: t.TempDir(), Now: now, Vouch: vouchtest.Key(t)}
	errs := make([]error, 8)
	var group sync.WaitGroup
	for i := range errs {
		group.Go(func() { _, errs[i] = database.Fetch(context.Background(), o) })
	}
	group.Wait()
	if err := errors.Join(errs...); err != nil {
		t.Fatal(err)
	}
	if entries, _ := os.ReadDir(o.State); len(entries) != 1 {
		t.Errorf("the state has %d entries, want the one database", len(entries))
	}
}

// Databases that nobody used for long make room for newer ones.
func TestFetchCleans(t *testing.T) {
	dir, _ := artifact(t, pack(t, good()), nil)
	second, d := artifact(t, pack(t, updated(now)), nil)
	o := database.Options{Ref: dir, State: t.TempDir(), Now: now, Vouch: vouchtest.Key(t)}
	fetched, err := database.Fetch(t.Context(), o)
	if err != nil {
		t.Fatal(err)
	}
	ages := map[string]time.Duration{
		filepath.Base(fetched.Dir):          100 * time.Hour,
		digest.FromString("old").Encoded():  100 * time.Hour,
		digest.FromString("used").Encoded(): time.Hour,
		"fetching-killed":                   time.Hour,
		"fetching-now":                      time.Second,
	}
	for name, age := range ages {
		path, then := filepath.Join(o.State, name), time.Now().Add(-age)
		if err := errors.Join(os.MkdirAll(path, 0o700), os.Chtimes(path, then, then)); err != nil {
			t.Fatal(err)
		}
	}
	for _, o.Ref = range []string{dir, second} { // the first marks its own as used
		if _, err := database.Fetch(t.Context(), o); err != nil {
			t.Fatal(err)
		}
	}
	want := []string{filepath.Base(fetched.Dir), digest.FromString("used").Encoded(), "fetching-now", d.Encoded()}
	slices.Sort(want)
	if got := names(t, o.State); !slices.Equal(got, want) {
		t.Errorf("there are %q, want %q", got, want)
	}
}

// names lists what stands in a folder, sorted.
func names(t *testing.T, dir string) (all []string) {
	t.Helper()
	entries, err := os.ReadDir(dir)
	if err != nil {
		t.Fatal(err)
	}
	for _, e := range entries {
		all = append(all, e.Name())
	}
	return all
}
