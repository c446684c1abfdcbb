package test

import (
	"os"
	"path/filepath"
	"strings"

	"github.com/bakelite/bakelite/internal/artifact"
	"github.com/bakelite/bakelite/internal/registry"
	"github.com/bakelite/bakelite/publish/attest"
	"github.com/bakelite/bakelite/publish/intoto"
	"github.com/bakelite/bakelite/test/harness"
)

// publishBoth publishes what was baked into the folder "dist", to a registry
// and to the folder below it, and verifies image and disk as their users do:
// by reference, by the real cosign, and the disk's files where they lie.
func publishBoth(s harness.Shop, args ...string) {
	s.T.Helper()
	r := harness.Serve(s.T, harness.Distribution(s.T))
	for _, to := range []string{r.Host + "/team", registry.LayoutPrefix + filepath.Join(s.Out, "published")} {
		publish := append([]string{"publish", "--json", "--output", "dist", "--registry", to, "--key", s.Key, "--database", s.Database}, args...)
		made := s.Run(append(publish, "web")...).Result(s.T)
		if made.Rebuilt || len(made.Published) != 2 {
			s.T.Fatalf("published is %+v, rebuilt is %v", made.Published, made.Rebuilt)
		}
		for i, want := range []struct{ kind, repository string }{{artifact.Container, "/web"}, {artifact.Disk, "/web-disk"}} {
			p := made.Published[i]
			if p.Again || p.Kind != want.kind || p.Repository != to+want.repository || p.Uploaded == 0 || p.Verdict != "passed" || len(p.Referrers) != len(harness.Stated()) {
				s.T.Errorf("published is %+v", p)
			}
			s.Verify("--public-key", s.Public, p.Ref).Want(s.T, 0).Says(s.T, append(harness.Stated(), p.Digest)...)
			if i := s.Inspect(p.Repository); !i.Verified || i.Tests == nil || i.Report.ArtifactKind != want.kind || len(i.Report.Packages) == 0 {
				s.T.Errorf("inspect says verified %v (%q), a report on a %s with %d packages", i.Verified, i.Reasons, i.Report.ArtifactKind, len(i.Report.Packages))
			}
			ref := p.Repository
			if !strings.HasPrefix(ref, registry.LayoutPrefix) {
				ref += ":latest"
			}
			harness.NewCosign(s.T, s.Public).Verifies(ref)
		}
		writes := r.Writes.Load()
		for _, p := range s.Run(append(publish, "web")...).Result(s.T).Published {
			if !p.Again || r.Writes.Load() != writes {
				s.T.Errorf("the second time: %+v, with %d writes", p, r.Writes.Load()-writes)
			}
		}
	}
	verifyFiles(s, r.Host+"/team/web")
}

// verifyFiles verifies the disk's files by the bundles beside them, and then
// with a byte or the bundles changed.
func verifyFiles(s harness.Shop, container string) {
	s.T.Helper()
	for _, name := range []string{"web.qcow2", "web.raw"} {
		disk := filepath.Join(s.Out, name)
		s.Verify("--public-key", s.Public, disk).Want(s.T, 0).Says(s.T, append(harness.Stated(), disk)...)
		sum, _, _ := strings.Cut(harness.Read(s.T, disk+".sha256"), " ")
		s.Verify("--public-key", s.Public, "--json", disk).Want(s.T, 0).Says(s.T, "sha256:"+sum)
		middle := harness.FileSize(s.T, disk) / 2
		harness.FlipByte(s.T, disk, middle)
		s.Verify("--public-key", s.Public, disk).Want(s.T, 6, "it is about another file", "there is no signature")
		harness.FlipByte(s.T, disk, middle)
		s.Verify("--public-key", s.Public, disk).Want(s.T, 0)
	}
	disk := filepath.Join(s.Out, "web.qcow2")
	beside := disk + ".sigstore.jsonl"
	genuine := harness.Read(s.T, beside)
	var others strings.Builder
	for _, b := range harness.Bundles(s.T, container) {
		others.Write(append(b, '\n'))
	}
	harness.Overwrite(s.T, beside, []byte(others.String()))
	s.Verify("--public-key", s.Public, disk).Want(s.T, 6, "it is about another file", "there is no signature")
	lines := strings.SplitAfterN(genuine, "\n", 2)
	if v, err := attest.Unverified([]byte(lines[0])); err != nil || v.PredicateType != intoto.SignatureType {
		s.T.Errorf("the first bundle is %s (%v)", v.PredicateType, err)
	}
	harness.Overwrite(s.T, beside, []byte(lines[1]))
	s.Verify("--public-key", s.Public, disk).Want(s.T, 6, "there is no signature")
	if err := os.Remove(beside); err != nil {
		s.T.Fatal(err)
	}
	s.Verify("--public-key", s.Public, disk).Want(s.T, 6, "is not signed", "next:")
	harness.Overwrite(s.T, beside, []byte(genuine))
	s.Verify("--public-key", s.Public, disk).Want(s.T, 0)
}
