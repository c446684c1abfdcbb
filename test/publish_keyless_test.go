package test

import (
	"bytes"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/bakelite/bakelite/internal/artifact"
	"github.com/bakelite/bakelite/internal/registry"
	"github.com/bakelite/bakelite/publish/attest/sigstoretest"
	"github.com/bakelite/bakelite/test/harness"
)

// TestKeyless publishes container and disk as an identity, to a registry with
// Rekor 1 by addresses, and to a folder with Rekor 2 by a signing config.
// Consumers who name the identity take them, others don't, and neither does
// cosign. Before that Fulcio gives one certificate of two: nothing is sent.
func TestKeyless(t *testing.T) {
	s := harness.OpenKeylessShop(t, true)
	r := harness.Serve(t, harness.MemoryRegistry(t))
	host := r.Host
	var asked atomic.Int32
	s.Sigstore.Fail = func(path string) (int, bool) {
		return http.StatusInternalServerError, path == sigstoretest.FulcioPath && asked.Add(1) > 1
	}
	s.Publish(append(s.Addresses("1"), "--registry", host+"/secret-team")...).Want(t, 4, "signing the disk", "next:")
	if r.Writes.Load() != 0 {
		t.Error("the container was sent although the disk could not be signed")
	}
	s.Sigstore.Fail = nil
	for _, tt := range []struct {
		name, to, log string
		how           []string
		cosign        []string
	}{
		{"Rekor 1, registry", host + "/secret-team", sigstoretest.RekorPath, s.Addresses("1"), nil},
		{"Rekor 2, folder", registry.LayoutPrefix + filepath.Join(s.Out, "published"), sigstoretest.RekorV2Path, s.Config(2), []string{"--use-signed-timestamps"}},
	} {
		t.Run(tt.name, func(t *testing.T) {
			s.T = t
			before := len(s.Sigstore.Received(tt.log))
			made := s.Publish(append(tt.how, "--registry", tt.to)...).Result(t)
			if made.Rebuilt || len(made.Published) != 2 {
				t.Fatalf("published is %+v, rebuilt is %v", made.Published, made.Rebuilt)
			}
			for i, kind := range []string{artifact.Container, artifact.Disk} {
				p := made.Published[i]
				if p.Kind != kind || p.Signer != harness.Robot+" (by "+harness.Issuer+")" || len(p.Referrers) != len(harness.Stated()) {
					t.Errorf("published is %+v", p)
				}
				checkConsumers(s, p, tt.cosign)
			}
			if logged := len(s.Sigstore.Received(tt.log)) - before; logged != 2*len(harness.Stated()) {
				t.Errorf("%d entries were logged", logged)
			}
			if again := s.Publish(append(tt.how, "--registry", tt.to)...).Result(t).Published; !again[0].Again || !again[1].Again {
				t.Errorf("the second time: %+v", again)
			}
		})
	}
	s.T = t
	disk := filepath.Join(s.Out, "web.qcow2")
	s.Verify("--policy", s.Asks(harness.Robot, harness.Issuer, "root.json"), disk).Want(t, 0).Says(t, append(harness.Stated(), harness.Robot)...)
	s.Verify("--policy", s.Asks(harness.Robot+"x", harness.Issuer, "root.json"), disk).Want(t, 6, "there is no signature")
}

// checkConsumers verifies one artifact by what its consumers may ask for.
func checkConsumers(s harness.KeylessShop, p harness.Publication, cosign []string) {
	s.T.Helper()
	other := harness.NewSigstore(s.T)
	s.File("other.json", string(harness.TrustedRoot(s.T, other)))
	for _, tt := range []struct {
		subject, issuer, root string
		code                  int
		text                  string
	}{
		{harness.Robot, harness.Issuer, "root.json", 0, ""},
		{strings.Replace(harness.Robot, "main", "mine", 1), harness.Issuer, "root.json", 6, "there is no signature"},
		{harness.Robot, harness.Issuer + "/", "root.json", 6, "there is no signature"},
		{harness.Robot, harness.Issuer, "other.json", 7, "the signature does not hold"},
	} {
		o := s.Verify("--policy", s.Asks(tt.subject, tt.issuer, tt.root), p.Ref).Want(s.T, tt.code, tt.text)
		if tt.code == 0 {
			o.Says(s.T, append(harness.Stated(), p.Digest, "signed by  "+harness.Robot+" (by "+harness.Issuer+")")...)
		}
		if p.Kind == artifact.Disk && tt.code != 0 {
			continue // cosign sees the same bundles as with the container
		}
		ref := p.Repository
		if !strings.HasPrefix(ref, registry.LayoutPrefix) {
			ref = p.Ref
		}
		c := harness.NewCosign(s.T, "")
		err := c.VerifiesKeyless(ref, filepath.Join(s.Dir, tt.root), tt.subject, tt.issuer, cosign...)
		if c != nil && (err == nil) != (tt.code == 0) {
			s.T.Errorf("cosign on %s by %s of %s with %s: %v", ref, tt.subject, tt.issuer, tt.root, err)
		}
	}
	s.Verify("--public-key", s.Public, p.Ref).Want(s.T, 6, "there is no signature")
}

// TestKeylessLogNamesNoPlace: what a public log was sent, statements included,
// names neither the registry nor the repository, unless the source is given.
func TestKeylessLogNamesNoPlace(t *testing.T) {
	s := harness.OpenKeylessShop(t, false)
	host := harness.Serve(t, harness.MemoryRegistry(t)).Host
	to := append(s.Addresses("1"), "--registry", host+"/secret-team")
	s.Publish(to...).Result(t)
	private := []string{host, "secret-team", s.Out, s.Dir}
	sent := everythingLogged(t, s.Sigstore)
	if !bytes.Contains(sent, []byte(`"name":"web"`)) {
		t.Errorf("the log was sent no statement: %.300s", sent)
	}
	for _, text := range private {
		if bytes.Contains(sent, []byte(text)) {
			t.Errorf("the log was sent %s", text)
		}
	}
	s.Publish(append(to, "--source", "https://git.example/secret-team/web")...).Result(t)
	if !bytes.Contains(everythingLogged(t, s.Sigstore), []byte("git.example/secret-team/web")) {
		t.Error("the source was asked for and is not there: this test would see no name")
	}
}

// everythingLogged is what Rekor was sent, with the statements decoded.
func everythingLogged(t *testing.T, s *sigstoretest.Sigstore) []byte {
	t.Helper()
	var all []byte
	for _, r := range s.Received(sigstoretest.RekorPath) {
		envelope, err := sigstoretest.Envelope(r.Body)
		if err != nil {
			t.Fatal(err)
		}
		statement, err := envelope.DecodeB64Payload()
		if err != nil {
			t.Fatal(err)
		}
		all = append(append(all, r.Body...), statement...)
	}
	return all
}

// TestKeylessOutOfReach has each service fail for good: it is asked a few
// times, nothing is published, and with a fallback the key signs and says so.
func TestKeylessOutOfReach(t *testing.T) {
	for name, tt := range map[string]struct{ path, version, says string }{
		"Fulcio":                  {sigstoretest.FulcioPath, "1", "Fulcio did not answer 4 times: 500"},
		"Rekor 1":                 {sigstoretest.RekorPath, "1", "the transparency log did not answer 4 times"},
		"Rekor 2":                 {sigstoretest.RekorV2Path, "2", "the transparency log did not answer 4 times"},
		"the timestamp authority": {sigstoretest.TimestampPath, "2", "the timestamp authority did not answer 4 times: 500"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			s := harness.OpenKeylessShop(t, false)
			var asked atomic.Int32
			s.Sigstore.Fail = func(path string) (int, bool) {
				if path == tt.path {
					asked.Add(1)
				}
				return http.StatusInternalServerError, path == tt.path
			}
			r := harness.Serve(t, harness.MemoryRegistry(t))
			to := append(s.Addresses(tt.version), "--registry", r.Host+"/team")
			s.Publish(to...).Want(t, 4, tt.says, "next: try again later, or sign with a key")
			if r.Writes.Load() != 0 || asked.Load() != 4 {
				t.Errorf("%d writes to the registry, and %d requests", r.Writes.Load(), asked.Load())
			}
			p := s.Publish(append(to, "--key", s.Key, "--fallback-to-key")...).Result(t).Published
			if len(p) != 1 || !strings.HasPrefix(p[0].Signer, "key sha256:") || !strings.Contains(p[0].Signer, "the fallback, since Sigstore was out of reach") || asked.Load() != 8 {
				t.Errorf("published is %+v, after %d requests", p, asked.Load())
			}
			s.Verify("--public-key", s.Public, p[0].Ref).Want(t, 0).Says(t, harness.Stated()...)
		})
	}
}

// TestKeylessRefusedToken: a token that will not do ends it at once, with the
// reason, and no fallback stands in.
func TestKeylessRefusedToken(t *testing.T) {
	s := harness.OpenKeylessShop(t, false)
	r := harness.Serve(t, harness.MemoryRegistry(t))
	to := append(s.Addresses("1"), "--registry", r.Host+"/team", "--key", s.Key, "--fallback-to-key")
	s.Sigstore.Echo = true
	for name, tt := range map[string]struct {
		claims sigstoretest.Claims
		says   string
	}{
		"expired":          {sigstoretest.Claims{Subject: harness.Robot, Issuer: harness.Issuer, Audience: "sigstore", Expires: 1e9}, "next: the token expired at 2001-09-09T01:46:40Z: get a new one"},
		"another audience": {sigstoretest.Claims{Subject: harness.Robot, Issuer: harness.Issuer, Audience: "vault", Expires: time.Now().Add(time.Hour).Unix()}, `next: the token is for the audience ["vault"]: get one for the audience sigstore`},
	} {
		token := tt.claims.Token()
		s.File("token", token)
		before := len(s.Sigstore.Received(sigstoretest.FulcioPath))
		o := s.Publish(to...).Want(t, 6, "Fulcio", tt.says)
		if asked := len(s.Sigstore.Received(sigstoretest.FulcioPath)) - before; asked != 1 || r.Writes.Load() != 0 {
			t.Errorf("%s: Fulcio was asked %d times, the registry got %d writes", name, asked, r.Writes.Load())
		}
		if strings.Contains(o.Stdout+o.Stderr, token) {
			t.Errorf("%s: the token is shown", name)
		}
	}
	s.Env = append(s.Env, "BAKELITE_SIGN_TOKEN="+filepath.Join(s.Dir, "none"))
	s.Publish(to...).Want(t, 3, "sign.token (environment BAKELITE_SIGN_TOKEN)", "none", "next: write a token")
	s.Env = append(s.Env, "BAKELITE_SIGN_TOKEN=", "ACTIONS_ID_TOKEN_REQUEST_URL=", "ACTIONS_ID_TOKEN_REQUEST_TOKEN=")
	s.Publish(to...).Want(t, 3, "no token to sign with", "next: add the permission id-token: write")
	s.Env = append(s.Env, "ACTIONS_ID_TOKEN_REQUEST_URL="+s.Sigstore.URL()+sigstoretest.ActionsPath, "ACTIONS_ID_TOKEN_REQUEST_TOKEN=wrong")
	s.Publish(to...).Want(t, 6, "GitHub Actions refused", "next:")
	s.Publish(slices.Concat(to, []string{"--trusted-root", "none.json"})...).Want(t, 3, "sign.trusted-root (flag --trusted-root)", "none.json", "next:")
	s.Publish(slices.Concat(to, []string{"--fulcio", "http://fulcio.example"})...).Want(t, 2, "sign.fulcio (flag --fulcio)", "next: give an https address")
	s.Publish("--rekor", s.Sigstore.URL()).Want(t, 2, "sign.rekor (flag --rekor)", "sign.fulcio, sign.trusted-root", "next:")
	if r.Writes.Load() != 0 {
		t.Errorf("the registry got %d writes", r.Writes.Load())
	}
}

// TestKeylessInActions signs with the token that GitHub Actions gives the job.
// No other process has it or what it is asked for with, and neither is shown
// or written.
func TestKeylessInActions(t *testing.T) {
	s := harness.OpenKeylessShop(t, false)
	s.Sigstore.Bearer, s.Sigstore.Token = "bearer-x7Qp41", sigstoretest.Token(harness.Robot, harness.Issuer)
	s.Env = append(s.Env, "BAKELITE_SIGN_TOKEN=",
		"ACTIONS_ID_TOKEN_REQUEST_URL="+s.Sigstore.URL()+sigstoretest.ActionsPath+"?api-version=2.0", "ACTIONS_ID_TOKEN_REQUEST_TOKEN="+s.Sigstore.Bearer)
	if err := os.Remove(filepath.Join(s.Dir, "token")); err != nil {
		t.Fatal(err)
	}
	newer := filepath.Join(s.Dir, "db") // the scanner has work with it
	harness.MakeDatabase(t, newer, time.Now().Add(-time.Hour), "")
	secrets := []string{s.Sigstore.Bearer, s.Sigstore.Token}
	c := s.Start(append(slices.Concat(s.Args, s.Config(2)), "--database", newer, "--progress", "plain", "web")...)
	seen, leaks := watch(c, secrets)
	o := c.Wait()
	p := o.Result(t).Published[0]
	if !slices.ContainsFunc(seen, func(line string) bool { return strings.Contains(line, "bakelite-scan") }) {
		t.Errorf("the scanner was not seen among %d processes", len(seen))
	}
	if len(leaks) > 0 {
		t.Errorf("secrets are in\n%s", strings.Join(leaks, "\n"))
	}
	s.Verify("--policy", s.Asks(harness.Robot, harness.Issuer, "root.json"), p.Ref).Want(t, 0)
	for _, secret := range secrets {
		for what, text := range map[string]string{"stdout": o.Stdout, "stderr": o.Stderr, "what was published": everything(t, p.Ref)} {
			if strings.Contains(text, secret) {
				t.Errorf("%.8s… is in %s", secret, what)
			}
		}
		if out, err := exec.Command("grep", "-rlFa", "--devices=skip", "-e", secret, s.Out, s.Dir, s.State).CombinedOutput(); len(out) > 0 || err == nil {
			t.Errorf("%.8s… is in files:\n%s", secret, out)
		}
	}
}
