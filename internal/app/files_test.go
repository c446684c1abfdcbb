package app_test

import (
	"crypto/sha256"
	"encoding/hex"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"syscall"
	"testing"

	"github.com/bakelite/bakelite/internal/app"
	"github.com/bakelite/bakelite/internal/fault"
	"github.com/bakelite/bakelite/internal/strict/stricttest"
)

func link(t *testing.T, target, path string) {
	t.Helper()
	if err := os.Symlink(target, path); err != nil {
		t.Fatal(err)
	}
}

func from(dir string, paths ...string) app.App {
	a := app.App{Dir: dir}
	for _, p := range paths {
		a.Files = append(a.Files, app.File{From: p, To: "/srv/x"})
	}
	return a
}

// TestCheckFiles: each way in which a path can be wrong has its own words.
func TestCheckFiles(t *testing.T) {
	dir := stricttest.Folder(t, map[string]string{
		"app/ok/a": "a", "app/file": "f", "app/layout/oci-layout": "{}", "outside/secret": "s", "app/bad/x": "", "app/piped/x": "", "app/loops/x": "",
	})
	in := filepath.Join(dir, "app")
	link(t, "ok", filepath.Join(in, "alias"))
	link(t, "../outside", filepath.Join(in, "escape"))
	link(t, "/etc", filepath.Join(in, "absolute"))
	link(t, "loop-b", filepath.Join(in, "loop-a"))
	link(t, "loop-a", filepath.Join(in, "loop-b"))
	link(t, "a", filepath.Join(in, "ok", "same"))
	link(t, "../file", filepath.Join(in, "bad", "up"))
	link(t, "itself", filepath.Join(in, "loops", "itself"))
	if err := syscall.Mkfifo(filepath.Join(in, "piped", "pipe"), 0o600); err != nil {
		t.Fatal(err)
	}
	for path, want := range map[string]string{
		"ok": "", "ok/": "", "./ok/a": "", "alias": "", "file": "",
		"none":          "none does not exist",
		"file/below":    "file/below cannot be read: not a directory",
		"/etc":          "/etc is absolute",
		"../outside":    "../outside leads out of the app file's folder with ..",
		"ok/../../app":  "leads out of the app file's folder with ..",
		"escape":        "escape is a symbolic link that leads out",
		"escape/secret": "escape/secret is a symbolic link that leads out",
		"absolute":      "absolute is a symbolic link that leads out",
		"loop-a":        "loop-a is a symbolic link that leads back to itself",
		"bad":           "bad/up is a symbolic link to ../file, outside of bad",
		"loops":         "loops/itself is a symbolic link that leads back to itself",
		"piped":         "piped/pipe is a named pipe",
	} {
		problems := app.CheckFiles(from(in, path))
		if (len(problems) == 0) != (want == "") || !strings.Contains(problems.Error(), want) {
			t.Errorf("%s gave %q, not %q", path, problems.Error(), want)
		}
		if _, err := app.Files(from(in, path), nil); (err == nil) != (want == "") || err != nil && fault.KindOf(err) != fault.Invalid {
			t.Errorf("Files of %s gave %v", path, err)
		}
	}
	for base, want := range map[app.Base]string{
		{Dockerfile: "file"}:                          "",
		{Dockerfile: "ok"}:                            "base.dockerfile: ok is not a regular file",
		{Dockerfile: "escape/secret"}:                 "leads out",
		{Image: "oci:layout"}:                         "",
		{Image: "oci:" + filepath.Join(in, "layout")}: "",
		{Image: "oci:ok"}:                             "base.image: ok is not an OCI layout folder",
		{Image: "oci:/nowhere"}:                       "", // another app may make it
		{Image: "oci:nowhere"}:                        "",
		{Image: "oci:../app/layout"}:                  "leads out",
		{Image: "oci:escape"}:                         "leads out",
	} {
		problems := app.CheckFiles(app.App{Dir: in, Base: base})
		if (len(problems) == 0) != (want == "") || !strings.Contains(problems.Error(), want) {
			t.Errorf("%+v gave %q, not %q", base, problems.Error(), want)
		}
	}
}

func TestFiles(t *testing.T) {
	dir := stricttest.Folder(t, map[string]string{"site/b": "bb", "site/a/c": "", "site-x": "x", "unused": "u"})
	link(t, "b", filepath.Join(dir, "site", "link"))
	a := from(dir, "site", "./site-x", "site/b")
	files, err := app.Files(a, nil)
	if err != nil {
		t.Fatal(err)
	}
	var paths []string
	sums := map[string]string{}
	for _, f := range files {
		paths = append(paths, f.Path)
		sums[f.Path] = f.SHA256
	}
	if got := strings.Join(paths, " "); got != "site-x site/a/c site/b site/link" {
		t.Errorf("paths are %s", got)
	}
	want := sha256.Sum256([]byte("bb"))
	if sums["site/b"] != hex.EncodeToString(want[:]) || sums["site/link"] == sums["site/b"] {
		t.Errorf("sums are %v", sums)
	}
}

func TestLockInputs(t *testing.T) {
	base := app.LockInputs(valid())
	if !strings.HasPrefix(base, "sha256:") || len(base) != len("sha256:")+64 {
		t.Fatalf("got %q", base)
	}
	// The form is part of every lock: a change here makes all of them stale.
	const golden = "sha256:59682ab0bf6df91a56680a574338999c0006bffded9af816b067d3a2aa4e83a3"
	if base != golden {
		t.Errorf("the digest is %s, not %s", base, golden)
	}
	for name, tt := range map[string]struct {
		change func(*app.App)
		same   bool
	}{
		"defaults":      {func(a *app.App) { *a = app.WithDefaults(*a) }, true},
		"name":          {func(a *app.App) { a.Name = "other" }, true},
		"service":       {func(a *app.App) { a.Service.User = "other" }, true},
		"dockerfile":    {func(a *app.App) { a.Base.Dockerfile = "x" }, false},
		"twice":         {func(a *app.App) { a.Packages = []string{"nginx", "nginx"} }, true},
		"suite":         {func(a *app.App) { a.Base.Debian = "bookworm" }, false},
		"image":         {func(a *app.App) { a.Base.Image = "x" }, false},
		"packages":      {func(a *app.App) { a.Packages = []string{"nginx", "curl"} }, false},
		"kernel":        {func(a *app.App) { a.VM.Kernel = "linux-image-amd64" }, false},
		"vm packages":   {func(a *app.App) { a.VM.Packages = nil }, false},
		"moved package": {func(a *app.App) { a.Packages, a.VM.Packages = a.VM.Packages, a.Packages }, false},
		"admin":         {func(a *app.App) { a.VM.Admin = &app.Admin{} }, false},
	} {
		a := valid()
		tt.change(&a)
		if (app.LockInputs(a) == base) != tt.same {
			t.Errorf("%s: same is %v", name, !tt.same)
		}
	}
	one, two := valid(), valid()
	one.Packages, two.Packages = []string{"a1", "b1"}, []string{"b1", "a1"}
	if app.LockInputs(one) != app.LockInputs(two) {
		t.Error("the order of packages matters")
	}
	if one.Packages[0] != "a1" || two.Packages[0] != "b1" {
		t.Error("the argument was sorted")
	}
}

// TestDockerfileCountsWhatItMayCopy: what .dockerignore lets through is among
// the files of the app; the app file, its lock, Git's folder and what the
// caller keeps from the engine are not.
func TestDockerfileCountsWhatItMayCopy(t *testing.T) {
	for _, tt := range []struct{ name, file, ignored, want string }{
		{"all", ".dockerignore", "", ".dockerignore .hidden Dockerfile dist/index.html link mod/a mod/b notes page.html"},
		{"some", ".dockerignore", "mod\n!mod/b\n*.html\n# page\n/notes", ".dockerignore .hidden Dockerfile dist/index.html link mod/b"},
		{"one", ".dockerignore", "*\n!page.html", "Dockerfile page.html"},
		{"the Dockerfile's own", "Dockerfile.dockerignore", "**/*.html", ".hidden Dockerfile Dockerfile.dockerignore dist link mod/a mod/b notes"},
	} {
		dir := stricttest.Folder(t, map[string]string{
			"app.yaml": "", "app.lock": "", "Dockerfile": "FROM base", "page.html": "1", "mod/a": "a", "mod/b": "b", "dist/index.html": "", ".hidden": "",
			".git/HEAD": "", "notes": "", "results/web.qcow2": "",
		})
		if err := os.WriteFile(filepath.Join(dir, tt.file), []byte(tt.ignored), 0o644); err != nil {
			t.Fatal(err)
		}
		link(t, "../elsewhere", filepath.Join(dir, "link"))
		a := app.App{Dir: dir, Path: filepath.Join(dir, "app.yaml"), Base: app.Base{Dockerfile: "Dockerfile"}}
		files, err := app.Files(a, append(app.Unseen(a), "results"))
		if err != nil {
			t.Fatal(err)
		}
		var paths []string
		for _, f := range files {
			paths = append(paths, f.Path)
		}
		got, want := slices.Sorted(slices.Values(paths)), slices.Sorted(strings.SplitSeq(tt.want, " "))
		if !slices.Equal(got, want) {
			t.Errorf("%s: got %q, want %q", tt.name, got, want)
		}
	}
}

// TestLocksOfOtherAppsDoNotCount: two app files of one folder do not make each
// other stale; a lock of another program is a file like any other.
func TestLocksOfOtherAppsDoNotCount(t *testing.T) {
	dir := stricttest.Folder(t, map[string]string{
		"web.yaml": "", "api.yaml": "", "Dockerfile": "FROM base", "Cargo.lock": "# made by Cargo\nversion = 4\n",
		"api.lock": "# Made by bakelite.\napiVersion: bakelite.dev/v1\nkind: Lock\napp: api\n",
	})
	a := app.App{Dir: dir, Path: filepath.Join(dir, "web.yaml"), Base: app.Base{Dockerfile: "Dockerfile"}}
	if got := listed(t, a); got != "Cargo.lock Dockerfile api.yaml" {
		t.Errorf("files are %s", got)
	}
}

// TestFollowedLinksCountOnce: what the app file names by a link is followed,
// and beside a Dockerfile copied as a link too: it is one entry that changes
// with either.
func TestFollowedLinksCountOnce(t *testing.T) {
	dir := stricttest.Folder(t, map[string]string{"one": "", "two": "", "three": "", "real": "FROM base", "app.yaml": ""})
	link(t, "real", filepath.Join(dir, "Dockerfile"))
	a := from(dir, "page")
	a.Path, a.Base.Dockerfile = filepath.Join(dir, "app.yaml"), "Dockerfile"
	sums := map[string]bool{}
	for _, target := range []string{"one", "two", "three"} {
		page := filepath.Join(dir, "page")
		link(t, target, page)
		for _, text := range []string{"1", "2", "3"} {
			if err := os.WriteFile(page, []byte(text), 0o644); err != nil { // where it leads
				t.Fatal(err)
			}
			files, err := app.Files(a, app.Unseen(a))
			if err != nil {
				t.Fatal(err)
			}
			page := slices.IndexFunc(files, func(f app.Content) bool { return f.Path == "page" })
			sums[files[page].SHA256] = true
		}
		if got := listed(t, a); got != "Dockerfile one page real three two" {
			t.Errorf("files are %s", got)
		}
		if err := os.Remove(page); err != nil {
			t.Fatal(err)
		}
	}
	if len(sums) != 9 {
		t.Errorf("3 links to 3 texts have %d sums", len(sums))
	}
}

// TestEmptyFoldersCount: they are copied, whether nothing is in them or
// nothing that is let through; an ignored one is not.
func TestEmptyFoldersCount(t *testing.T) {
	dir := stricttest.Folder(t, map[string]string{
		"app.yaml": "", "Dockerfile": "FROM base", ".dockerignore": "ignored\nhollow/*\n!ignored/none", "hollow/x": "", "ignored/x": "", "site/x": "",
	})
	for _, empty := range []string{"site/empty", "other/empty", "ignored/empty"} {
		if err := os.MkdirAll(filepath.Join(dir, empty), 0o755); err != nil {
			t.Fatal(err)
		}
	}
	a := from(dir, "site")
	if got := listed(t, a); got != "site/empty site/x" {
		t.Errorf("files of the tree are %s", got)
	}
	a.Path, a.Base.Dockerfile = filepath.Join(dir, "app.yaml"), "Dockerfile"
	if got := listed(t, a); got != ".dockerignore Dockerfile hollow other/empty site/empty site/x" {
		t.Errorf("files of the context are %s", got)
	}
}

// TestWhatTheEngineReadsOtherwise: a .dockerignore that is a link, which may
// lead to what the engine does not see, and names that are patterns to it.
func TestWhatTheEngineReadsOtherwise(t *testing.T) {
	dir := stricttest.Folder(t, map[string]string{"app.yaml": "", "Dockerfile": "FROM base", "dist/ignore": "*", "[id].html": "", "a*": "", "a?/b": "", `a\b`: ""})
	link(t, "dist/ignore", filepath.Join(dir, ".dockerignore"))
	a := app.App{Dir: dir, Path: filepath.Join(dir, "app.yaml"), Base: app.Base{Dockerfile: "Dockerfile"}}
	if _, err := app.Files(a, nil); err == nil || !strings.Contains(err.Error(), ".dockerignore is not a regular file") {
		t.Errorf("a link gave %v", err)
	}
	for _, name := range []string{"[id].html", "a*", "a?/b", `a\b`} {
		if _, err := app.Files(from(dir, name), nil); err == nil || !strings.Contains(err.Error(), "takes for a pattern") {
			t.Errorf("%s gave %v", name, err)
		}
		if problems := app.CheckFiles(app.App{Dir: dir, Base: app.Base{Dockerfile: strings.TrimSuffix(name, "/b")}}); !strings.Contains(problems.Error(), "takes for a pattern") {
			t.Errorf("Dockerfile %s gave %q", name, problems.Error())
		}
	}
}

// listed returns the paths of an app's files.
func listed(t *testing.T, a app.App) string {
	t.Helper()
	files, err := app.Files(a, app.Unseen(a))
	if err != nil {
		t.Fatal(err)
	}
	var paths []string
	for _, f := range files {
		paths = append(paths, f.Path)
	}
	return strings.Join(paths, " ")
}

// TestExecuteBitsCount: a file that can be executed is another one, and no
// other bit of its mode counts.
func TestExecuteBitsCount(t *testing.T) {
	dir := stricttest.Folder(t, map[string]string{"tool": "x"})
	listed := func(mode os.FileMode) app.Content {
		t.Helper()
		if err := os.Chmod(filepath.Join(dir, "tool"), mode); err != nil {
			t.Fatal(err)
		}
		files, err := app.Files(from(dir, "tool"), nil)
		if err != nil || len(files) != 1 {
			t.Fatalf("files are %v (%v)", files, err)
		}
		return files[0]
	}
	if plain := listed(0o644); plain.Executable || listed(0o600) != plain {
		t.Error("a file without execute bits differs by its mode")
	}
	if tool := listed(0o755); !tool.Executable || listed(0o700) != tool {
		t.Error("a file with execute bits is not said to have them, or differs by others")
	}
}

// TestLinksOfTheImage: a link by an absolute path means a file of the image,
// whatever lies there on this machine, as in a virtual environment of Python.
func TestLinksOfTheImage(t *testing.T) {
	dir := stricttest.Folder(t, map[string]string{"venv/lib/x": "x", "venv/bin/pip": "", "bad/x": ""})
	link(t, "/usr/bin/python3.none", filepath.Join(dir, "venv", "bin", "python3"))
	link(t, "python3", filepath.Join(dir, "venv", "bin", "python"))
	link(t, "/etc", filepath.Join(dir, "venv", "etc"))
	link(t, "lib", filepath.Join(dir, "venv", "lib64"))
	files, err := app.Files(from(dir, "venv"), nil)
	if err != nil {
		t.Fatal(err)
	}
	if len(files) != 6 {
		t.Errorf("something behind a link was listed: %v", files)
	}
	link(t, filepath.Join(dir, "bad", "x"), filepath.Join(dir, "bad", "here"))
	if _, err := app.Files(from(dir, "bad"), nil); err == nil || !strings.Contains(err.Error(), "bad/here is a symbolic link to "+dir+"/bad/x, a path of this machine") {
		t.Errorf("a link to a path of this machine gave %v", err)
	}
}

// TestNamesInImages: a name that no image can hold is a mistake of the entry
// that brings it, or of the Dockerfile that may; backslashes, as systemd writes
// them, are fine.
func TestNamesInImages(t *testing.T) {
	for name, want := range map[string]string{
		`a\x2db.mount`: "", ".what": "",
		".wh.passwd":  `"site/.wh.passwd" cannot be in an image: a name that begins with .wh.`,
		"caf\xe9":     `"site/caf\xe9" cannot be in an image: a name is not UTF-8`,
		"line\nbreak": `"site/line\nbreak" cannot be in an image: a name holds a control character`,
	} {
		a := from(stricttest.Folder(t, map[string]string{"site/" + name: "x", "Dockerfile": "FROM base\n"}), "site")
		problems := app.CheckFiles(a)
		if want == "" && len(problems) > 0 || want != "" && (len(problems) != 1 || problems[0].Key != "files[0].from" || !strings.Contains(problems[0].Message, want)) {
			t.Errorf("%q gave %v, want %q", name, problems, want)
		}
		a.Files, a.Base.Dockerfile = nil, "Dockerfile"
		if _, err := app.Files(a, nil); (err == nil) != (want == "") || err != nil && (fault.KindOf(err) != fault.Invalid || !strings.Contains(err.Error(), want)) {
			t.Errorf("in the folder of a Dockerfile %q gave %v, want %q", name, err, want)
		}
	}
}

// TestTwoFilesAtOnePlace: of two entries one would leave nothing of the other.
func TestTwoFilesAtOnePlace(t *testing.T) {
	dir := stricttest.Folder(t, map[string]string{"a.conf": "", "b.conf": "", "more/a.conf": ""})
	for name, tt := range map[string]struct {
		files []app.File
		want  bool
	}{
		"two contents":            {[]app.File{{Content: "x", To: "/x"}, {Content: "y", To: "/x"}}, true},
		"a content and a file":    {[]app.File{{Content: "x", To: "/x"}, {From: "a.conf", To: "/x"}}, true},
		"two files of a name":     {[]app.File{{From: "a.conf", To: "/x"}, {From: "more/a.conf", To: "/x"}}, true},
		"two names in one folder": {[]app.File{{From: "a.conf", To: "/x"}, {From: "b.conf", To: "/x"}}, false},
		"a file over a folder's":  {[]app.File{{From: "more", To: "/x"}, {From: "a.conf", To: "/x/a.conf"}}, false},
		"two folders":             {[]app.File{{From: "more", To: "/x"}, {From: "more", To: "/x"}}, false},
	} {
		problems := app.CheckFiles(app.App{Dir: dir, Files: tt.files})
		if (len(problems) > 0) != tt.want || tt.want && (problems[0].Key != "files[1].to" || !strings.Contains(problems[0].Message, "files[0] puts a file at /x too")) {
			t.Errorf("%s: %v", name, problems)
		}
	}
}

// TestSecondNamesCount: whether a file has one name or two is part of what goes
// into an image, and so of the lock; names in what is copied apart are not.
func TestSecondNamesCount(t *testing.T) {
	list := func(link bool, paths ...string) []app.Content {
		dir := stricttest.Folder(t, map[string]string{"site/a": "x", "site/sub/c": "x"})
		second := filepath.Join(dir, "site", "b")
		if err := os.WriteFile(second, []byte("x"), 0o644); err != nil {
			t.Fatal(err)
		}
		if link {
			if err := os.Remove(second); err != nil {
				t.Fatal(err)
			}
			if err := os.Link(filepath.Join(dir, "site", "a"), second); err != nil {
				t.Fatal(err)
			}
		}
		files, err := app.Files(from(dir, paths...), nil)
		if err != nil {
			t.Fatal(err)
		}
		return files
	}
	apart, linked := list(false, "site"), list(true, "site")
	if slices.Equal(apart, linked) || !slices.Equal(linked, list(true, "site")) {
		t.Errorf("files with one name are %v, with two %v", apart, linked)
	}
	if one, two := list(false, "site/a", "site/b"), list(true, "site/a", "site/b"); !slices.Equal(one, two) {
		t.Errorf("copied apart they are %v, and %v", one, two)
	}
}
