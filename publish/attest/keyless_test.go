package attest_test

import (
	"context"
	"fmt"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/bakelite/bakelite/publish/sigstore"

	"github.com/bakelite/bakelite/internal/fault"
	"github.com/bakelite/bakelite/internal/policy"
	"github.com/bakelite/bakelite/publish/attest"
)

const who, by = "robot@git.example", "https://issuer.example"

// rooted writes a policy folder with v's trusted root.
func rooted(t *testing.T, v *virtual) string {
	t.Helper()
	dir := t.TempDir()
	if err := os.WriteFile(filepath.Join(dir, "root.json"), v.trustedRoot(t), 0o644); err != nil {
		t.Fatal(err)
	}
	return dir
}

func TestKeyless(t *testing.T) {
	for _, rekor := range []uint32{1, 2} {
		t.Run(fmt.Sprintf("Rekor v%d", rekor), func(t *testing.T) {
			v := newVirtual(t)
			signed, err := attest.Sign(t.Context(), order(t, digestA, now()), attest.ByIdentity(attest.Keyless{
				Token: sigstore.TextToken(token(who, by)), Sigstore: v.sigstore(t, rekor),
			}))
			if err != nil {
				t.Fatal(err)
			}
			if n := v.Certificates(); n != 1 {
				t.Errorf("Fulcio gave %d certificates for one Sign", n)
			}
			if signed.Signer() != who+" (by "+by+")" {
				t.Errorf("signed by %q", signed.Signer())
			}
			identities(t, v, signed)
		})
	}
}

func identities(t *testing.T, v *virtual, signed attest.Signed) {
	t.Helper()
	dir, foreign := rooted(t, v), rooted(t, newVirtual(t))
	tests := map[string]struct {
		signer policy.Signer
		dir    string
		kind   fault.Kind
		want   string
	}{
		"exact":              {policy.Signer{Issuer: by, Subject: who}, dir, 0, ""},
		"expression":         {policy.Signer{Issuer: by, SubjectMatches: `[a-z]+@git\.example`}, dir, 0, ""},
		"another subject":    {policy.Signer{Issuer: by, Subject: "mallory@git.example"}, dir, fault.Policy, `signed, not "mallory`},
		"another issuer":     {policy.Signer{Issuer: by + "/", Subject: who}, dir, fault.Policy, "vouched for the signer"},
		"part of a subject":  {policy.Signer{Issuer: by, SubjectMatches: `robot@git`}, dir, fault.Policy, "does not match"},
		"alternative":        {policy.Signer{Issuer: by, SubjectMatches: `robot|x`}, dir, fault.Policy, "does not match"},
		"line by line":       {policy.Signer{Issuer: by, SubjectMatches: `(?m)robot@git.exampl$`}, dir, fault.Policy, "does not match"},
		"another instance":   {policy.Signer{Issuer: by, Subject: who}, foreign, fault.Integrity, "does not hold"},
		"prefix in a letter": {policy.Signer{Issuer: by, SubjectMatches: `(?i)ROBOT@GIT.EXAMPLE`}, dir, 0, ""},
	}
	for name, test := range tests {
		test.signer.TrustedRoot = "root.json"
		_, err := attest.VerifyAll(t.Context(), texts(signed), attest.All{
			Digest: digestA, Dir: test.dir, Now: now(), Verify: policy.Verify{SignedBy: []policy.Signer{test.signer}},
		})
		if test.want == "" && err != nil || test.want != "" && (fault.KindOf(err) != test.kind || !strings.Contains(err.Error(), test.want)) {
			t.Errorf("%s: got kind %d, %v", name, fault.KindOf(err), err)
		}
	}
	keyDir, keys := signers(t, p256(t).Public())
	if _, err := attest.VerifyAll(t.Context(), texts(signed), attest.All{Digest: digestA, Dir: keyDir, Now: now(), Verify: policy.Verify{SignedBy: keys}}); fault.KindOf(err) != fault.Policy {
		t.Errorf("a key was asked for: %v", err)
	}
	v1, err := attest.Verify(t.Context(), signed.Bundles()[0].JSON, attest.Want{
		Digest: digestA, Dir: dir, Now: now(), Signers: []policy.Signer{{Issuer: by, Subject: who, TrustedRoot: "root.json"}},
	})
	if err != nil || time.Since(v1.SignedAt) > time.Hour || v1.Identity.Subject != who {
		t.Errorf("got %+v, %v", v1, err)
	}
	if _, err = attest.Verify(t.Context(), signed.Bundles()[0].JSON, attest.Want{
		Digest: digestA, Dir: dir, Now: now().Add(-time.Hour), Signers: []policy.Signer{{Issuer: by, Subject: who, TrustedRoot: "root.json"}},
	}); fault.KindOf(err) != fault.Policy {
		t.Errorf("a signature of the future: %v", err)
	}
}

// unused names what sigstore-go does not rely on: a timestamp beside the time
// of a log of version 1, and what it computes anew with version 2.
func unused(rekor uint32, part string) bool {
	return rekor == 1 && part == "signedTimestamp" ||
		rekor == 2 && (part == "rootHash" || part == "canonicalizedBody" || part == "treeSize")
}

// TestKeylessTampered flips a character in each part of a keyless bundle.
func TestKeylessTampered(t *testing.T) {
	for _, rekor := range []uint32{1, 2} {
		v := newVirtual(t)
		signed, err := attest.Sign(t.Context(), order(t, digestA, now()), attest.ByIdentity(attest.Keyless{
			Token: sigstore.TextToken(token(who, by)), Sigstore: v.sigstore(t, rekor),
		}))
		if err != nil {
			t.Fatal(err)
		}
		text := string(signed.Bundles()[0].JSON)
		want := attest.Want{Digest: digestA, Dir: rooted(t, v), Now: now(), Signers: []policy.Signer{{Issuer: by, Subject: who, TrustedRoot: "root.json"}}}
		for _, part := range []string{"rawBytes", "keyId", "rootHash", "canonicalizedBody", "signedTimestamp", "payload", "sig", "envelope", "signedEntryTimestamp", "treeSize"} {
			before, after, found := strings.Cut(text, `"`+part+`":"`)
			if !found {
				if part != "signedEntryTimestamp" {
					t.Errorf("version %d has no %s", rekor, part)
				}
				continue
			}
			value, _, _ := strings.Cut(after, `"`)
			at := len(value) / 2
			flip := "A"
			if value[at:at+1] == "A" {
				flip = "B"
			}
			if part == "treeSize" {
				flip = "9"
			}
			tampered := before + `"` + part + `":"` + after[:at] + flip + after[at+1:]
			if _, err := attest.Verify(t.Context(), []byte(tampered), want); err == nil && !unused(rekor, part) {
				t.Errorf("version %d: %s: accepted", rekor, part)
			} else if err == nil {
				continue
			} else if k := fault.KindOf(err); k != fault.Integrity && k != fault.Policy {
				t.Errorf("version %d: %s: kind %d, %v", rekor, part, k, err)
			}
		}
	}
}

func TestKeylessExpiredCertificate(t *testing.T) {
	v := newVirtual(t)
	v.Age = 20 * time.Minute // it held for ten
	_, err := attest.Sign(t.Context(), order(t, digestA, now()), attest.ByIdentity(attest.Keyless{
		Token: sigstore.TextToken(token(who, by)), Sigstore: v.sigstore(t, 1),
	}))
	if fault.KindOf(err) != fault.Integrity || !strings.Contains(err.Error(), "would be refused") {
		t.Errorf("got %v", err)
	}
}

// TestKeylessPostdated: a verdict dated after its own signature would be the
// newest for as long as that date is ahead.
func TestKeylessPostdated(t *testing.T) {
	v := newVirtual(t)
	_, err := attest.Sign(t.Context(), order(t, digestA, now().Add(10*time.Minute)), attest.ByIdentity(attest.Keyless{
		Token: sigstore.TextToken(token(who, by)), Sigstore: v.sigstore(t, 1),
	}))
	if fault.KindOf(err) != fault.Policy || !strings.Contains(err.Error(), "a verdict is of") || !strings.Contains(err.Error(), "but was signed at") {
		t.Errorf("got %v", err)
	}
}

// TestTokenIsBlamedByFulcioAlone: a wrong address of another service says
// nothing of the token.
func TestTokenIsBlamedByFulcioAlone(t *testing.T) {
	for name, tt := range map[string]struct {
		path   string
		blamed bool
	}{"Fulcio": {"signingCert", true}, "timestamps": {"timestamp", false}} {
		v := newVirtual(t)
		v.Fail = func(p string) (int, bool) { return http.StatusNotFound, strings.Contains(p, tt.path) }
		k := attest.Keyless{Token: sigstore.TextToken(token(who, by)), Sigstore: v.sigstore(t, 2)}
		_, err := attest.Sign(t.Context(), order(t, digestA, now()), attest.ByIdentity(k))
		if fault.KindOf(err) != fault.Policy || strings.Contains(fault.HintOf(err), "token") != tt.blamed {
			t.Errorf("%s: kind %d, hint %q: %v", name, fault.KindOf(err), fault.HintOf(err), err)
		}
	}
}

func TestKeylessOutOfReach(t *testing.T) {
	key := p256(t)
	for name, path := range map[string]string{"Fulcio": "signingCert", "Rekor": "log/entries", "timestamps": "timestamp"} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			v := newVirtual(t)
			var asked atomic.Int32
			v.Fail = func(p string) (int, bool) {
				if strings.Contains(p, path) {
					asked.Add(1)
					return http.StatusServiceUnavailable, true
				}
				return 0, false
			}
			k := attest.Keyless{Token: sigstore.TextToken(token(who, by)), Sigstore: v.sigstore(t, 2)}
			_, err := attest.Sign(t.Context(), order(t, digestA, now()), attest.ByIdentity(k))
			if fault.KindOf(err) != fault.Network || !strings.Contains(fault.HintOf(err), "--fallback-to-key") || asked.Load() != 4 {
				t.Errorf("kind %d, hint %q, asked %d times: %v", fault.KindOf(err), fault.HintOf(err), asked.Load(), err)
			}
			k.Fallback = key
			signed, err := attest.Sign(t.Context(), order(t, digestA, now()), attest.ByIdentity(k))
			if err != nil || !strings.Contains(signed.Signer(), "fallback") || len(signed.Bundles()) != 8 {
				t.Errorf("got %q, %v", signed.Signer(), err)
			}
		})
	}
}

func TestKeylessOneFailureDoesNotMatter(t *testing.T) {
	v := newVirtual(t)
	var seen [3]atomic.Bool
	v.Fail = func(p string) (int, bool) {
		for i, part := range []string{"signingCert", "log/entries", "timestamp"} {
			if strings.Contains(p, part) && !seen[i].Swap(true) {
				return http.StatusTooManyRequests, true
			}
		}
		return 0, false
	}
	if _, err := attest.Sign(t.Context(), order(t, digestA, now()), attest.ByIdentity(attest.Keyless{
		Token: sigstore.TextToken(token(who, by)), Sigstore: v.sigstore(t, 1),
	})); err != nil {
		t.Fatal(err)
	}
}

func TestKeylessRefusedToken(t *testing.T) {
	v := newVirtual(t)
	v.Echo = true
	v.Fail = func(p string) (int, bool) { return http.StatusForbidden, strings.Contains(p, "signingCert") }
	text := token(who, by)
	_, err := attest.Sign(t.Context(), order(t, digestA, now()), attest.ByIdentity(attest.Keyless{
		Token: sigstore.TextToken(text), Sigstore: v.sigstore(t, 1), Fallback: p256(t),
	}))
	if fault.KindOf(err) != fault.Policy || strings.Contains(err.Error(), text) || !strings.Contains(err.Error(), "(hidden)") {
		t.Errorf("kind %d, %v", fault.KindOf(err), err)
	}
}

func TestKeylessCancelled(t *testing.T) {
	v := newVirtual(t)
	ctx, cancel := context.WithCancel(t.Context())
	v.Fail = func(string) (int, bool) { cancel(); return http.StatusServiceUnavailable, true }
	_, err := attest.Sign(ctx, order(t, digestA, now()), attest.ByIdentity(attest.Keyless{
		Token: sigstore.TextToken(token(who, by)), Sigstore: v.sigstore(t, 1), Fallback: p256(t),
	}))
	if fault.KindOf(err) != fault.Cancelled {
		t.Errorf("got %v", err)
	}
}

// TestRootOfNoWorth has a trusted root that vouches for nobody.
func TestRootOfNoWorth(t *testing.T) {
	_, err := attest.Sign(t.Context(), order(t, digestA, now()), attest.ByIdentity(attest.Keyless{Token: sigstore.TextToken(token(who, by)), Sigstore: sigstore.Services{
		Fulcio: "https://f", Rekor: "https://r", Root: rootFile(`{"mediaType":"application/vnd.dev.sigstore.trustedroot+json;version=0.1"}`),
	}}))
	if fault.KindOf(err) != fault.Invalid {
		t.Errorf("got %v", err)
	}
}
