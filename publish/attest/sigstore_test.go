package attest_test

import (
	"strings"
	"testing"
	"time"

	"github.com/bakelite/bakelite/publish/sigstore"

	"github.com/bakelite/bakelite/internal/fault"
	"github.com/bakelite/bakelite/publish/attest"
	"github.com/bakelite/bakelite/publish/attest/sigstoretest"
)

// TestSigningConfig signs with addresses from a signing config, which chooses
// the version of Rekor too.
func TestSigningConfig(t *testing.T) {
	for version, path := range map[uint32]string{1: sigstoretest.RekorPath, 2: sigstoretest.RekorV2Path} {
		v := newVirtual(t)
		signed, err := attest.Sign(t.Context(), order(t, digestA, now()), attest.ByIdentity(attest.Keyless{
			Token:    sigstore.TextToken(token(who, by)),
			Sigstore: sigstore.Services{Config: v.config(t, version), Root: rootFile(string(v.trustedRoot(t)))},
		}))
		if err != nil {
			t.Fatal(err)
		}
		if sent := len(v.Received(path)); sent != len(signed.Bundles()) || len(v.Received(sigstoretest.TimestampPath)) != sent {
			t.Errorf("version %d: %d entries and %d timestamps for %d bundles", version, sent, len(v.Received(sigstoretest.TimestampPath)), len(signed.Bundles()))
		}
	}
}

func TestSigningConfigRefused(t *testing.T) {
	v := newVirtual(t)
	whole, trusted := v.config(t, 2), rootFile(string(v.trustedRoot(t)))
	edit := func(old, new string) sigstore.File {
		t.Helper()
		if !strings.Contains(string(whole.Text), old) {
			t.Fatalf("the config lacks %q: %s", old, whole.Text)
		}
		return sigstore.File{Name: whole.Name, Text: []byte(strings.Replace(string(whole.Text), old, new, 1))}
	}
	for name, tt := range map[string]struct {
		sigstore sigstore.Services
		want     string
	}{
		"no JSON":            {sigstore.Services{Config: sigstore.File{Name: "config.json", Text: []byte("{")}, Root: trusted}, "config.json"},
		"another version":    {sigstore.Services{Config: edit("signingconfig.v0.2", "signingconfig.v0.1"), Root: trusted}, "media type"},
		"no Fulcio":          {sigstore.Services{Config: edit(`"caUrls"`, `"oidcUrls"`), Root: trusted}, "certificate authority"},
		"no time":            {sigstore.Services{Config: edit(`"tsaUrls"`, `"oidcUrls"`), Root: trusted}, "timestamp authority"},
		"plain http":         {sigstore.Services{Config: edit(v.URL(), "http://fulcio.example"), Root: trusted}, "fulcio.example"},
		"a root that is not": {sigstore.Services{Config: whole, Root: rootFile("{")}, "root.json"},
		"an address beside":  {sigstore.Services{Config: whole, Rekor: v.URL(), Root: trusted}, "beside"},
	} {
		_, err := attest.Sign(t.Context(), order(t, digestA, now()), attest.ByIdentity(attest.Keyless{Token: sigstore.TextToken(token(who, by)), Sigstore: tt.sigstore}))
		if fault.KindOf(err) != fault.Invalid || !strings.Contains(err.Error(), tt.want) {
			t.Errorf("%s: kind %d, %v", name, fault.KindOf(err), err)
		}
	}
	if n := len(v.Received(sigstoretest.FulcioPath)); n > 0 {
		t.Errorf("Fulcio was asked %d times", n)
	}
}

// TestRefusedTokenSaysWhy: Fulcio gives no reason, the hint does; the fallback
// is not for this.
func TestRefusedTokenSaysWhy(t *testing.T) {
	soon := time.Now().Add(time.Minute).Unix()
	for name, tt := range map[string]struct{ token, want string }{
		"expired":          {sigstoretest.Claims{Subject: who, Issuer: by, Audience: "sigstore", Expires: 1e9}.Token(), "expired at 2001-09-09"},
		"another audience": {sigstoretest.Claims{Subject: who, Issuer: by, Audience: "vault", Expires: soon}.Token(), `for the audience ["vault"]`},
		"no token":         {"secret", "three parts"},
	} {
		v := newVirtual(t)
		_, err := attest.Sign(t.Context(), order(t, digestA, now()), attest.ByIdentity(attest.Keyless{
			Token: sigstore.TextToken(tt.token), Sigstore: v.sigstore(t, 1), Fallback: p256(t),
		}))
		if fault.KindOf(err) != fault.Policy || !strings.Contains(fault.HintOf(err), tt.want) || strings.Contains(err.Error()+fault.HintOf(err), tt.token) {
			t.Errorf("%s: kind %d, hint %q, %v", name, fault.KindOf(err), fault.HintOf(err), err)
		}
		if n := len(v.Received(sigstoretest.FulcioPath)); n > 1 {
			t.Errorf("%s: Fulcio was asked %d times", name, n)
		}
	}
}
