package check

import (
	"io"
	"path/filepath"
	"strings"
	"testing"

	"github.com/bakelite/bakelite/internal/fault"
	"github.com/bakelite/bakelite/scan/controls"
	"github.com/bakelite/bakelite/scan/tree"
)

// TestLinkOnTheWayLeadsOutOfTheTree puts a link to the rest of the machine
// where a control expects a folder: applying refuses, checking fails.
func TestLinkOnTheWayLeadsOutOfTheTree(t *testing.T) {
	cs := load(t)
	for place, up := range map[string]string{
		"/etc": "", "/etc/sysctl.d": "../../../outside", "/etc/ssh/sshd_config.d": "", "/etc/profile.d": "/../../../../../../..", "/root/.ssh": "", "/etc/systemd": "../../outside",
	} {
		t.Run(place, func(t *testing.T) {
			root, outside := newTree(t)
			to := up
			if !strings.HasPrefix(up, "../") {
				to = up + outside
			}
			link(t, to, root+place)
			before := digest(t, outside)
			if err := tryApply(t, cs, root); fault.KindOf(err) != fault.Invalid || fault.HintOf(err) == "" {
				t.Errorf("a tree with %s -> %s: %v", place, to, err)
			}
			failed := controls.ScoreOf(values(check(t, cs, root))).Failed
			if digest(t, outside) != before || failed == 0 {
				t.Errorf("%s -> %s: something outside changed, or nothing failed (%d)", place, to, failed)
			}
		})
	}
}

// TestLinkForAFileIsNotFollowed puts a link to a file of the machine where a
// control writes one, changes its mode, or rewrites it.
func TestLinkForAFileIsNotFollowed(t *testing.T) {
	cs := load(t)
	for place, refused := range map[string]bool{
		"/etc/issue": false, "/etc/sysctl.d/90-bakelite.conf": false, "/etc/shadow-": false, "/root/.netrc": false, "/usr/bin/su": false,
		"/etc/passwd": true, "/etc/shadow": true, "/etc/login.defs": true, "/root": true, "/etc/cron.d": true, "/etc/ssh/sshd_config": true,
	} {
		t.Run(place, func(t *testing.T) {
			root, outside := newTree(t)
			link(t, outside+"/victim", root+place)
			before := digest(t, outside)
			err := tryApply(t, cs, root)
			if (err != nil) != refused {
				t.Errorf("refused is %v: %v", err != nil, err)
			}
			check(t, cs, root)
			if digest(t, outside) != before {
				t.Error("the file outside changed")
			}
		})
	}
}

// TestLinkToTheRightContentIsReplaced links to a file outside that needs no
// change but that of its mode, which would go through the link.
func TestLinkToTheRightContentIsReplaced(t *testing.T) {
	cs := only(controls.Setting{Kind: "file", Path: "/etc/issue", Mode: "0644", Content: "hello\n"})
	root, outside := newTree(t)
	write(t, outside+"/twin", "hello\n", 0o600)
	link(t, outside+"/twin", root+"/etc/issue")
	before := digest(t, outside)
	applyTwice(t, cs, root)
	expect(t, cs, root, "")
	if digest(t, outside) != before {
		t.Error("the file outside changed")
	}
}

// TestSetUidFileBehindALinkIsLeftAlone walks trees with links to folders that
// hold what the walks look for.
func TestSetUidFileBehindALinkIsLeftAlone(t *testing.T) {
	cs := load(t)
	root, outside := newTree(t)
	link(t, outside, root+"/usr/local")
	link(t, outside, root+"/srv/data")
	before := digest(t, outside)
	applied(t, controls.For(cs, controls.Container, 2), root)
	results := check(t, controls.For(cs, controls.Container, 2), root)
	if digest(t, outside) != before || !results["BK-FS-01"].Passed || !results["BK-FS-03"].Passed {
		t.Errorf("followed a link: %+v", results)
	}
}

// TestSettingsBehindALinkAreNotRead keeps the text of files outside from
// counting for the tree and from reaching a result.
func TestSettingsBehindALinkAreNotRead(t *testing.T) {
	cs := load(t)
	root, outside := newTree(t)
	write(t, outside+"/good.conf", "kernel.dmesg_restrict = 1\nkernel.kptr_restrict = SECRET\nPermitRootLogin SECRET\n", 0o644)
	link(t, outside+"/good.conf", root+"/etc/sysctl.d/99.conf")
	link(t, outside+"/good.conf", root+"/etc/ssh/sshd_config.d/00.conf")
	for id, want := range map[string]string{"BK-KRN-01": "/etc/sysctl.d/99.conf leads out of the tree", "BK-SSH-01": "/etc/ssh/sshd_config.d/00.conf leads out of the tree"} {
		r := check(t, cs, root)[id]
		if r.Passed || !strings.Contains(r.Detail, want) || strings.Contains(strings.ToUpper(r.Detail), "SECRET") {
			t.Errorf("%s: %+v", id, r)
		}
	}
}

// TestFileNameRunsACommand gives files names that a careless script would
// take for commands, options, quotes or assignments of mawk.
func TestFileNameRunsACommand(t *testing.T) {
	cs := load(t)
	root, outside := newTree(t)
	for _, name := range []string{"$(touch pwned)", "`touch pwned`", "'; touch pwned; '", "-exec", "a=b", "\"", "\\", "a\nb", "*", "{}", "\xff"} {
		for _, dir := range []string{"/srv", "/etc/sysctl.d", "/etc/modprobe.d", "/etc/ssh/sshd_config.d", "/etc/ssh/ssh_host_", "/root/."} {
			file := root + dir + "/" + name + ".conf"
			if strings.HasSuffix(dir, "_") || strings.HasSuffix(dir, ".") {
				file = root + dir + name + "_history_key"
			}
			write(t, file, "kernel.pid_max = 1\n", 0o6666)
		}
	}
	before := digest(t, outside)
	applied(t, cs, root)
	results := check(t, cs, root)
	if digest(t, outside) != before {
		t.Error("something outside changed")
	}
	if found, _ := filepath.Glob(root + "/pwned"); found != nil {
		t.Error("a file name was run")
	}
	for _, id := range []string{"BK-FS-01", "BK-FS-03", "BK-FS-06", "BK-FS-07", "BK-SSH-01"} {
		if !results[id].Passed {
			t.Errorf("%+v", results[id])
		}
	}
	write(t, root+"/etc/sysctl.d/99\n.conf", "kernel.kptr_restrict = 0\n", 0o644)
	if r := check(t, cs, root)["BK-KRN-01"]; r.Passed || r.Detail != "kernel.kptr_restrict is 0, not 2" {
		t.Errorf("a hidden file of settings was not seen: %+v", r)
	}
}

// TestFileNameForgesAResult gives files and accounts names that look like the
// lines of results.
func TestFileNameForgesAResult(t *testing.T) {
	cs := load(t)
	root, _ := newTree(t)
	for _, name := range []string{"x\nBK-FS-01\tpass\t", "\nend", "\nend\n"} {
		write(t, root+"/srv/"+name, "", 0o6777)
	}
	write(t, root+"/etc/passwd", "end::0:0::/:\nend\n\tpass\t::0:0::/:/bin/sh\n", 0o644)
	results := check(t, cs, root)
	for _, id := range []string{"BK-FS-01", "BK-FS-03", "BK-ACC-01", "BK-ACC-02"} {
		if results[id].Passed {
			t.Errorf("%+v", results[id])
		}
	}
}

// TestUnreadableTreeDoesNotPass has a tree that fails to be read: no control
// may pass that needs what cannot be read.
func TestUnreadableTreeDoesNotPass(t *testing.T) {
	cs := load(t)
	root, _ := newTree(t)
	applied(t, cs, root)
	folder, err := tree.OpenFolder(root)
	must(t, err)
	defer folder.Close()
	whole, err := Tree(t.Context(), Subject{Tree: folder}, cs, Options{})
	must(t, err)
	for _, broken := range []string{"lstat", "readdir", "open"} {
		results, err := Tree(t.Context(), Subject{Tree: faulty{folder, broken}}, cs, Options{})
		must(t, err)
		for i, r := range results {
			looks := r.ID == "BK-FS-01" && broken == "readdir" || r.ID == "BK-ACC-01" && broken != "readdir" || r.ID == "BK-KRN-01" || r.ID == "BK-FS-05" && broken == "readdir"
			if looks && (r.Passed || !strings.Contains(r.Detail, "did not finish") || !whole[i].Passed) {
				t.Errorf("%s fails: %+v", broken, r)
			}
		}
	}
}

// faulty is a tree that one of its methods cannot read below /etc.
type faulty struct {
	tree.Tree
	broken string
}

func (f faulty) fails(method, name string) bool {
	return f.broken == method && strings.HasPrefix(name, "/etc/") || f.broken == method && name == "/etc" && method == "readdir"
}

func (f faulty) Lstat(name string) (tree.Info, error) {
	if f.fails("lstat", name) {
		return tree.Info{}, io.ErrUnexpectedEOF
	}
	return f.Tree.Lstat(name)
}

func (f faulty) ReadDir(name string) ([]tree.Entry, error) {
	if f.fails("readdir", name) {
		return nil, io.ErrUnexpectedEOF
	}
	return f.Tree.ReadDir(name)
}

func (f faulty) Open(name string) (io.ReadCloser, error) {
	if f.fails("open", name) {
		return nil, io.ErrUnexpectedEOF
	}
	return f.Tree.Open(name)
}

func values(results map[string]controls.Result) []controls.Result {
	var all []controls.Result
	for _, r := range results {
		all = append(all, r)
	}
	return all
}
