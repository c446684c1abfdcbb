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
)

// databases makes some, each an hour newer than the one before.
func databases(t *testing.T, n int) (all []string) {
	t.Helper()
	dir := folder(t)
	for i := range n {
		at := filepath.Join(dir, string(rune('a'+i)))
		makeDatabase(t, at, time.Now().Add(time.Duration(i-n)*time.Hour), "")
		all = append(all, at)
	}
	return all
}

// inCommon counts the referrers that two publications have in common.
func inCommon(a, b publication) (n int) {
	for _, r := range a.Referrers {
		if slices.Contains(b.Referrers, r) {
			n++
		}
	}
	return n
}

// states fails the test where a reference has not as many statements of the
// build, and of the scan, as it should.
func (s shop) states(ref string, lasting, nights int) {
	s.t.Helper()
	i := s.inspect(ref)
	for _, kind := range stated() {
		want := lasting
		if kind == attest.ScanType || kind == attest.VerdictType {
			want = nights
		}
		if i.Statements[kind] != want {
			s.t.Errorf("%s is stated %d times, want %d", kind, i.Statements[kind], want)
		}
	}
	if !i.Verified {
		s.t.Errorf("%s is refused: %q", ref, i.Reasons)
	}
}

// TestNightlyPublication publishes the same content by newer databases: two
// statements more each time. Another key states all of it, and is a stranger
// to the first one's consumers: what it states does not count, and their next
// night takes two again.
func TestNightlyPublication(t *testing.T) {
	nights := databases(t, 4)
	for name, kind := range registries() {
		t.Run(name, func(t *testing.T) {
			s, r := openShop(t), serve(t, kind(t))
			ref, to := r.host+"/team/web", []string{"--registry", r.host + "/team", "--policy", s.policy(asks("")), "--database"}
			first := s.sold(append(to, nights[0])...)
			second := s.sold(append(to, nights[1])...)
			if second.Again || len(second.Referrers) != len(stated()) || inCommon(first, second) != 6 {
				t.Errorf("after %+v comes %+v", first, second)
			}
			s.states(ref, 1, 2)
			s.verify("--policy", s.policy(asks("")), ref).want(t, 0)
			newCosign(t, s.public).verifies(ref + ":latest")

			other := filepath.Join(folder(t), "other")
			s.run("keygen", "--name", other).want(t, 0)
			third := s.sold("--registry", r.host+"/team", "--key", other+".key", "--database", nights[2])
			if inCommon(first, third)+inCommon(second, third) != 0 || len(third.Referrers) != len(stated()) {
				t.Errorf("another key's is %+v", third)
			}
			fourth := s.sold(append(to, nights[3])...)
			if inCommon(second, fourth) != 6 || inCommon(third, fourth) != 0 {
				t.Errorf("after another key's comes %+v", fourth)
			}
			s.states(ref, 1, 3)
			s.verify("--public-key", other+".pub", ref).want(t, 0)
			newCosign(t, s.public).verifies(ref + ":latest")
		})
	}
}

// TestTestsRunLater publishes a container without its tests, and again with
// them, which bakes it once more: the tests are stated, and the rest stands.
func TestTestsRunLater(t *testing.T) {
	s, r := branch(t), serve(t, memoryRegistry(t))
	to := []string{"--registry", r.host + "/team", "--policy", s.policy("gate: {allowSkippedTests: true}\n" + asks(""))}
	first := s.sold(append(to, "--skip-tests")...)
	if i := s.inspect(first.Ref); !i.Tests.Skipped {
		t.Errorf("the tests are %+v", i.Tests)
	}
	second := s.sold(to...)
	if second.Digest != first.Digest || inCommon(first, second) != 5 {
		t.Errorf("after %+v comes %+v", first, second)
	}
	if i := s.inspect(first.Ref); !i.Verified || i.Tests.Skipped || len(i.Tests.Results) == 0 || i.Statements[attest.TestsType] != 2 {
		t.Errorf("%q; the tests are %+v", i.Reasons, i.Tests)
	}
}

// TestKilledBeforeTheNames kills a publisher when it has sent all but the
// names. The next one takes what it finds, and states the build once.
func TestKilledBeforeTheNames(t *testing.T) {
	for name, kind := range registries() {
		t.Run(name, func(t *testing.T) {
			s, r := openShop(t), serve(t, kind(t))
			reached, ended := make(chan struct{}), make(chan struct{})
			var once sync.Once
			r.before = func(q *http.Request) {
				if q.Method == http.MethodPut && strings.HasSuffix(q.URL.Path, "/manifests/latest") {
					once.Do(func() {
						close(reached)
						<-ended
						panic(http.ErrAbortHandler)
					})
				}
			}
			c := s.start(s.publishing("--registry", r.host+"/team")...)
			select {
			case <-reached:
				c.signal(os.Kill)
			case <-c.ended:
				t.Error("no name was written")
			}
			c.wait()
			close(ended)
			p := s.sold("--registry", r.host+"/team")
			if p.Again {
				t.Error("the next publisher found nothing to do")
			}
			s.states(p.Ref, 1, 2)
			s.verify("--public-key", s.public, r.host+"/team/web").want(t, 0)
		})
	}
}

// TestNightlyKeyless publishes container and disk as an identity: the log gets
// two entries of each for the second night. The bundles beside the disk are
// all of them, and another identity states all anew.
func TestNightlyKeyless(t *testing.T) {
	s := openStall(t, true)
	r, nights := serve(t, memoryRegistry(t)), databases(t, 3)
	to := append(s.addresses("1"), "--registry", r.host+"/team")
	disk := filepath.Join(s.out, "web.qcow2")
	signed := 0
	for i, want := range []int{len(stated()), 2, len(stated())} {
		subject := robot
		if i == 2 {
			subject = "https://git.example/team/web/other.yml@refs/heads/main"
			s.file("token", sigstoretest.Token(subject, issuer))
		}
		policy := s.asks(subject, issuer, "root.json")
		made := s.publish(append(slices.Clone(to), "--policy", policy, "--database", nights[i])...).result(t).Published
		if len(made) != 2 || len(made[0].Referrers) != len(stated()) || len(made[1].Referrers) != len(stated()) {
			t.Errorf("night %d: %+v", i, made)
		}
		logged := len(s.sigstore.Received(sigstoretest.RekorPath))
		if logged-signed != 2*want {
			t.Errorf("night %d: %d entries were logged, want %d", i, logged-signed, 2*want)
		}
		signed = logged
		for _, name := range []string{made[0].Ref, made[1].Ref, disk} {
			s.verify("--policy", policy, name).want(t, 0).says(t, append(stated(), subject)...)
		}
		if err := newCosign(t, "").keyless(made[0].Ref, filepath.Join(s.dir, "root.json"), subject, issuer); err != nil {
			t.Errorf("night %d: cosign: %v", i, err)
		}
		lines := strings.Split(strings.TrimSuffix(read(t, disk+".sigstore.jsonl"), "\n"), "\n")
		if v, err := attest.Unverified([]byte(lines[0])); err != nil || len(lines) != len(stated()) || v.PredicateType != attest.SignatureType {
			t.Errorf("night %d: %d bundles are beside the disk, the first states %s (%v)", i, len(lines), v.PredicateType, err)
		}
	}
}
