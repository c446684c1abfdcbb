package test

import (
	"net/http"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/bakelite/bakelite/publish/attest"
	"github.com/bakelite/bakelite/publish/attest/sigstoretest"
	"github.com/bakelite/bakelite/publish/intoto"
	"github.com/bakelite/bakelite/test/harness"
)

// databases makes some, each an hour newer than the one before.
func databases(t *testing.T, n int) (all []string) {
	t.Helper()
	dir := harness.Folder(t)
	for i := range n {
		at := filepath.Join(dir, string(rune('a'+i)))
		harness.MakeDatabase(t, at, time.Now().Add(time.Duration(i-n)*time.Hour), "")
		all = append(all, at)
	}
	return all
}

// inCommon counts the referrers that two publications have in common.
func inCommon(a, b harness.Publication) (n int) {
	for _, r := range a.Referrers {
		if slices.Contains(b.Referrers, r) {
			n++
		}
	}
	return n
}

// states fails the test where a reference has not as many statements of the
// build, and of the scan, as it should.
func states(s harness.Shop, ref string, lasting, nights int) {
	s.T.Helper()
	i := s.Inspect(ref)
	for _, kind := range harness.Stated() {
		want := lasting
		if kind == intoto.ScanType || kind == intoto.VerdictType {
			want = nights
		}
		if i.Statements[kind] != want {
			s.T.Errorf("%s is stated %d times, want %d", kind, i.Statements[kind], want)
		}
	}
	if !i.Verified {
		s.T.Errorf("%s is refused: %q", ref, i.Reasons)
	}
}

// TestNightlyPublication publishes the same content by newer databases: two
// statements more each time. Another key states all of it, and is a stranger
// to the first one's consumers: what it states does not count, and their next
// night takes two again.
func TestNightlyPublication(t *testing.T) {
	nights := databases(t, 4)
	for name, kind := range harness.Registries() {
		t.Run(name, func(t *testing.T) {
			s, r := harness.OpenShop(t), harness.Serve(t, kind(t))
			ref, to := r.Host+"/team/web", []string{"--registry", r.Host + "/team", "--policy", s.Policy(harness.Asks("")), "--database"}
			first := s.Sold(append(to, nights[0])...)
			second := s.Sold(append(to, nights[1])...)
			if second.Again || len(second.Referrers) != len(harness.Stated()) || inCommon(first, second) != 6 {
				t.Errorf("after %+v comes %+v", first, second)
			}
			states(s, ref, 1, 2)
			s.Verify("--policy", s.Policy(harness.Asks("")), ref).Want(t, 0)
			harness.NewCosign(t, s.Public).Verifies(ref + ":latest")

			other := filepath.Join(harness.Folder(t), "other")
			s.Run("keygen", "--name", other).Want(t, 0)
			third := s.Sold("--registry", r.Host+"/team", "--key", other+".key", "--database", nights[2])
			if inCommon(first, third)+inCommon(second, third) != 0 || len(third.Referrers) != len(harness.Stated()) {
				t.Errorf("another key's is %+v", third)
			}
			fourth := s.Sold(append(to, nights[3])...)
			if inCommon(second, fourth) != 6 || inCommon(third, fourth) != 0 {
				t.Errorf("after another key's comes %+v", fourth)
			}
			states(s, ref, 1, 3)
			s.Verify("--public-key", other+".pub", ref).Want(t, 0)
			harness.NewCosign(t, s.Public).Verifies(ref + ":latest")
		})
	}
}

// TestTestsRunLater publishes a container without its tests, and again with
// them, which bakes it once more: the tests are stated, and the rest stands.
func TestTestsRunLater(t *testing.T) {
	s, r := harness.Branch(t), harness.Serve(t, harness.MemoryRegistry(t))
	to := []string{"--registry", r.Host + "/team", "--policy", s.Policy("gate: {allowSkippedTests: true}\n" + harness.Asks(""))}
	first := s.Sold(append(to, "--skip-tests")...)
	if i := s.Inspect(first.Ref); !i.Tests.Skipped {
		t.Errorf("the tests are %+v", i.Tests)
	}
	second := s.Sold(to...)
	if second.Digest != first.Digest || inCommon(first, second) != 5 {
		t.Errorf("after %+v comes %+v", first, second)
	}
	if i := s.Inspect(first.Ref); !i.Verified || i.Tests.Skipped || len(i.Tests.Results) == 0 || i.Statements[intoto.TestsType] != 2 {
		t.Errorf("%q; the tests are %+v", i.Reasons, i.Tests)
	}
}

// TestKilledBeforeTheNames kills a publisher when it has sent all but the
// names. The next one takes what it finds, and states the build once.
func TestKilledBeforeTheNames(t *testing.T) {
	for name, kind := range harness.Registries() {
		t.Run(name, func(t *testing.T) {
			s, r := harness.OpenShop(t), harness.Serve(t, kind(t))
			reached, ended := make(chan struct{}), make(chan struct{})
			var once sync.Once
			r.Before = func(q *http.Request) {
				if q.Method == http.MethodPut && strings.HasSuffix(q.URL.Path, "/manifests/latest") {
					once.Do(func() {
						close(reached)
						<-ended
						panic(http.ErrAbortHandler)
					})
				}
			}
			c := s.Start(s.Publishing("--registry", r.Host+"/team")...)
			select {
			case <-reached:
				c.Signal(os.Kill)
			case <-c.Ended:
				t.Error("no name was written")
			}
			c.Wait()
			close(ended)
			p := s.Sold("--registry", r.Host+"/team")
			if p.Again {
				t.Error("the next publisher found nothing to do")
			}
			states(s, p.Ref, 1, 2)
			s.Verify("--public-key", s.Public, r.Host+"/team/web").Want(t, 0)
		})
	}
}

// TestNightlyKeyless publishes container and disk as an identity: the log gets
// two entries of each for the second night. The bundles beside the disk are
// all of them, and another identity states all anew.
func TestNightlyKeyless(t *testing.T) {
	s := harness.OpenKeylessShop(t, true)
	r, nights := harness.Serve(t, harness.MemoryRegistry(t)), databases(t, 3)
	to := append(s.Addresses("1"), "--registry", r.Host+"/team")
	disk := filepath.Join(s.Out, "web.qcow2")
	signed := 0
	for i, want := range []int{len(harness.Stated()), 2, len(harness.Stated())} {
		subject := harness.Robot
		if i == 2 {
			subject = "https://git.example/team/web/other.yml@refs/heads/main"
			s.File("token", sigstoretest.Token(subject, harness.Issuer))
		}
		policy := s.Asks(subject, harness.Issuer, "root.json")
		made := s.Publish(append(slices.Clone(to), "--policy", policy, "--database", nights[i])...).Result(t).Published
		if len(made) != 2 || len(made[0].Referrers) != len(harness.Stated()) || len(made[1].Referrers) != len(harness.Stated()) {
			t.Errorf("night %d: %+v", i, made)
		}
		logged := len(s.Sigstore.Received(sigstoretest.RekorPath))
		if logged-signed != 2*want {
			t.Errorf("night %d: %d entries were logged, want %d", i, logged-signed, 2*want)
		}
		signed = logged
		for _, name := range []string{made[0].Ref, made[1].Ref, disk} {
			s.Verify("--policy", policy, name).Want(t, 0).Says(t, append(harness.Stated(), subject)...)
		}
		if err := harness.NewCosign(t, "").VerifiesKeyless(made[0].Ref, filepath.Join(s.Dir, "root.json"), subject, harness.Issuer); err != nil {
			t.Errorf("night %d: cosign: %v", i, err)
		}
		lines := strings.Split(strings.TrimSuffix(harness.Read(t, disk+".sigstore.jsonl"), "\n"), "\n")
		if v, err := attest.Unverified([]byte(lines[0])); err != nil || len(lines) != len(harness.Stated()) || v.PredicateType != intoto.SignatureType {
			t.Errorf("night %d: %d bundles are beside the disk, the first states %s (%v)", i, len(lines), v.PredicateType, err)
		}
	}
}
