package content

import (
	"archive/tar"
	"fmt"
	"maps"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/bakelite/bakelite/internal/capability"
	"github.com/bakelite/bakelite/internal/fault"
	"github.com/bakelite/bakelite/scan/content/made"
	"github.com/bakelite/bakelite/scan/protocol"
	"github.com/bakelite/bakelite/scan/tree"
)

func dirEntry(name string, mode int64) tar.Header {
	return tar.Header{Name: name, Typeflag: tar.TypeDir, Mode: mode}
}

func empty(name string) tar.Header {
	return tar.Header{Name: name, Typeflag: tar.TypeReg, Mode: 0o644}
}

func symlink(name, target string) tar.Header {
	return tar.Header{Name: name, Typeflag: tar.TypeSymlink, Linkname: target}
}

func hardlink(name, target string) tar.Header {
	return tar.Header{Name: name, Typeflag: tar.TypeLink, Linkname: target}
}

// layered opens an image of layers, each a list of entries.
func layered(t testing.TB, layers ...[]tar.Header) Artifact {
	t.Helper()
	return limited(t, protocol.Limits{}, layers...)
}

func limited(t testing.TB, limits protocol.Limits, layers ...[]tar.Header) Artifact {
	t.Helper()
	dir := filepath.Join(t.TempDir(), "image")
	var packed []made.Layer
	for i, entries := range layers {
		pack := made.Gzip
		if i%2 == 1 {
			pack = made.Zstd
		}
		packed = append(packed, pack(t, made.Tar(t, nil, entries...)))
	}
	a, err := OpenImage(dir, made.Image(t, dir, packed...), limits)
	if err != nil {
		t.Fatal(err)
	}
	return a
}

// names lists a tree: folders end in a slash, links in where they lead.
func names(t *testing.T, whole tree.Tree) []string {
	t.Helper()
	var all []string
	err := new(tree.Walker).Walk(t.Context(), whole, "/", func(name string, info tree.Info) error {
		switch {
		case name == "/":
			return nil
		case info.IsDir():
			name += "/"
		case info.IsLink():
			name += "->" + info.Target
		case info.IsDevice():
			name += " " + info.Node()
		}
		all = append(all, name)
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
	return all
}

// TestLayersAreAppliedAsARuntimeDoes has the cases of the OCI image
// specification (layer.md) and those in which runtimes follow links.
func TestLayersAreAppliedAsARuntimeDoes(t *testing.T) {
	type layer = []tar.Header
	for name, test := range map[string]struct {
		layers []layer
		want   []string
	}{
		"a file goes":                {[]layer{{empty("a"), empty("b")}, {empty(".wh.a")}}, []string{"/b"}},
		"a folder goes":              {[]layer{{empty("d/x/y"), empty("e")}, {empty(".wh.d")}}, []string{"/e"}},
		"nothing goes":               {[]layer{{empty("a")}, {empty("d/.wh.b")}}, []string{"/a"}},
		"a folder is emptied":        {[]layer{{empty("d/x/y"), empty("d/z")}, {dirEntry("d", 0o755), empty("d/.wh..wh..opq")}}, []string{"/d/"}},
		"emptied, and filled":        {[]layer{{empty("d/x/y"), empty("d/z")}, {empty("d/new"), empty("d/.wh..wh..opq"), empty("d/x/w")}}, []string{"/d/", "/d/new", "/d/x/", "/d/x/w"}},
		"a mark spares its layer":    {[]layer{{empty("a")}, {empty("a"), empty(".wh.a")}}, []string{"/a"}},
		"gone and made anew":         {[]layer{{empty("d/x")}, {empty(".wh.d"), empty("d/y")}}, []string{"/d/", "/d/y"}},
		"a file becomes a folder":    {[]layer{{empty("a")}, {dirEntry("a", 0o755), empty("a/b")}}, []string{"/a/", "/a/b"}},
		"a folder becomes a file":    {[]layer{{empty("a/b")}, {empty("a")}}, []string{"/a"}},
		"a link becomes a folder":    {[]layer{{symlink("bin", "usr/bin"), empty("usr/bin/x")}, {dirEntry("bin", 0o755)}}, []string{"/bin/", "/usr/", "/usr/bin/", "/usr/bin/x"}},
		"through a link":             {[]layer{{symlink("bin", "usr/bin"), empty("usr/bin/x")}, {empty("bin/y")}}, []string{"/bin->usr/bin", "/usr/", "/usr/bin/", "/usr/bin/x", "/usr/bin/y"}},
		"a mark through a link":      {[]layer{{symlink("bin", "/usr/bin"), empty("usr/bin/x")}, {empty("bin/.wh.x")}}, []string{"/bin->/usr/bin", "/usr/", "/usr/bin/"}},
		"a link above the root":      {[]layer{{symlink("a", "../../etc"), empty("etc/x")}, {empty("a/y")}}, []string{"/a->../../etc", "/etc/", "/etc/x", "/etc/y"}},
		"a link to nothing":          {[]layer{{symlink("a", "b/c")}, {empty("a/y")}}, []string{"/a->b/c", "/b/", "/b/c/", "/b/c/y"}},
		"a hard link":                {[]layer{{empty("a"), hardlink("d/b", "a")}, {empty(".wh.a")}}, []string{"/d/", "/d/b"}},
		"a device":                   {[]layer{{{Name: "dev/m", Typeflag: tar.TypeBlock, Devmajor: 254, Devminor: 0, Mode: 0o666}}}, []string{"/dev/", "/dev/m b 254:0"}},
		"a name with dots":           {[]layer{{empty("./a/./b"), empty("/c")}}, []string{"/a/", "/a/b", "/c"}},
		"a mark of nothing, of dots": {[]layer{{empty("d/a")}, {empty("d/.wh."), empty("d/.wh.."), empty("d/.wh...")}}, []string{"/d/", "/d/a"}},
	} {
		t.Run(name, func(t *testing.T) {
			whole, err := layered(t, test.layers...).Whole(t.Context(), func(string) bool { return true })
			if err != nil {
				t.Fatal(err)
			}
			if got := names(t, whole); !slices.Equal(got, test.want) {
				t.Errorf("got %q, want %q", got, test.want)
			}
		})
	}
}

// TestMarksAreTold wants every mark of a layer to be known, by its own name.
func TestMarksAreTold(t *testing.T) {
	a := layered(t, []tar.Header{symlink("lib", "usr/lib"), empty("usr/lib/x"), empty(".wh.none")}, []tar.Header{empty("lib/.wh.x"), empty("d/.wh..wh..opq")})
	whole, err := a.Whole(t.Context(), func(string) bool { return true })
	if err != nil {
		t.Fatal(err)
	}
	want := []tree.Whiteout{{Name: "/.wh.none", Layer: 0}, {Name: "/usr/lib/.wh.x", Layer: 1}, {Name: "/d/.wh..wh..opq", Layer: 1}}
	if got := whole.(tree.Layered).Whiteouts(); !slices.Equal(got, want) {
		t.Errorf("got %v, want %v", got, want)
	}
}

func TestAllThatAnEntryCanHave(t *testing.T) {
	h := empty("su")
	h.Mode, h.Uid, h.Gid, h.Format = 0o6755, 7, 70000, tar.FormatPAX
	h.PAXRecords = map[string]string{"SCHILY.xattr.security.capability": "text", "SCHILY.xattr.user.a": ""}
	other := h
	other.Name, other.Mode, other.PAXRecords = "su2", 0o755, nil
	whole, err := layered(t, []tar.Header{h, dirEntry(".", 0o1777)}, []tar.Header{other}).Whole(t.Context(), func(string) bool { return true })
	if err != nil {
		t.Fatal(err)
	}
	info, err := whole.Lstat("/su")
	if err != nil || info.Mode != tree.Regular|tree.SetUID|tree.SetGID|0o755 || info.UID != 7 || info.GID != 70000 ||
		!maps.Equal(info.Xattrs, map[string]string{capability.Attribute: "text", "user.a": ""}) {
		t.Errorf("%+v, %v", info, err)
	}
	if info, err := whole.Lstat("/"); err != nil || info.Mode != tree.Folder|0o1777 {
		t.Errorf("the root is %+v, %v", info, err)
	}
}

// TestFilesThatWereNotKeptAreReadAgain opens files of both layers, some kept
// and some not.
func TestFilesThatWereNotKeptAreReadAgain(t *testing.T) {
	dir := filepath.Join(t.TempDir(), "image")
	first, second := made.Tree{}, made.Tree{"etc/b": "second", "opt/b": "second"}
	for i := range 80 {
		first[fmt.Sprintf("opt/%02d", i)] = fmt.Sprint("text ", i)
	}
	first["etc/a"] = "first"
	a, err := OpenImage(dir, made.Image(t, dir, made.Gzip(t, made.Tar(t, first)), made.Gzip(t, made.Tar(t, second))), protocol.Limits{})
	if err != nil {
		t.Fatal(err)
	}
	whole, err := a.Whole(t.Context(), func(name string) bool { return strings.HasPrefix(name, "/etc/") })
	if err != nil {
		t.Fatal(err)
	}
	for name, want := range map[string]string{"/etc/a": "first", "/etc/b": "second", "/opt/b": "second", "/opt/17": "text 17"} {
		if text, err := tree.ReadFile(whole, name, 100); err != nil || string(text) != want {
			t.Errorf("%s is %q, %v", name, text, err)
		}
	}
	refused := 0
	for i := range 80 {
		if _, err := tree.ReadFile(whole, fmt.Sprintf("/opt/%02d", i), 100); err != nil {
			refused++
		}
	}
	if refused != 80-(maxReopened-2) {
		t.Errorf("%d files were refused", refused)
	}
}

func TestLayersThatAreRefused(t *testing.T) {
	deep := strings.Repeat("a/", 300) + "a"
	for name, layers := range map[string][][]tar.Header{
		"climbing":               {{empty("../x")}},
		"a link to what is gone": {{hardlink("a", "none")}},
		"below a file":           {{empty("a")}, {empty("a/b")}},
		"a circle of links":      {{symlink("a", "b"), symlink("b", "a"), empty("a/x")}},
		"deep":                   {{empty(deep)}},
	} {
		if _, err := layered(t, layers...).Whole(t.Context(), func(string) bool { return true }); fault.KindOf(err) != fault.Integrity {
			t.Errorf("%s: %v", name, err)
		}
	}
	for name, limits := range map[string]protocol.Limits{"entries": {Entries: 2}, "bytes": {TreeBytes: 600}} {
		a := limited(t, limits, []tar.Header{empty("a"), empty("b"), empty("c")})
		if _, err := a.Whole(t.Context(), func(string) bool { return true }); fault.KindOf(err) != fault.Integrity {
			t.Errorf("more %s than the limit: %v", name, err)
		}
	}
}
