package test

import (
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/bakelite/bakelite/internal/artifact"
	"github.com/bakelite/bakelite/internal/oci"
	"github.com/bakelite/bakelite/pipelines/results"
)

// TestWholeLine bakes a clean copy of the example, into an output folder that
// is named as users name it, by a relative path: stdout is one JSON object,
// both artifacts are there, whole and tested, and the receipt says so. A
// second run has nothing to do. Then both are published and verified.
func TestWholeLine(t *testing.T) {
	first, s := firstBake(t), newSite(t)
	r := s.run("build", "--json", "--output", "dist", "web").result(t)
	if r.App != "web" || !r.Rebuilt || len(r.LockDigest) != len("sha256:")+64 || len(r.Steps) == 0 || len(r.Changes) != 0 {
		t.Errorf("result is %+v", r)
	}
	s.names("web.oci", "web.qcow2", "web.raw", "web.receipt.json")
	checkLog(s, r)
	passed := map[string]bool{}
	for _, test := range r.Tests {
		passed[test.Artifact+": "+test.Name] = test.Passed
		if !test.Passed {
			t.Errorf("%s: %s: %s", test.Artifact, test.Name, test.Detail)
		}
	}
	for _, kind := range []string{artifact.Container, artifact.Disk} {
		for _, name := range []string{"the page is served", "the port is open", "nginx accepts its configuration"} {
			if !passed[kind+": "+name] {
				t.Errorf("%s: %q did not pass or was not run: %v", kind, name, passed)
			}
		}
	}
	if !passed["disk: Secure Boot is enforced"] {
		t.Errorf("no firmware enforced Secure Boot: %v", passed)
	}
	checkImage(s, r.artifact(t, "layout"))
	checkFile(s, r.artifact(t, "raw"))
	qcow2 := r.artifact(t, "qcow2")
	checkFile(s, qcow2)
	tool(t, "qemu-img", "check", "-f", "qcow2", s.path(qcow2))
	tool(t, "qemu-img", "compare", "-f", "qcow2", "-F", "raw", s.path(qcow2), s.path(r.artifact(t, "raw")))
	checkReceipt(s, r)
	leavesNothing(t)
	for _, format := range []string{"layout", "raw", "qcow2"} {
		if r.digest(t, format) != first.outcome.result(t).digest(t, format) {
			t.Errorf("%s is %s, and was %s without tests", format, r.digest(t, format), first.outcome.result(t).digest(t, format))
		}
	}
	nothingToDo(s, r)
	onlyTheImage(s, r)
	seller := openShop(t)
	s.env = seller.env
	seller.site = s
	publishBoth(seller)
}

// onlyTheImage makes an image anew that is gone: the receipt still knows the
// disk, and a build of both has nothing to do.
func onlyTheImage(s site, before result) {
	s.t.Helper()
	if err := os.RemoveAll(s.path(before.artifact(s.t, "layout"))); err != nil {
		s.t.Fatal(err)
	}
	r := s.run("build", "--json", "--output", "dist", "--target", "container", "web").result(s.t)
	if !r.Rebuilt || len(r.Artifacts) != 1 || r.digest(s.t, "layout") != before.digest(s.t, "layout") {
		s.t.Errorf("the image alone gives %+v", r)
	}
	r = s.run("build", "--json", "--output", "dist", "web").result(s.t)
	if r.Rebuilt || !slices.Equal(r.Artifacts, before.Artifacts) {
		s.t.Errorf("the build of both after that gives %+v, the first gave %+v", r, before)
	}
}

// nothingToDo runs the same command again, with an engine address where
// nothing listens: work would fail.
func nothingToDo(s site, before result) {
	s.t.Helper()
	receipt, lock := read(s.t, filepath.Join(s.out, "web.receipt.json")), read(s.t, s.lock())
	r := s.run("build", "--json", "--output", "dist", "--engine", "unix://"+filepath.Join(here.dir, "nobody"), "web").result(s.t)
	if r.Rebuilt || r.LockDigest != before.LockDigest || !slices.Equal(r.Artifacts, before.Artifacts) || !slices.Equal(r.Tests, before.Tests) {
		s.t.Errorf("the second run gives %+v, the first gave %+v", r, before)
	}
	if read(s.t, filepath.Join(s.out, "web.receipt.json")) != receipt || read(s.t, s.lock()) != lock {
		s.t.Error("the receipt or the lock was written again")
	}
}

func checkImage(s site, a artifact.Artifact) {
	s.t.Helper()
	named, err := oci.Only(s.path(a))
	if err != nil || named != a.Digest || a.Kind != artifact.Container || a.Ref != a.Path+"@"+a.Digest {
		s.t.Errorf("layout names %s (%v), the result %+v", named, err, a)
	}
	if size, err := oci.Size(s.path(a), a.Digest); err != nil || size != a.Size {
		s.t.Errorf("image has %d bytes (%v), the result says %d", size, err, a.Size)
	}
}

func checkFile(s site, a artifact.Artifact) {
	s.t.Helper()
	f, err := os.Open(s.path(a))
	if err != nil {
		s.t.Fatal(err)
	}
	defer f.Close()
	hash := sha256.New()
	size, err := io.Copy(hash, f)
	if digest := "sha256:" + hex.EncodeToString(hash.Sum(nil)); err != nil || size != a.Size || digest != a.Digest {
		s.t.Errorf("%s has %d bytes and digest %s (%v), the result says %+v", a.Path, size, digest, err, a)
	}
}

// checkLog: the whole log of the run lies beside the receipt, for its user
// alone.
func checkLog(s site, r result) {
	s.t.Helper()
	path := filepath.Join(s.out, "web.log")
	log := read(s.t, path)
	for _, step := range r.Steps {
		if !strings.Contains(log, step.Name) {
			s.t.Errorf("the log lacks the step %q", step.Name)
		}
	}
	for _, test := range r.Tests { // steps may all be cached, tests never are
		if !strings.Contains(log, "ok   "+test.Name+" (") {
			s.t.Errorf("the log lacks what the test %q wrote", test.Name)
		}
	}
	if info, err := os.Stat(path); err != nil || info.Mode() != 0o600 {
		s.t.Errorf("the log is %v (%v)", info, err)
	}
}

func checkReceipt(s site, r result) {
	s.t.Helper()
	var receipt results.Receipt
	if err := json.Unmarshal([]byte(read(s.t, filepath.Join(s.out, "web.receipt.json"))), &receipt); err != nil {
		s.t.Fatal(err)
	}
	if receipt.LockDigest != r.LockDigest || receipt.TestsSkipped || !slices.Equal(receipt.Artifacts, r.Artifacts) ||
		len(receipt.Tests[artifact.Container].Results)+len(receipt.Tests[artifact.Disk].Results) != len(r.Tests) {
		s.t.Errorf("receipt is %+v, the result %+v", receipt, r)
	}
	for _, kind := range []string{artifact.Container, artifact.Disk} {
		checked := receipt.Tests[kind]
		if len(checked.Hardening) == 0 || kind == artifact.Disk && len(checked.Booted) != len(checked.Hardening) {
			s.t.Errorf("the %s has %d controls, and %d when booted", kind, len(checked.Hardening), len(checked.Booted))
		}
		for _, control := range append(checked.Hardening, checked.Booted...) {
			if !control.Passed {
				s.t.Errorf("%s: %s does not hold: %s", kind, control.ID, control.Detail)
			}
		}
	}
	if disk := receipt.Tests[artifact.Disk]; disk.BootSeconds <= 0 || disk.MemoryBytes <= 0 || receipt.Tests[artifact.Container].MemoryBytes <= 0 {
		s.t.Errorf("receipt lacks boot time or memory: %+v", receipt.Tests)
	}
}

// tool runs a program of this machine that must succeed.
func tool(t *testing.T, name string, args ...string) string {
	t.Helper()
	out, err := exec.Command(name, args...).CombinedOutput()
	if err != nil {
		t.Fatalf("%s %v: %v\n%s", name, args, err, out)
	}
	return string(out)
}
