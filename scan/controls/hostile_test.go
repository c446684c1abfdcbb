package controls

import (
	"os"
	"path/filepath"
	"strings"
	"testing"
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
			if _, err := shell(t, ApplyScript(cs), "ROOT="+root); err == nil {
				t.Errorf("a tree with %s -> %s was taken", place, to)
			}
			failed := ScoreOf(values(check(t, cs, root))).Failed
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
			_, err := shell(t, ApplyScript(cs), "ROOT="+root)
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
	cs := only(Setting{Kind: "file", Path: "/etc/issue", Mode: "0644", Content: "hello\n"})
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
	apply(t, For(cs, Container, 2), root)
	results := check(t, For(cs, Container, 2), root)
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
	apply(t, cs, root)
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
	if r := results["BK-KRN-01"]; r.Passed || !strings.Contains(r.Detail, "a name in /etc/sysctl.d has a line break") {
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

// TestBrokenToolDoesNotPass runs the checks with programs that fail, or that
// are not there: no control may pass that needs one of them.
func TestBrokenToolDoesNotPass(t *testing.T) {
	cs := only(Setting{Kind: "no-special-bits"}, Setting{Kind: "sysctl", Values: map[string]string{"kernel.sysrq": "0"}},
		Setting{Kind: "no-password"}, Setting{Kind: "absent", Paths: []string{"/etc/none"}})
	root, _ := newTree(t)
	apply(t, cs, root)
	for _, tool := range []string{"find", "mawk", "realpath", "tr", "sort", "stat"} {
		shim := t.TempDir()
		write(t, shim+"/"+tool, "#!/bin/sh\nexit 1\n", 0o755)
		out, err := shell(t, "PATH="+shim+":$PATH\n"+CheckScript(cs), "ROOT="+root)
		results, parseErr := ParseResults(strings.NewReader(string(out.Stdout)), cs)
		if err == nil && parseErr == nil && results[0].Passed {
			t.Errorf("passed without %s", tool)
		}
		if tool == "stat" && (parseErr != nil || results[0].Detail != "the check did not finish") {
			t.Errorf("without %s: %+v, %v", tool, results, parseErr)
		}
	}
}

func TestMissingTreeIsRefused(t *testing.T) {
	for _, root := range []string{"", "/nowhere/at/all"} {
		for _, script := range []string{ApplyScript(load(t)), CheckScript(load(t))} {
			if _, err := shell(t, script, "ROOT="+root); err == nil {
				t.Errorf("ROOT=%q was taken", root)
			}
		}
	}
	if _, err := os.Stat("/etc/sysctl.d/90-bakelite.conf"); err == nil {
		t.Error("this machine was changed")
	}
}

func values(results map[string]Result) []Result {
	var all []Result
	for _, r := range results {
		all = append(all, r)
	}
	return all
}
