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
)

// TestKeyless publishes container and disk as an identity, to a registry with
// Rekor 1 by addresses, and to a folder with Rekor 2 by a signing config.
// Consumers who name the identity take them, others don't, and neither does
// cosign. Before that Fulcio gives one certificate of two: nothing is sent.
func TestKeyless(t *testing.T) {
	s := openStall(t, true)
	r := serve(t, memoryRegistry(t))
	host := r.host
	var asked atomic.Int32
	s.sigstore.Fail = func(path string) (int, bool) {
		return http.StatusInternalServerError, path == sigstoretest.FulcioPath && asked.Add(1) > 1
	}
	s.publish(append(s.addresses("1"), "--registry", host+"/secret-team")...).want(t, 4, "signing the disk", "next:")
	if r.writes.Load() != 0 {
		t.Error("the container was sent although the disk could not be signed")
	}
	s.sigstore.Fail = nil
	for _, tt := range []struct {
		name, to, log string
		how           []string
		cosign        []string
	}{
		{"Rekor 1, registry", host + "/secret-team", sigstoretest.RekorPath, s.addresses("1"), nil},
		{"Rekor 2, folder", registry.LayoutPrefix + filepath.Join(s.out, "published"), sigstoretest.RekorV2Path, s.config(2), []string{"--use-signed-timestamps"}},
	} {
		t.Run(tt.name, func(t *testing.T) {
			s.t = t
			before := len(s.sigstore.Received(tt.log))
			made := s.publish(append(tt.how, "--registry", tt.to)...).result(t)
			if made.Rebuilt || len(made.Published) != 2 {
				t.Fatalf("published is %+v, rebuilt is %v", made.Published, made.Rebuilt)
			}
			for i, kind := range []string{artifact.Container, artifact.Disk} {
				p := made.Published[i]
				if p.Kind != kind || p.Signer != robot+" (by "+issuer+")" || len(p.Referrers) != len(stated()) {
					t.Errorf("published is %+v", p)
				}
				checkConsumers(s, p, tt.cosign)
			}
			if logged := len(s.sigstore.Received(tt.log)) - before; logged != 2*len(stated()) {
				t.Errorf("%d entries were logged", logged)
			}
			if again := s.publish(append(tt.how, "--registry", tt.to)...).result(t).Published; !again[0].Again || !again[1].Again {
				t.Errorf("the second time: %+v", again)
			}
		})
	}
	s.t = t
	disk := filepath.Join(s.out, "web.qcow2")
	s.verify("--policy", s.asks(robot, issuer, "root.json"), disk).want(t, 0).says(t, append(stated(), robot)...)
	s.verify("--policy", s.asks(robot+"x", issuer, "root.json"), disk).want(t, 6, "there is no signature")
}

// checkConsumers verifies one artifact by what its consumers may ask for.
func checkConsumers(s stall, p publication, cosign []string) {
	s.t.Helper()
	other := newSigstore(s.t)
	s.file("other.json", string(trustedRoot(s.t, other)))
	for _, tt := range []struct {
		subject, issuer, root string
		code                  int
		text                  string
	}{
		{robot, issuer, "root.json", 0, ""},
		{strings.Replace(robot, "main", "mine", 1), issuer, "root.json", 6, "there is no signature"},
		{robot, issuer + "/", "root.json", 6, "there is no signature"},
		{robot, issuer, "other.json", 7, "the signature does not hold"},
	} {
		o := s.verify("--policy", s.asks(tt.subject, tt.issuer, tt.root), p.Ref).want(s.t, tt.code, tt.text)
		if tt.code == 0 {
			o.says(s.t, append(stated(), p.Digest, "signed by  "+robot+" (by "+issuer+")")...)
		}
		if p.Kind == artifact.Disk && tt.code != 0 {
			continue // cosign sees the same bundles as with the container
		}
		ref := p.Repository
		if !strings.HasPrefix(ref, registry.LayoutPrefix) {
			ref = p.Ref
		}
		c := newCosign(s.t, "")
		err := c.keyless(ref, filepath.Join(s.dir, tt.root), tt.subject, tt.issuer, cosign...)
		if c != nil && (err == nil) != (tt.code == 0) {
			s.t.Errorf("cosign on %s by %s of %s with %s: %v", ref, tt.subject, tt.issuer, tt.root, err)
		}
	}
	s.verify("--public-key", s.public, p.Ref).want(s.t, 6, "there is no signature")
}

// TestKeylessLogNamesNoPlace: what a public log was sent, statements included,
// names neither the registry nor the repository, unless the source is given.
func TestKeylessLogNamesNoPlace(t *testing.T) {
	s := openStall(t, false)
	host := serve(t, memoryRegistry(t)).host
	to := append(s.addresses("1"), "--registry", host+"/secret-team")
	s.publish(to...).result(t)
	private := []string{host, "secret-team", s.out, s.dir}
	sent := everythingLogged(t, s.sigstore)
	if !bytes.Contains(sent, []byte(`"name":"web"`)) {
		t.Errorf("the log was sent no statement: %.300s", sent)
	}
	for _, text := range private {
		if bytes.Contains(sent, []byte(text)) {
			t.Errorf("the log was sent %s", text)
		}
	}
	s.publish(append(to, "--source", "https://git.example/secret-team/web")...).result(t)
	if !bytes.Contains(everythingLogged(t, s.sigstore), []byte("git.example/secret-team/web")) {
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
			s := openStall(t, false)
			var asked atomic.Int32
			s.sigstore.Fail = func(path string) (int, bool) {
				if path == tt.path {
					asked.Add(1)
				}
				return http.StatusInternalServerError, path == tt.path
			}
			r := serve(t, memoryRegistry(t))
			to := append(s.addresses(tt.version), "--registry", r.host+"/team")
			s.publish(to...).want(t, 4, tt.says, "next: try again later, or sign with a key")
			if r.writes.Load() != 0 || asked.Load() != 4 {
				t.Errorf("%d writes to the registry, and %d requests", r.writes.Load(), asked.Load())
			}
			p := s.publish(append(to, "--key", s.key, "--fallback-to-key")...).result(t).Published
			if len(p) != 1 || !strings.HasPrefix(p[0].Signer, "key sha256:") || !strings.Contains(p[0].Signer, "the fallback, since Sigstore was out of reach") || asked.Load() != 8 {
				t.Errorf("published is %+v, after %d requests", p, asked.Load())
			}
			s.verify("--public-key", s.public, p[0].Ref).want(t, 0).says(t, stated()...)
		})
	}
}

// TestKeylessRefusedToken: a token that will not do ends it at once, with the
// reason, and no fallback stands in.
func TestKeylessRefusedToken(t *testing.T) {
	s := openStall(t, false)
	r := serve(t, memoryRegistry(t))
	to := append(s.addresses("1"), "--registry", r.host+"/team", "--key", s.key, "--fallback-to-key")
	s.sigstore.Echo = true
	for name, tt := range map[string]struct {
		claims sigstoretest.Claims
		says   string
	}{
		"expired":          {sigstoretest.Claims{Subject: robot, Issuer: issuer, Audience: "sigstore", Expires: 1e9}, "next: the token expired at 2001-09-09T01:46:40Z: get a new one"},
		"another audience": {sigstoretest.Claims{Subject: robot, Issuer: issuer, Audience: "vault", Expires: time.Now().Add(time.Hour).Unix()}, `next: the token is for the audience ["vault"]: get one for the audience sigstore`},
	} {
		token := tt.claims.Token()
		s.file("token", token)
		before := len(s.sigstore.Received(sigstoretest.FulcioPath))
		o := s.publish(to...).want(t, 6, "Fulcio", tt.says)
		if asked := len(s.sigstore.Received(sigstoretest.FulcioPath)) - before; asked != 1 || r.writes.Load() != 0 {
			t.Errorf("%s: Fulcio was asked %d times, the registry got %d writes", name, asked, r.writes.Load())
		}
		if strings.Contains(o.stdout+o.stderr, token) {
			t.Errorf("%s: the token is shown", name)
		}
	}
	s.env = append(s.env, "BAKELITE_SIGN_TOKEN="+filepath.Join(s.dir, "none"))
	s.publish(to...).want(t, 3, "sign.token (environment BAKELITE_SIGN_TOKEN)", "none", "next: write a token")
	s.env = append(s.env, "BAKELITE_SIGN_TOKEN=", "ACTIONS_ID_TOKEN_REQUEST_URL=", "ACTIONS_ID_TOKEN_REQUEST_TOKEN=")
	s.publish(to...).want(t, 3, "no token to sign with", "next: add the permission id-token: write")
	s.env = append(s.env, "ACTIONS_ID_TOKEN_REQUEST_URL="+s.sigstore.URL()+sigstoretest.ActionsPath, "ACTIONS_ID_TOKEN_REQUEST_TOKEN=wrong")
	s.publish(to...).want(t, 6, "GitHub Actions refused", "next:")
	s.publish(slices.Concat(to, []string{"--trusted-root", "none.json"})...).want(t, 3, "sign.trusted-root (flag --trusted-root)", "none.json", "next:")
	s.publish(slices.Concat(to, []string{"--fulcio", "http://fulcio.example"})...).want(t, 2, "sign.fulcio (flag --fulcio)", "next: give an https address")
	s.publish("--rekor", s.sigstore.URL()).want(t, 2, "sign.rekor (flag --rekor)", "sign.fulcio, sign.trusted-root", "next:")
	if r.writes.Load() != 0 {
		t.Errorf("the registry got %d writes", r.writes.Load())
	}
}

// TestKeylessInActions signs with the token that GitHub Actions gives the job.
// No other process has it or what it is asked for with, and neither is shown
// or written.
func TestKeylessInActions(t *testing.T) {
	s := openStall(t, false)
	s.sigstore.Bearer, s.sigstore.Token = "bearer-x7Qp41", sigstoretest.Token(robot, issuer)
	s.env = append(s.env, "BAKELITE_SIGN_TOKEN=",
		"ACTIONS_ID_TOKEN_REQUEST_URL="+s.sigstore.URL()+sigstoretest.ActionsPath+"?api-version=2.0", "ACTIONS_ID_TOKEN_REQUEST_TOKEN="+s.sigstore.Bearer)
	if err := os.Remove(filepath.Join(s.dir, "token")); err != nil {
		t.Fatal(err)
	}
	newer := filepath.Join(s.dir, "db") // the scanner has work with it
	makeDatabase(t, newer, time.Now().Add(-time.Hour), "")
	secrets := []string{s.sigstore.Bearer, s.sigstore.Token}
	c := s.start(append(slices.Concat(s.args, s.config(2)), "--database", newer, "--progress", "plain", "web")...)
	seen, leaks := watch(c, secrets)
	o := c.wait()
	p := o.result(t).Published[0]
	if !slices.ContainsFunc(seen, func(line string) bool { return strings.Contains(line, "bakelite-scan") }) {
		t.Errorf("the scanner was not seen among %d processes", len(seen))
	}
	if len(leaks) > 0 {
		t.Errorf("secrets are in\n%s", strings.Join(leaks, "\n"))
	}
	s.verify("--policy", s.asks(robot, issuer, "root.json"), p.Ref).want(t, 0)
	for _, secret := range secrets {
		for what, text := range map[string]string{"stdout": o.stdout, "stderr": o.stderr, "what was published": everything(t, p.Ref)} {
			if strings.Contains(text, secret) {
				t.Errorf("%.8s… is in %s", secret, what)
			}
		}
		if out, err := exec.Command("grep", "-rlFa", "--devices=skip", "-e", secret, s.out, s.dir, s.state).CombinedOutput(); len(out) > 0 || err == nil {
			t.Errorf("%.8s… is in files:\n%s", secret, out)
		}
	}
}
