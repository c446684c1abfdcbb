package attest_test

import (
	"strings"
	"testing"

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

// TestRefusedTokenIsNotSignedAround: the fallback is not for this, and nothing
// shows the token.
func TestRefusedTokenIsNotSignedAround(t *testing.T) {
	v := newVirtual(t)
	expired := sigstoretest.Claims{Subject: who, Issuer: by, Audience: "sigstore", Expires: 1e9}.Token()
	_, err := attest.Sign(t.Context(), order(t, digestA, now()), attest.ByIdentity(attest.Keyless{
		Token: sigstore.TextToken(expired), Sigstore: v.sigstore(t, 1), Fallback: p256(t),
	}))
	if fault.KindOf(err) != fault.Policy || !strings.Contains(fault.HintOf(err), "expired at 2001-09-09") || strings.Contains(err.Error()+fault.HintOf(err), expired) {
		t.Errorf("kind %d, hint %q, %v", fault.KindOf(err), fault.HintOf(err), err)
	}
}
