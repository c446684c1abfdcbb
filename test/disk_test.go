package test

import (
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/bakelite/bakelite/internal/artifact"
	"github.com/bakelite/bakelite/internal/registry"
	"github.com/bakelite/bakelite/publish/attest"
)

// publishBoth publishes what was baked into the folder "dist", to a registry
// and to the folder below it, and verifies image and disk as their users do:
// by reference, by the real cosign, and the disk's files where they lie.
func publishBoth(s shop, args ...string) {
	s.t.Helper()
	r := serve(s.t, distribution(s.t))
	for _, to := range []string{r.host + "/team", registry.LayoutPrefix + filepath.Join(s.out, "published")} {
		publish := append([]string{"publish", "--json", "--output", "dist", "--registry", to, "--key", s.key, "--database", s.database}, args...)
		made := s.run(append(publish, "web")...).result(s.t)
		if made.Rebuilt || len(made.Published) != 2 {
			s.t.Fatalf("published is %+v, rebuilt is %v", made.Published, made.Rebuilt)
		}
		for i, want := range []struct{ kind, repository string }{{artifact.Container, "/web"}, {artifact.Disk, "/web-disk"}} {
			p := made.Published[i]
			if p.Again || p.Kind != want.kind || p.Repository != to+want.repository || p.Uploaded == 0 || p.Verdict != "passed" || len(p.Referrers) != len(stated()) {
				s.t.Errorf("published is %+v", p)
			}
			s.verify("--public-key", s.public, p.Ref).want(s.t, 0).says(s.t, append(stated(), p.Digest)...)
			if i := s.inspect(p.Repository); !i.Verified || i.Tests == nil || i.Report.ArtifactKind != want.kind || len(i.Report.Packages) == 0 {
				s.t.Errorf("inspect says verified %v (%q), a report on a %s with %d packages", i.Verified, i.Reasons, i.Report.ArtifactKind, len(i.Report.Packages))
			}
			ref := p.Repository
			if !strings.HasPrefix(ref, registry.LayoutPrefix) {
				ref += ":latest"
			}
			newCosign(s.t, s.public).verifies(ref)
		}
		writes := r.writes.Load()
		for _, p := range s.run(append(publish, "web")...).result(s.t).Published {
			if !p.Again || r.writes.Load() != writes {
				s.t.Errorf("the second time: %+v, with %d writes", p, r.writes.Load()-writes)
			}
		}
	}
	verifyFiles(s, r.host+"/team/web")
}

// verifyFiles verifies the disk's files by the bundles beside them, and then
// with a byte or the bundles changed.
func verifyFiles(s shop, container string) {
	s.t.Helper()
	for _, name := range []string{"web.qcow2", "web.raw"} {
		disk := filepath.Join(s.out, name)
		s.verify("--public-key", s.public, disk).want(s.t, 0).says(s.t, append(stated(), disk)...)
		sum, _, _ := strings.Cut(read(s.t, disk+".sha256"), " ")
		s.verify("--public-key", s.public, "--json", disk).want(s.t, 0).says(s.t, "sha256:"+sum)
		middle := fileSize(s.t, disk) / 2
		flipByte(s.t, disk, middle)
		s.verify("--public-key", s.public, disk).want(s.t, 6, "it is about another file", "there is no signature")
		flipByte(s.t, disk, middle)
		s.verify("--public-key", s.public, disk).want(s.t, 0)
	}
	disk := filepath.Join(s.out, "web.qcow2")
	beside := disk + ".sigstore.jsonl"
	genuine := read(s.t, beside)
	var others strings.Builder
	for _, b := range bundles(s.t, container) {
		others.Write(append(b, '\n'))
	}
	overwrite(s.t, beside, []byte(others.String()))
	s.verify("--public-key", s.public, disk).want(s.t, 6, "it is about another file", "there is no signature")
	lines := strings.SplitAfterN(genuine, "\n", 2)
	if v, err := attest.Unverified([]byte(lines[0])); err != nil || v.PredicateType != attest.SignatureType {
		s.t.Errorf("the first bundle is %s (%v)", v.PredicateType, err)
	}
	overwrite(s.t, beside, []byte(lines[1]))
	s.verify("--public-key", s.public, disk).want(s.t, 6, "there is no signature")
	if err := os.Remove(beside); err != nil {
		s.t.Fatal(err)
	}
	s.verify("--public-key", s.public, disk).want(s.t, 6, "is not signed", "next:")
	overwrite(s.t, beside, []byte(genuine))
	s.verify("--public-key", s.public, disk).want(s.t, 0)
}

func fileSize(t *testing.T, path string) int64 {
	t.Helper()
	info, err := os.Stat(path)
	if err != nil {
		t.Fatal(err)
	}
	return info.Size()
}

func flipByte(t *testing.T, path string, at int64) {
	t.Helper()
	f, err := os.OpenFile(path, os.O_RDWR, 0)
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	one := make([]byte, 1)
	if _, err := f.ReadAt(one, at); err != nil {
		t.Fatal(err)
	}
	if _, err := f.WriteAt([]byte{one[0] ^ 1}, at); err != nil {
		t.Fatal(err)
	}
}
