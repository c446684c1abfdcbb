package lock_test

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"reflect"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/bakelite/bakelite/internal/fault"
	"github.com/bakelite/bakelite/internal/lock"
	"github.com/bakelite/bakelite/internal/strict"
)

const digest = "0123456789012345678901234567890123456789012345678901234567890123"

func pin(name, version string) lock.Pin {
	return lock.Pin{Name: name, Version: version, Arch: "amd64", Archive: "debian", Path: "pool/main/" + name + "_" + strings.ReplaceAll(version, ":", "%3a") + ".deb", SHA256: digest, Size: 42}
}

func built(p lock.Pin, source, version string) lock.Pin {
	p.Source, p.SourceVersion = source, version
	return p
}

func sample() *lock.Lock {
	return &lock.Lock{
		APIVersion: lock.APIVersion, Kind: "Lock", App: "web", Bakelite: "1.0.0", Platform: "linux/amd64", Inputs: "sha256:" + digest,
		Base:         &lock.Image{Ref: "example.org/base:1", Digest: "sha256:" + digest},
		Images:       []lock.Image{{Ref: "example.org/a:1", Digest: "sha256:" + digest}, {Ref: "example.org/b:2", Digest: "sha256:" + digest}},
		Distribution: &lock.Distribution{Name: "debian", Release: "13"},
		Archives: []lock.Archive{
			{Name: "debian", Suite: "trixie", InRelease: digest, Date: time.Date(2026, 11, 21, 9, 15, 44, 0, time.UTC)},
			{Name: "debian-security", Suite: "trixie-security", InRelease: digest, Date: time.Date(2026, 11, 22, 0, 0, 0, 0, time.UTC)},
		},
		Files: []lock.File{{Path: "a b: c.conf", SHA256: digest, Executable: true}, {Path: "site/index.html", SHA256: digest}},
		Packages: lock.Layers{
			Image: []lock.Installed{
				{Name: "libc6", Version: "2.41-12", Arch: "amd64", Source: "glibc"},
				{Name: "libc6", Version: "2.41-12", Arch: "i386", Source: "glibc", SourceVersion: "2.41-11"},
				{Name: "no", Version: "1.0", Arch: "all"},
			},
			Seed:    []lock.Pin{pin("apt", "3.0.4"), built(pin("tar", "1:1.35+dfsg~1-3.1"), "null", "1:1.35+dfsg~1-3")},
			App:     []lock.Pin{pin("0ad", "5e3"), pin("null", "1.0")},
			Machine: []lock.Pin{pin("0ad", "5e3")},
		},
	}
}

func TestMarshalReadsBackTheSame(t *testing.T) {
	path := filepath.Join(t.TempDir(), "app.lock")
	if err := lock.Write(path, sample()); err != nil {
		t.Fatal(err)
	}
	got, err := lock.Read(path)
	if err != nil {
		t.Fatal(err)
	}
	if !reflect.DeepEqual(got, sample()) {
		t.Errorf("got %+v", got)
	}
	if got.Digest() != sample().Digest() {
		t.Error("the digest differs")
	}
}

// TestRollbackStays: that a lock went back is part of it and of its digest.
func TestRollbackStays(t *testing.T) {
	path := filepath.Join(t.TempDir(), "app.lock")
	back := sample()
	back.Rollback = []lock.Step{{Of: "debian/trixie", From: "2026-11-22T09:15:44Z", To: "2026-11-21T09:15:44Z"}, {Of: "apt:amd64", From: "1:3.0.5", To: "3.0.4"}}
	if err := lock.Write(path, back); err != nil {
		t.Fatal(err)
	}
	got, err := lock.Read(path)
	if err != nil || !reflect.DeepEqual(got, back) || got.Digest() == sample().Digest() {
		t.Errorf("got %+v, %v", got, err)
	}
	back.Rollback[0].From = "\n"
	if err := lock.Write(path, back); err == nil {
		t.Error("wrote a step from nothing that can be read")
	}
}

func TestMarshalIsOneSortedLinePerPackage(t *testing.T) {
	l := sample()
	slices.Reverse(l.Packages.Seed)
	slices.Reverse(l.Packages.Image)
	got, err := l.Marshal()
	if err != nil {
		t.Fatal(err)
	}
	want, err := sample().Marshal()
	if err != nil || string(got) != string(want) {
		t.Errorf("the order of the packages changed the bytes: %v", err)
	}
	if !strings.HasPrefix(string(got), "# ") {
		t.Error("no header")
	}
	line := fmt.Sprintf("    - {name: apt, version: \"3.0.4\", arch: amd64, archive: debian, path: pool/main/apt_3.0.4.deb, sha256: %q, size: 42}\n", digest)
	if !strings.Contains(string(got), line) {
		t.Errorf("no line %s in\n%s", line, got)
	}
	for _, line := range []string{
		`"1:1.35+dfsg~1-3.1", arch: amd64, archive: debian, path: "pool/main/tar_1%3a1.35+dfsg~1-3.1.deb", sha256: "` + digest + `", size: 42, source: "null", sourceVersion: "1:1.35+dfsg~1-3"}`,
		"  image:\n    - {name: libc6, version: \"2.41-12\", arch: amd64, source: glibc}\n", "    - {name: \"no\", version: \"1.0\", arch: all}\n",
		"distribution: {name: debian, release: \"13\"}\n",
	} {
		if !strings.Contains(string(got), line) {
			t.Errorf("no %q in\n%s", line, got)
		}
	}
	if l.Packages.Seed[0].Name != "tar" {
		t.Error("Marshal changed the lock")
	}
}

func TestReadSaysWhatIsWrongAndWhere(t *testing.T) {
	good, err := sample().Marshal()
	if err != nil {
		t.Fatal(err)
	}
	tests := []struct{ name, old, new, want string }{
		{"unknown key", "app: web", "app: web\nplatfrom: x", `:5:1: platfrom: this key is not known; did you mean "platform"?`},
		{"wrong version", `apiVersion: bakelite.dev/v1`, "apiVersion: bakelite.dev/v2", `:2:13: apiVersion: must be "bakelite.dev/v1", not "bakelite.dev/v2"`},
		{"wrong kind", "kind: Lock", "kind: App", ":3:7: kind: must be"},
		{"missing key", "platform: linux/amd64\n", "", "platform: this key is missing"},
		{"bad inputs", "inputs: \"sha256:0", "inputs: \"sha256:X", "inputs: must be"},
		{"bad base digest", "digest: \"sha256:0", "digest: \"sha512:0", ":8:"},
		{"file above", "path: site/index.html", "path: ../index.html", `:18:12: files[1].path: must be a clean path`},
		{"file twice", "path: site/index.html", `path: "a b: c.conf"`, `files[1]: "a b: c.conf" stands there twice`},
		{"unknown layer", "  machine:", "  machin:", `:30:3: packages.machin: this key is not known; did you mean "machine"?`},
		{"layer twice", "  machine:", "  app:", ":30:3: packages.app: this key stands here twice"},
		{"pin without size", ", size: 42}\n    - {name: tar", "}\n    - {name: tar", ":25:7: packages.seed[0].size: this key is missing"},
		{"pin with bad size", ", size: 42}\n    - {name: tar", ", size: -1}\n    - {name: tar", "packages.seed[0].size: must be more than 0"},
		{"pin with unknown key", "- {name: apt,", "- {name: apt, host: x,", ":25:19: packages.seed[0].host: this key is not known"},
		{"pin with unquoted version", `version: "1.0"`, "version: 1.0", "expected a text"},
		{"pin of no archive", "archive: debian,", "archive: other,", `:25:59: packages.seed[0].archive: "other" is not among the archives`},
		{"pin path above", "path: pool/main/apt", "path: pool/../../apt", "packages.seed[0].path: must be a clean path"},
		{"pin twice", `{name: tar, version: "1:1.35+dfsg~1-3.1"`, `{name: apt, version: "2"`, ":26:7: packages.seed[1]: apt:amd64 stands there twice"},
		{"block pin", "    - {name: apt,", "    - name: apt\n      x: {", ":25:7: packages.seed[0]: expected an entry in braces"},
		{"packages in flow", "packages:\n", "packages: {}\n", ":19:1: packages: expected one entry a line"},
		{"archive twice", "{name: debian-security, suite: trixie-security", "{name: debian, suite: trixie", "archives[1]: debian trixie stands there twice"},
		{"bad date", `date: "2026-11-21T09:15:44Z"`, `date: "yesterday"`, "archives[0].date"},
		{"bad release", `release: "13"`, `release: "1 3"`, `:12:39: distribution.release: must be a release, not "1 3"`},
		{"bad source", `source: "null", `, `source: "a b", `, `packages.seed[1].source: must be a package's name, not "a b"`},
		{"bad source version", `sourceVersion: "2.41-11"`, `sourceVersion: "2.41 11"`, `:22:83: packages.image[1].sourceVersion: must be a Debian version`},
		{"image twice", `arch: i386, source`, `arch: amd64, source`, ":22:7: packages.image[1]: libc6:amd64 stands there twice"},
		{"image in part", `, arch: all}`, `}`, ":23:7: packages.image[2].arch: this key is missing"},
		{"alias", "app: web", "app: &a web", ":4:"},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			if !strings.Contains(string(good), test.old) {
				t.Fatalf("%q is not in the sample:\n%s", test.old, good)
			}
			path := filepath.Join(t.TempDir(), "app.lock")
			if err := os.WriteFile(path, []byte(strings.Replace(string(good), test.old, test.new, 1)), 0o600); err != nil {
				t.Fatal(err)
			}
			_, err := lock.Read(path)
			if err == nil || !strings.Contains(err.Error(), test.want) || !strings.Contains(err.Error(), path) {
				t.Fatalf("got %v, want %q", err, test.want)
			}
			if fault.KindOf(err) != fault.Invalid || fault.HintOf(err) == "" {
				t.Errorf("kind %v, hint %q", fault.KindOf(err), fault.HintOf(err))
			}
		})
	}
}

func TestReadGivesAllProblemsAtOnce(t *testing.T) {
	good, _ := sample().Marshal()
	text := strings.NewReplacer("kind: Lock", "kind: App", `sha256: "0`, `sha256: "g`).Replace(string(good))
	path := filepath.Join(t.TempDir(), "app.lock")
	if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
	_, err := lock.Read(path)
	var problems strict.Problems
	if !errors.As(err, &problems) || len(problems) != 8 {
		t.Errorf("got %d problems: %v", len(problems), err)
	}
}

func TestReadMissing(t *testing.T) {
	_, err := lock.Read(filepath.Join(t.TempDir(), "none"))
	if fault.KindOf(err) != fault.Missing {
		t.Errorf("got %v", err)
	}
}

func TestWriteRefusesWhatReadWould(t *testing.T) {
	path := filepath.Join(t.TempDir(), "app.lock")
	if err := lock.Write(path, sample()); err != nil {
		t.Fatal(err)
	}
	bad := sample()
	bad.Packages.App[0].Path = "/etc/passwd"
	if err := lock.Write(path, bad); err == nil {
		t.Error("wrote a lock with an absolute path")
	}
	if _, err := lock.Read(path); err != nil {
		t.Errorf("the old lock is gone: %v", err)
	}
}

func TestEpochIsTheNewestArchive(t *testing.T) {
	if got := sample().Epoch(); !got.Equal(time.Date(2026, 11, 22, 0, 0, 0, 0, time.UTC)) {
		t.Errorf("got %v", got)
	}
	if got := new(lock.Lock).Epoch(); got.Unix() != 0 {
		t.Errorf("got %v", got)
	}
}

func TestDigestFollowsContent(t *testing.T) {
	other := sample()
	other.Packages.Machine[0].Size++
	if other.Digest() == sample().Digest() {
		t.Error("a changed size kept the digest")
	}
}

func TestDiff(t *testing.T) {
	old, now := sample(), sample()
	now.Packages.Seed = []lock.Pin{pin("apt", "3.0.5")}
	now.Packages.App = []lock.Pin{pin("0ad", "6"), pin("null", "1.0"), pin("zsh", "5")}
	now.Packages.Machine = []lock.Pin{pin("0ad", "6")}
	now.Packages.App[1].SHA256 = strings.Repeat("f", 64)
	other := "sha256:" + strings.Repeat("f", 64)
	now.Base = &lock.Image{Ref: old.Base.Ref, Digest: other}
	now.Images = []lock.Image{{Ref: "example.org/a:1", Digest: other}, {Ref: "example.org/c:3", Digest: other}}
	want := []lock.Change{
		{"0ad", "amd64", "5e3", "6", []string{"app", "machine"}, false},
		{"apt", "amd64", "3.0.4", "3.0.5", []string{"seed"}, false},
		{"example.org/a:1", "", "sha256:" + digest, other, []string{"image"}, false},
		{"example.org/b:2", "", "sha256:" + digest, "", []string{"image"}, false},
		{"example.org/base:1", "", "sha256:" + digest, other, []string{"image"}, false},
		{"example.org/c:3", "", "", other, []string{"image"}, false},
		{"null", "amd64", "1.0", "1.0", []string{"app"}, false},
		{"tar", "amd64", "1:1.35+dfsg~1-3.1", "", []string{"seed"}, false},
		{"zsh", "amd64", "", "5", []string{"app"}, false},
	}
	if got := lock.Diff(old, now); !reflect.DeepEqual(got, want) {
		t.Errorf("got %v", got)
	}
	if got := lock.Diff(old, sample()); len(got) != 0 {
		t.Errorf("same locks differ: %v", got)
	}
	if got := lock.Diff(nil, old); len(got) != 7 || got[0].From != "" {
		t.Errorf("from nothing: %v", got)
	}
}
