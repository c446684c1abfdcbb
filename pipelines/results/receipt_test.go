package results

import (
	"fmt"
	"io"
	"os"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/bakelite/bakelite/internal/artifact"
	"github.com/bakelite/bakelite/internal/digests"
	"github.com/bakelite/bakelite/internal/fault"
	"github.com/bakelite/bakelite/internal/oci"
	"github.com/bakelite/bakelite/internal/vouch"
	"github.com/bakelite/bakelite/internal/vouch/vouchtest"
)

func disk(t *testing.T, dir, name string) artifact.Artifact {
	t.Helper()
	path := filepath.Join(dir, name)
	if err := os.WriteFile(path, []byte("disk"), 0o600); err != nil {
		t.Fatal(err)
	}
	return artifact.Artifact{Kind: artifact.Disk, Format: filepath.Ext(name)[1:], Path: path, Size: 4}
}

// TestReceiptKeepsTheOtherKind builds a container after a disk of the same key.
func TestReceiptKeepsTheOtherKind(t *testing.T) {
	made := disk(t, t.TempDir(), "web.qcow2")
	image := artifact.Artifact{Kind: artifact.Container, Format: "archive", Path: made.Path, Size: 4}
	old := Receipt{
		Made: time.Now().Add(time.Minute), Artifacts: []artifact.Artifact{made, image},
		Tests: map[string]Tested{artifact.Disk: {BootSeconds: 3}, artifact.Container: {MemoryBytes: 1}},
	}
	image.Digest = "new"
	r := Receipt{Made: old.Made, Artifacts: []artifact.Artifact{image}, Tests: map[string]Tested{}, TestsSkipped: true}.With(old)
	both := []string{artifact.Container, artifact.Disk}
	if len(r.Artifacts) != 2 || r.Artifacts[0] != image || r.Artifacts[1] != made || r.Tests[artifact.Disk].BootSeconds != 3 || !r.TestsSkipped {
		t.Errorf("the receipt says %+v", r)
	}
	for _, tt := range []struct {
		kinds    []string
		untested bool
		serves   bool
	}{
		{both[1:], false, true},
		{both[:1], false, false}, // not tested
		{both[:1], true, true},
		{both, false, false},
		{both, true, true},
	} {
		if got := r.Serves(tt.kinds, tt.untested); got != tt.serves {
			t.Errorf("%+v is served: %v", tt, got)
		}
	}
	if (Receipt{}).Serves(both, false) || r.Of(both[:1]).Serves(both, true) {
		t.Error("a receipt serves what it does not hold")
	}
	if err := os.WriteFile(made.Path, []byte("other disk"), 0o600); err != nil {
		t.Fatal(err)
	}
	if r := (Receipt{Artifacts: []artifact.Artifact{image}, Tests: map[string]Tested{}}).With(old); len(r.Artifacts) != 1 {
		t.Errorf("the receipt keeps a disk that is another by now: %+v", r)
	}
}

// TestReceiptGoesWithItsFolder: a receipt speaks of what stands beside it, not
// of where that stood when it was made.
func TestReceiptGoesWithItsFolder(t *testing.T) {
	old, f := t.TempDir(), Folder{Path: t.TempDir()}
	made := disk(t, old, "web.qcow2")
	image := artifact.Artifact{Kind: artifact.Container, Format: "layout", Path: filepath.Join(old, "web.oci"), Digest: "sha256:1"}
	image.Ref = image.Path + "@" + image.Digest
	if err := f.WriteReceipt(&Receipt{App: "web", Made: time.Now().Add(time.Minute), Artifacts: []artifact.Artifact{image, made}}); err != nil {
		t.Fatal(err)
	}
	asked := []string{artifact.Disk}
	r, _ := f.Receipt("web")
	if r.Serves(asked, true) {
		t.Error("a disk in another folder counts")
	}
	moved := disk(t, f.Path, "web.qcow2")
	if r, _ = f.Receipt("web"); !r.Serves(asked, true) || r.Artifacts[1] != moved {
		t.Errorf("the receipt says %+v", r)
	}
	if want := filepath.Join(f.Path, "web.oci"); r.Artifacts[0].Path != want || r.Artifacts[0].Ref != want+"@sha256:1" {
		t.Errorf("the receipt says %+v", r.Artifacts[0])
	}
}

// TestReceiptThatIsNone: what stands at a receipt's place and is none is told
// from a build that never was, and neither is read without a limit.
func TestReceiptThatIsNone(t *testing.T) {
	put := func(text string) func(path string) error {
		return func(path string) error { return os.WriteFile(path, []byte(text), 0o600) }
	}
	const good = `{"apiVersion":"bakelite.dev/v1","kind":"Receipt","app":"web"%s}`
	for name, tt := range map[string]struct {
		put  func(path string) error
		kind fault.Kind // 0 for none
		says string
	}{
		"a receipt":           {put(fmt.Sprintf(good, "")), 0, ""},
		"none":                {func(string) error { return nil }, fault.Missing, "nothing was built yet"},
		"nothing in it":       {put(""), fault.Invalid, "is not a receipt"},
		"a publication":       {put(`{"apiVersion":"bakelite.dev/v1","kind":"Publication","app":"web"}`), fault.Invalid, "is not a receipt"},
		"a later version":     {put(`{"apiVersion":"bakelite.dev/v2","kind":"Receipt"}`), fault.Invalid, "of this version"},
		"more than is known":  {put(fmt.Sprintf(good, `,"skipGate":true`)), fault.Invalid, "is not a receipt"},
		"more than is read":   {put(fmt.Sprintf(good, strings.Repeat(" ", maxReceipt))), fault.Invalid, "larger than the limit"},
		"a folder":            {func(path string) error { return os.Mkdir(path, 0o700) }, fault.Invalid, "not a regular file"},
		"a pipe, and no one":  {func(path string) error { return syscall.Mkfifo(path, 0o600) }, fault.Invalid, "not a regular file"},
		"a link that is lost": {func(path string) error { return os.Symlink("gone", path) }, fault.Missing, "nothing was built yet"},
	} {
		t.Run(name, func(t *testing.T) {
			f := Folder{Path: t.TempDir(), Vouch: vouchtest.Key(t)}
			must(t, tt.put(f.ReceiptPath("web")))
			r, err := f.Receipt("web")
			if (err == nil) != (tt.kind == 0) || err != nil && (fault.KindOf(err) != tt.kind || !strings.Contains(err.Error(), tt.says)) {
				t.Errorf("ended with %v (%v), want %q", err, fault.KindOf(err), tt.says)
			}
			if (r.App == "web") != (tt.kind == 0) || (r.Digest() != "") != (tt.kind == 0) {
				t.Errorf("it says %+v", r)
			}
		})
	}
}

// TestReceiptIsNotedFirst: a receipt that nobody can vouch for is not written,
// and the one of before stays; one that cannot be written is an error.
func TestReceiptIsNotedFirst(t *testing.T) {
	state := t.TempDir()
	key, err := vouch.Open(state)
	must(t, err)
	f := Folder{Path: t.TempDir(), Vouch: key}
	must(t, f.WriteReceipt(&Receipt{App: "web", Key: "old"}))
	notes := filepath.Join(state, "vouched")
	must(t, os.Rename(notes, notes+".kept"))
	must(t, os.WriteFile(notes, nil, 0o600))
	if err := f.WriteReceipt(&Receipt{App: "web", Key: "new"}); err == nil {
		t.Error("nobody vouches for it")
	}
	must(t, os.Remove(notes))
	must(t, os.Rename(notes+".kept", notes))
	old, foreign := f.Vouched("web")
	if foreign || old.Key != "old" {
		t.Errorf("there is %+v, by others: %t", old, foreign)
	}
	f.Path = filepath.Join(f.Path, "none")
	if err := f.WriteReceipt(&Receipt{App: "web"}); err == nil || !strings.Contains(err.Error(), "writing receipt") {
		t.Errorf("without a folder: %v", err)
	}
}

// TestReceiptDigest: who wrote a receipt and who reads it know it by the same
// digest, that of its file.
func TestReceiptDigest(t *testing.T) {
	f := Folder{Path: t.TempDir(), Vouch: vouchtest.Key(t)}
	written := Receipt{App: "web", Key: "<key>"}
	if written.Digest() != "" {
		t.Error("it has a digest before it is written")
	}
	must(t, f.WriteReceipt(&written))
	read, err := f.Receipt("web")
	must(t, err)
	text, err := os.ReadFile(f.ReceiptPath("web"))
	must(t, err)
	if written.Digest() != read.Digest() || read.Digest() != digests.Of(text) {
		t.Errorf("written is %s, read %s, and the file is %s", written.Digest(), read.Digest(), digests.Of(text))
	}
}

// TestForget: a receipt is gone once, and what cannot be removed is told, for
// it would speak of what is being replaced.
func TestForget(t *testing.T) {
	f := Folder{Path: t.TempDir(), Vouch: vouchtest.Key(t)}
	must(t, f.WriteReceipt(&Receipt{App: "web"}))
	must(t, f.WriteReceipt(&Receipt{App: "shop"}))
	for range 2 {
		must(t, f.Forget("web"))
		if _, err := f.Receipt("web"); fault.KindOf(err) != fault.Missing {
			t.Errorf("it is still there: %v", err)
		}
	}
	if _, err := f.Receipt("shop"); err != nil {
		t.Errorf("another app's is gone: %v", err)
	}
	must(t, os.MkdirAll(filepath.Join(f.ReceiptPath("web"), "below"), 0o700))
	if err := f.Forget("web"); err == nil || !strings.Contains(err.Error(), "removing old receipt") {
		t.Errorf("ended with %v", err)
	}
}

// TestHolds: an artifact that is gone, cut off, grown, or younger than its
// receipt is not there any more, be it a disk or a blob of an image.
func TestHolds(t *testing.T) {
	blobs := func(dir string) []string {
		found, _ := filepath.Glob(filepath.Join(dir, "web.oci/blobs/sha256/*"))
		return found
	}
	raw := func(dir string) string { return filepath.Join(dir, "web.raw") }
	for name, tt := range map[string]struct {
		harm  func(dir string) error
		holds bool
	}{
		"all of it":           {func(string) error { return nil }, true},
		"no disk":             {func(dir string) error { return os.Remove(raw(dir)) }, false},
		"a shorter disk":      {func(dir string) error { return os.Truncate(raw(dir), 3) }, false},
		"a longer disk":       {func(dir string) error { return os.Truncate(raw(dir), 5) }, false},
		"a younger disk":      {func(dir string) error { return os.Chtimes(raw(dir), time.Time{}, time.Now().Add(time.Hour)) }, false},
		"no layout":           {func(dir string) error { return os.RemoveAll(filepath.Join(dir, "web.oci")) }, false},
		"no blob of an image": {func(dir string) error { return os.Remove(blobs(dir)[0]) }, false},
		"a blob that is cut":  {func(dir string) error { return os.Truncate(blobs(dir)[0], 1) }, false},
	} {
		t.Run(name, func(t *testing.T) {
			dir := t.TempDir()
			layout := filepath.Join(dir, "web.oci")
			digest, err := oci.WriteImage(layout, "linux/amd64", io.NopCloser(strings.NewReader("layer")))
			must(t, err)
			size, err := oci.Size(layout, digest)
			must(t, err)
			image := artifact.Artifact{Kind: artifact.Container, Format: "layout", Path: layout, Digest: digest, Size: size}
			r := Receipt{Made: time.Now().Add(time.Minute), Artifacts: []artifact.Artifact{image, disk(t, dir, "web.raw")}}
			must(t, tt.harm(dir))
			if r.Holds() != tt.holds {
				t.Errorf("it holds: %t", r.Holds())
			}
			r.Artifacts[0].Size++
			if r.Holds() {
				t.Error("an image of another size holds")
			}
		})
	}
}
