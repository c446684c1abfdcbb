package child_test

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/bakelite/bakelite/internal/fault"
	"github.com/bakelite/bakelite/internal/vouch/vouchtest"
	"github.com/bakelite/bakelite/scan/child"
	"github.com/bakelite/bakelite/scan/content/made"
	"github.com/bakelite/bakelite/scan/protocol"
)

// maker is that of the entries of tests.
var maker = strings.Repeat("d", 64)

// TestMisbehavingCache has scanners that were taken over and hand entries
// over that nobody asked for. $A and $B are the names of the two that are
// asked for. Nothing of such a scan is kept.
func TestMisbehavingCache(t *testing.T) {
	entry := func(name, body string) string {
		return `printf '%s\n' "{\"name\":\"` + name + `\",\"maker\":\"` + maker + `\",\"body\":` + body + `}"`
	}
	good := entry("$A", "{}")
	tests := []struct {
		name, says string
		script     []string // before the answer
		kind       fault.Kind
		kept       int
	}{
		{name: "well", script: []string{good, entry("$B", "{}")}, kind: -1, kept: 2},
		{name: "none", kind: -1},
		{name: "the second alone", script: []string{entry("$B", "{}")}, kind: -1, kept: 1},
		{name: "another content", script: []string{good, entry(strings.Repeat("0", 64), "{}")}, kind: fault.Integrity, says: "not of what it was asked to read"},
		{name: "no name", script: []string{entry("", "{}")}, kind: fault.Integrity, says: "not of what"},
		{name: "path traversal", script: []string{entry("../../planted", "{}")}, kind: fault.Integrity, says: "not of what"},
		{name: "absolute path", script: []string{entry("/tmp/planted", "{}")}, kind: fault.Integrity, says: "not of what"},
		{name: "a name that begins well", script: []string{entry("$A/../planted", "{}")}, kind: fault.Integrity, says: "not of what"},
		{name: "the first again, in place of the second", script: []string{good, good}, kind: fault.Integrity, says: "not of what"},
		{name: "the first after the second", script: []string{entry("$B", "{}"), good}, kind: fault.Integrity, says: "not of what"},
		{name: "more than were asked for", script: []string{good, good, good}, kind: fault.Internal, says: "follows"},
		{name: "ten thousand", script: []string{"for i in $(seq 10000); do " + good + "; done"}, kind: fault.Internal, says: "follows"},
		{name: "huge", script: []string{huge(protocol.MaxEntries)}, kind: fault.Integrity, says: "wrong form"},
		{name: "larger than all", script: []string{huge(protocol.MaxEntries + 4<<20)}, kind: fault.Internal, says: "larger than"},
		{name: "no object", script: []string{entry("$A", "[1]")}, kind: fault.Integrity, says: "wrong form"},
		{name: "no body", script: []string{`printf '%s\n' "{\"name\":\"$A\",\"maker\":\"` + maker + `\"}"`}, kind: fault.Integrity, says: "wrong form"},
		{name: "no JSON", script: []string{entry("$A", "{]")}, kind: fault.Internal, says: "decoding"},
		{name: "a maker of two lines", script: []string{`printf '%s\n' "{\"name\":\"$A\",\"maker\":\"a\\nb\",\"body\":{}}"`}, kind: fault.Integrity, says: "wrong form"},
		{name: "more than an entry holds", script: []string{`printf '%s\n' "{\"name\":\"$A\",\"mode\":4095,\"body\":{}}"`}, kind: fault.Internal, says: "unknown field"},
		{name: "a wrong report", script: []string{good, `W=sha256:b`}, kind: fault.Integrity, says: "subject"},
		{name: "a failure", script: []string{good, `echo '{"apiVersion":"bakelite.dev/scan/v2","failure":{"kind":"integrity","message":"bad layer"}}'; exit`}, kind: fault.Integrity, says: "bad layer"},
		{name: "a crash", script: []string{good, "kill -9 $$"}, kind: fault.Internal, says: "137"},
		{name: "a system call that is refused", script: []string{good, "echo 'signal: bad system call' >&2; exit 1"}, kind: fault.Internal, says: "system call"},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			dir := folder(t)
			s, req := misbehaving(t, dir, test.script)
			_, err := s.Scan(t.Context(), req)
			if test.kind < 0 {
				if err != nil {
					t.Error(err)
				}
			} else if err == nil || fault.KindOf(err) != test.kind || !strings.Contains(err.Error(), test.says) {
				t.Errorf("kind %d: %v", fault.KindOf(err), err)
			}
			if kept := files(t, s.Cache); len(kept) != test.kept {
				t.Errorf("kept %q", kept)
			}
			if all := files(t, dir); len(all) != 2 {
				t.Errorf("files beside the cache: %q", all)
			}
		})
	}
}

// huge says an entry with a body of size bytes and more.
func huge(size int) string {
	return fmt.Sprintf(`printf '%%s' "{\"name\":\"$A\",\"maker\":\"%s\",\"body\":{\"a\":\""; head -c %d /dev/zero | tr '\0' a; echo '"}}'`, maker, size)
}

// misbehaving is a scanner that runs a script and then answers well, about
// two disks.
func misbehaving(t *testing.T, dir string, script []string) (child.Scanner, child.Request) {
	t.Helper()
	second := strings.Replace(result, `"subject":"a"`, `"subject":"'"$W"'"`, 1)
	lines := append([]string{
		"#!/bin/sh", `IN=$(cat)`, `A=$(echo "$IN" | sed 's/.*"known":\[\[{"name":"\([0-9a-f]*\)".*/\1/')`,
		`B=$(echo "$IN" | sed 's/.*"known":.*\[{"name":"\([0-9a-f]*\)".*/\1/')`, "W=sha256:c",
	}, script...)
	lines = append(lines, `printf %s '`+strings.Replace(whole, result, result+","+second, 1)+`'`)
	file := filepath.Join(dir, "scanner")
	if err := os.WriteFile(file, []byte(strings.Join(lines, "\n")+"\n"), 0o755); err != nil {
		t.Fatal(err)
	}
	s := child.Scanner{Program: file, Cache: filepath.Join(dir, "cache"), Vouch: vouchtest.Key(t), Limits: child.Limits{Output: 1 << 20, Time: time.Minute}}
	return s, child.Request{
		Roots:    []protocol.Root{{Name: "r", Kind: protocol.Disk, Path: file, Digest: "a"}, {Name: "s", Kind: protocol.Disk, Path: file, Digest: "sha256:c"}},
		Database: protocol.Database{Folder: dir, Ref: "test"}, Now: now(),
	}
}

func files(t *testing.T, dir string) []string {
	t.Helper()
	entries, err := os.ReadDir(dir)
	if err != nil {
		t.Fatal(err)
	}
	var names []string
	for _, e := range entries {
		names = append(names, e.Name())
	}
	return names
}

// TestPlantedEntries has what an earlier version let scanners write into the
// cache: no entry is taken from it, and none goes where a link leads.
func TestPlantedEntries(t *testing.T) {
	plants := map[string]func(file string) error{
		"link":   func(file string) error { return os.Symlink("../target", file) },
		"device": func(file string) error { return syscall.Mknod(file, syscall.S_IFCHR|0o644, 1<<8|3) },
		"pipe":   func(file string) error { return syscall.Mkfifo(file, 0o644) },
		"file of another user": func(file string) error {
			return errors.Join(os.WriteFile(file, nil, 0o644), os.Chown(file, 65534, 65534))
		},
		"file that others write to": func(file string) error { return errors.Join(os.WriteFile(file, nil, 0o644), os.Chmod(file, 0o666)) },
	}
	if os.Getuid() != 0 {
		t.Skip("needs root")
	}
	for name, plant := range plants {
		t.Run(name, func(t *testing.T) {
			dir := folder(t)
			script := []string{`printf '%s\n' "{\"name\":\"$A\",\"maker\":\"` + maker + `\",\"body\":{}}"`, `case $IN in *'"path":"'*cache*) exit 9;; esac`}
			s, req := misbehaving(t, dir, script)
			if _, err := s.Scan(t.Context(), req); err != nil {
				t.Fatal(err)
			}
			file := filepath.Join(s.Cache, files(t, s.Cache)[0])
			for _, err := range []error{os.WriteFile(filepath.Join(dir, "target"), []byte("kept"), 0o644), os.Remove(file), plant(file), os.Chown(s.Cache, 65534, 65534), os.Chmod(s.Cache, 0o777)} {
				if err != nil {
					t.Fatal(err)
				}
			}
			if _, err := s.Scan(t.Context(), req); err != nil {
				t.Fatal(err)
			}
			text, err := os.ReadFile(filepath.Join(dir, "target"))
			info, err2 := os.Lstat(file)
			if err != nil || err2 != nil || string(text) != "kept" || !info.Mode().IsRegular() || info.Mode().Perm() != 0o644 || info.Size() == 0 {
				t.Errorf("%q %v, entry %v %v", text, err, info, err2)
			}
			if info, err := os.Stat(s.Cache); err != nil || info.Mode().Perm() != 0o700 || info.Sys().(*syscall.Stat_t).Uid != 0 {
				t.Errorf("the cache's folder is %v %v", info.Mode(), err)
			}
		})
	}
}

// TestForgedEntries changes what the cache says of one layer and of a disk:
// the second scan takes from it what was left alone, and the third one reads
// anew what was not.
func TestForgedEntries(t *testing.T) {
	other := made.Tree{"usr/lib/python3/dist-packages/requests-2.0.dist-info/METADATA": "Metadata-Version: 2.1\nName: requests\nVersion: 2.0\n"}
	s, req := real(t, image(t, made.Gzip(t, made.Tar(t, debian())), made.Gzip(t, made.Tar(t, other))), disk(t, false))
	s.Cache, s.Vouch = filepath.Join(folder(t), "cache"), vouchtest.Key(t)
	scanned := func(cached ...int) (versions string) {
		results, err := s.Scan(t.Context(), req)
		if err != nil {
			t.Fatal(err)
		}
		for i, r := range results {
			if r.Cached != cached[i] {
				t.Errorf("%s: %d trees from the cache, want %d", r.Report.ArtifactKind, r.Cached, cached[i])
			}
			versions += " " + r.Report.Packages[0].Version
		}
		return versions
	}
	if got := scanned(0, 0); got != " 3.5.1-1 3.5.1-1" {
		t.Errorf("first scan: %s", got)
	}
	if got := scanned(2, 1); got != " 3.5.1-1 3.5.1-1" {
		t.Errorf("second scan: %s", got)
	}
	if changed := change(t, s.Cache, "3.5.1", "4.6.7"); changed != 2 {
		t.Errorf("%d entries know of openssl", changed)
	}
	if got := scanned(1, 0); got != " 3.5.1-1 3.5.1-1" {
		t.Errorf("third scan: %s", got)
	}
	req.Roots = req.Roots[:1]
	req.Roots[0] = image(t, made.Gzip(t, made.Tar(t, debian())), made.Gzip(t, made.Tar(t, made.Tree{"a": "b"})))
	if got := scanned(1); got != " 3.5.1-1" {
		t.Errorf("another image with the same first layer: %s", got)
	}
}

// change replaces a text in all entries, and makes their digests right again.
func change(t *testing.T, cache, old, replacement string) (changed int) {
	t.Helper()
	for _, name := range files(t, cache) {
		text, err := os.ReadFile(filepath.Join(cache, name))
		if err != nil {
			t.Fatal(err)
		}
		first, body, _ := strings.Cut(string(text), "\n")
		if !strings.Contains(body, old) {
			continue
		}
		e := protocol.Entry{Maker: first[:64], Body: json.RawMessage(strings.ReplaceAll(body, old, replacement))}
		if err := os.WriteFile(filepath.Join(cache, name), e.Text(), 0o644); err != nil {
			t.Fatal(err)
		}
		changed++
	}
	return changed
}

// TestNamesOfEntries compares the names that a scanner is given: they depend
// on all that it reads up to the tree, and on nothing that comes later.
func TestNamesOfEntries(t *testing.T) {
	layer := func(text string) made.Layer { return made.Gzip(t, made.Tar(t, made.Tree{"file": text})) }
	a, b := layer("a"), layer("b")
	forged := image(t, a)
	text, err := os.ReadFile(made.Blob(forged.Path, forged.Digest))
	if err != nil {
		t.Fatal(err)
	}
	overwrite(t, forged, forged.Digest, append(text, ' '))
	sparse := filepath.Join(folder(t), "disk")
	for _, err := range []error{os.WriteFile(sparse, []byte("disk"), 0o644), os.Truncate(sparse, 1<<30)} {
		if err != nil {
			t.Fatal(err)
		}
	}
	diskNamed := func(digest string) protocol.Root {
		return protocol.Root{Kind: protocol.Disk, Path: sparse, Digest: digest}
	}
	names := func(roots ...protocol.Root) string { return strings.Join(asked(t, roots...), " ") }
	ab, ba := asked(t, image(t, a, b)), asked(t, image(t, b, a))
	if len(ab) != 2 || ab[0] == ab[1] || ab[0] != names(image(t, a)) || ab[0] == ba[1] || ab[1] == ba[0] {
		t.Errorf("names of layers: %q and %q", ab, ba)
	}
	alone := names(diskNamed("x"))
	differ := map[string]string{
		"another digest": names(diskNamed("y")), "by its content": names(diskNamed("")),
		"after an image": asked(t, image(t, a), diskNamed("x"))[1], "after another image": asked(t, image(t, b), diskNamed("x"))[1],
		"after a disk":  asked(t, diskNamed("y"), diskNamed("x"))[1],
		"after an SBOM": names(protocol.Root{Kind: protocol.SBOM, Path: sparse, Digest: "x"}, diskNamed("x")),
	}
	seen := map[string]string{alone: "alone"}
	for what, name := range differ {
		if other, ok := seen[name]; ok || name == "" {
			t.Errorf("%s has the name of %s: %q", what, other, name)
		}
		seen[name] = what
	}
	if strings.TrimSpace(names(protocol.Root{Kind: protocol.Folder, Path: filepath.Dir(sparse)}, diskNamed("x"))) != "" {
		t.Error("what is read after a folder has a name")
	}
	if got := names(forged); got != "" {
		t.Errorf("layers of a manifest that is not its digest: %s", got)
	}
	before := names(diskNamed(""))
	f, err := os.OpenFile(sparse, os.O_RDWR, 0)
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	for _, at := range []int64{0, 1 << 29} {
		if _, err := f.WriteAt([]byte{1}, at); err != nil {
			t.Fatal(err)
		}
		after := names(diskNamed(""))
		if after == before {
			t.Errorf("a disk with another byte at %d has the same name", at)
		}
		before = after
	}
	if err := os.Truncate(sparse, 1<<31); err != nil || names(diskNamed("")) == before {
		t.Errorf("a longer disk has the same name: %v", err)
	}
}

// asked returns the names that a scan of roots hands to the scanner.
func asked(t *testing.T, roots ...protocol.Root) []string {
	t.Helper()
	dir := folder(t)
	program, told := filepath.Join(dir, "scanner"), filepath.Join(dir, "told")
	if err := os.WriteFile(program, []byte("#!/bin/sh\ncat >"+told+"\n"), 0o755); err != nil {
		t.Fatal(err)
	}
	_, _ = child.Scanner{Program: program, Cache: filepath.Join(dir, "cache")}.Scan(context.Background(), child.Request{Roots: roots, Now: now()})
	text, err := os.ReadFile(told)
	var req protocol.Request
	if err == nil {
		err = json.Unmarshal(text, &req)
	}
	if err != nil {
		t.Fatal(err)
	}
	var names []string
	for _, trees := range req.Known {
		for _, k := range trees {
			names = append(names, k.Name)
		}
	}
	return names
}
