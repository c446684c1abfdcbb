package test

import (
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"io"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/bakelite/bakelite/internal/artifact"
	"github.com/bakelite/bakelite/internal/oci"
	"github.com/bakelite/bakelite/pipelines/results"
	"github.com/bakelite/bakelite/test/harness"
)

// TestWholeLine bakes a clean copy of the example, into an output folder that
// is named as users name it, by a relative path: stdout is one JSON object,
// both artifacts are there, whole and tested, and the receipt says so. A
// second run has nothing to do. Then both are published and verified.
func TestWholeLine(t *testing.T) {
	first, s := harness.FirstBake(t), harness.NewSite(t)
	r := s.Run("build", "--json", "--output", "dist", "web").Result(t)
	if r.App != "web" || !r.Rebuilt || len(r.LockDigest) != len("sha256:")+64 || len(r.Steps) == 0 || len(r.Changes) != 0 {
		t.Errorf("result is %+v", r)
	}
	s.Names("web.oci", "web.qcow2", "web.raw", "web.receipt.json")
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
	checkImage(s, r.Artifact(t, "layout"))
	checkFile(s, r.Artifact(t, "raw"))
	qcow2 := r.Artifact(t, "qcow2")
	checkFile(s, qcow2)
	harness.Tool(t, "qemu-img", "check", "-f", "qcow2", s.Path(qcow2))
	harness.Tool(t, "qemu-img", "compare", "-f", "qcow2", "-F", "raw", s.Path(qcow2), s.Path(r.Artifact(t, "raw")))
	checkReceipt(s, r)
	harness.LeavesNothing(t)
	for _, format := range []string{"layout", "raw", "qcow2"} {
		if r.Digest(t, format) != first.Outcome.Result(t).Digest(t, format) {
			t.Errorf("%s is %s, and was %s without tests", format, r.Digest(t, format), first.Outcome.Result(t).Digest(t, format))
		}
	}
	nothingToDo(s, r)
	onlyTheImage(s, r)
	seller := harness.OpenShop(t)
	s.Env = seller.Env
	seller.Site = s
	publishBoth(seller)
}

// onlyTheImage makes an image anew that is gone: the receipt still knows the
// disk, and a build of both has nothing to do.
func onlyTheImage(s harness.Site, before harness.Result) {
	s.T.Helper()
	if err := os.RemoveAll(s.Path(before.Artifact(s.T, "layout"))); err != nil {
		s.T.Fatal(err)
	}
	r := s.Run("build", "--json", "--output", "dist", "--target", "container", "web").Result(s.T)
	if !r.Rebuilt || len(r.Artifacts) != 1 || r.Digest(s.T, "layout") != before.Digest(s.T, "layout") {
		s.T.Errorf("the image alone gives %+v", r)
	}
	r = s.Run("build", "--json", "--output", "dist", "web").Result(s.T)
	if r.Rebuilt || !slices.Equal(r.Artifacts, before.Artifacts) {
		s.T.Errorf("the build of both after that gives %+v, the first gave %+v", r, before)
	}
}

// nothingToDo runs the same command again, with an engine address where
// nothing listens: work would fail.
func nothingToDo(s harness.Site, before harness.Result) {
	s.T.Helper()
	receipt, lock := harness.Read(s.T, filepath.Join(s.Out, "web.receipt.json")), harness.Read(s.T, s.Lock())
	r := s.Run("build", "--json", "--output", "dist", "--engine", "unix://"+filepath.Join(harness.Here.Dir, "nobody"), "web").Result(s.T)
	if r.Rebuilt || r.LockDigest != before.LockDigest || !slices.Equal(r.Artifacts, before.Artifacts) || !slices.Equal(r.Tests, before.Tests) {
		s.T.Errorf("the second run gives %+v, the first gave %+v", r, before)
	}
	if harness.Read(s.T, filepath.Join(s.Out, "web.receipt.json")) != receipt || harness.Read(s.T, s.Lock()) != lock {
		s.T.Error("the receipt or the lock was written again")
	}
}

func checkImage(s harness.Site, a artifact.Artifact) {
	s.T.Helper()
	named, err := oci.Only(s.Path(a))
	if err != nil || named != a.Digest || a.Kind != artifact.Container || a.Ref != a.Path+"@"+a.Digest {
		s.T.Errorf("layout names %s (%v), the result %+v", named, err, a)
	}
	if size, err := oci.Size(s.Path(a), a.Digest); err != nil || size != a.Size {
		s.T.Errorf("image has %d bytes (%v), the result says %d", size, err, a.Size)
	}
}

func checkFile(s harness.Site, a artifact.Artifact) {
	s.T.Helper()
	f, err := os.Open(s.Path(a))
	if err != nil {
		s.T.Fatal(err)
	}
	defer f.Close()
	hash := sha256.New()
	size, err := io.Copy(hash, f)
	if digest := "sha256:" + hex.EncodeToString(hash.Sum(nil)); err != nil || size != a.Size || digest != a.Digest {
		s.T.Errorf("%s has %d bytes and digest %s (%v), the result says %+v", a.Path, size, digest, err, a)
	}
}

// checkLog: the whole log of the run lies beside the receipt, for its user
// alone.
func checkLog(s harness.Site, r harness.Result) {
	s.T.Helper()
	path := filepath.Join(s.Out, "web.log")
	log := harness.Read(s.T, path)
	for _, step := range r.Steps {
		if !strings.Contains(log, step.Name) {
			s.T.Errorf("the log lacks the step %q", step.Name)
		}
	}
	for _, test := range r.Tests { // steps may all be cached, tests never are
		if !strings.Contains(log, "ok   "+test.Name+" (") {
			s.T.Errorf("the log lacks what the test %q wrote", test.Name)
		}
	}
	if info, err := os.Stat(path); err != nil || info.Mode() != 0o600 {
		s.T.Errorf("the log is %v (%v)", info, err)
	}
}

func checkReceipt(s harness.Site, r harness.Result) {
	s.T.Helper()
	var receipt results.Receipt
	if err := json.Unmarshal([]byte(harness.Read(s.T, filepath.Join(s.Out, "web.receipt.json"))), &receipt); err != nil {
		s.T.Fatal(err)
	}
	if receipt.LockDigest != r.LockDigest || receipt.TestsSkipped || !slices.Equal(receipt.Artifacts, r.Artifacts) ||
		len(receipt.Tests[artifact.Container].Results)+len(receipt.Tests[artifact.Disk].Results) != len(r.Tests) {
		s.T.Errorf("receipt is %+v, the result %+v", receipt, r)
	}
	for _, kind := range []string{artifact.Container, artifact.Disk} {
		checked := receipt.Tests[kind]
		if len(checked.Hardening) == 0 || kind == artifact.Disk && len(checked.Booted) != len(checked.Hardening) {
			s.T.Errorf("the %s has %d controls, and %d when booted", kind, len(checked.Hardening), len(checked.Booted))
		}
		for _, control := range append(checked.Hardening, checked.Booted...) {
			if !control.Passed {
				s.T.Errorf("%s: %s does not hold: %s", kind, control.ID, control.Detail)
			}
		}
	}
	if disk := receipt.Tests[artifact.Disk]; disk.BootSeconds <= 0 || disk.MemoryBytes <= 0 || receipt.Tests[artifact.Container].MemoryBytes <= 0 {
		s.T.Errorf("receipt lacks boot time or memory: %+v", receipt.Tests)
	}
}
