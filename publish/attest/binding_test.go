package attest_test

import (
	"strings"
	"testing"
	"time"

	"github.com/bakelite/bakelite/publish/sigstore"

	"github.com/bakelite/bakelite/publish/keys"

	"github.com/bakelite/bakelite/internal/fault"
	"github.com/bakelite/bakelite/internal/policy"
	"github.com/bakelite/bakelite/publish/attest"
	"github.com/bakelite/bakelite/publish/attest/sigstoretest"
	"github.com/bakelite/bakelite/publish/intoto"
)

// TestAnotherAppUnderAName has all that is signed about one app served under
// another one's name, in an older version, or with a statement taken away.
func TestAnotherAppUnderAName(t *testing.T) {
	at := now()
	key := p256(t)
	dir, list := signers(t, key.Public())
	o := order(t, digestA, at)
	p := provenance(at)
	p.BuildDefinition.ExternalParameters.Version = "1.9"
	o.Statements[0] = intoto.BuildProvenance(p)
	signed, err := attest.Sign(t.Context(), o, attest.ByKey(key))
	if err != nil {
		t.Fatal(err)
	}
	verdict, _ := judge(t, digestA, at, nil)
	other := verdict
	other.App = "debugbox"
	for name, tt := range map[string]struct {
		change  func(*attest.All)
		without string // the type that is taken away
		more    []byte
		want    string
	}{
		"as asked":             {func(w *attest.All) { w.Names = []attest.Name{{App: "web", Kind: "container"}} }, "", nil, ""},
		"one of two":           {func(w *attest.All) { w.Names = []attest.Name{{App: "shop"}, {App: "web"}} }, "", nil, ""},
		"any app of the kind":  {func(w *attest.All) { w.Names = []attest.Name{{Kind: "container"}} }, "", nil, ""},
		"another app":          {func(w *attest.All) { w.Names = []attest.Name{{App: "debugbox", Kind: "container"}} }, "", nil, `the container "web" and was asked for as the container "debugbox"`},
		"another kind":         {func(w *attest.All) { w.Names = []attest.Name{{App: "web", Kind: "disk"}} }, "", nil, "was asked for as the disk"},
		"part of the name":     {func(w *attest.All) { w.Names = []attest.Name{{App: "we"}} }, "", nil, "was asked for as"},
		"two apps at once":     {func(*attest.All) {}, "", signAny(t, key, digestA, intoto.VerdictType, other), "disagree what it is"},
		"the lock of another":  {func(*attest.All) {}, "", signAny(t, key, digestA, intoto.LockType, map[string]string{"app": "debugbox"}), `the lock is of the app "debugbox"`},
		"without the lock":     {func(*attest.All) {}, intoto.LockType, nil, "there is no lock"},
		"without the tests":    {func(*attest.All) {}, intoto.TestsType, nil, "there are no results of tests"},
		"no lock asked for":    {func(w *attest.All) { w.Verify.WithoutLock = true }, intoto.LockType, nil, ""},
		"no tests asked for":   {func(w *attest.All) { w.Verify.WithoutTests = true }, intoto.TestsType, nil, ""},
		"a later version":      {func(w *attest.All) { w.MinVersion = "1.10" }, "", nil, `as version "1.9"`},
		"that version":         {func(w *attest.All) { w.MinVersion = "v1.9" }, "", nil, ""},
		"an earlier version":   {func(w *attest.All) { w.MinVersion = "1.8.7" }, "", nil, ""},
		"made too early":       {func(w *attest.All) { w.Since = at.Add(time.Hour) }, "", nil, "it was made at"},
		"made late enough":     {func(w *attest.All) { w.Since = at.Add(-time.Hour) }, "", nil, ""},
		"by that policy":       {func(w *attest.All) { w.Verify.Policies = []string{digestB, verdict.Policy} }, "", nil, ""},
		"by another policy":    {func(w *attest.All) { w.Verify.Policies = []string{digestB} }, "", nil, "the newest verdict is by the policy"},
		"of which nobody says": {func(w *attest.All) { w.Names = []attest.Name{{App: "web"}} }, "all", nil, "says what it is"},
	} {
		t.Run(name, func(t *testing.T) {
			var bundles [][]byte
			for _, b := range signed.Bundles() {
				if b.PredicateType != tt.without && tt.without != "all" {
					bundles = append(bundles, b.JSON)
				}
			}
			if tt.more != nil {
				bundles = append(bundles, tt.more)
			}
			want := attest.All{Digest: digestA, Dir: dir, Now: at, Verify: policy.Verify{SignedBy: list}}
			tt.change(&want)
			s, err := attest.VerifyAll(t.Context(), bundles, want)
			if tt.want == "" && err != nil || tt.want != "" && (fault.KindOf(err) != fault.Policy || !strings.Contains(err.Error(), tt.want)) {
				t.Errorf("got %v, want %q", err, tt.want)
			}
			if tt.want == "" && (s.App != "web" || s.Kind != "container" || s.Version != "1.9" || s.Policy != verdict.Policy) {
				t.Errorf("the summary says %q %q %q %q", s.App, s.Kind, s.Version, s.Policy)
			}
		})
	}
}

// TestVersionThatNobodyCanCompare asks for at least a version of one that has
// none, or one of no such form.
func TestVersionThatNobodyCanCompare(t *testing.T) {
	at := now()
	key := p256(t)
	dir, list := signers(t, key.Public())
	for version, newEnough := range map[string]bool{"": false, "nightly": false, "2": true, "v2.0-rc1": true, "2026.11.28": true} {
		o := order(t, digestA, at)
		p := provenance(at)
		p.BuildDefinition.ExternalParameters.Version = version
		o.Statements[0] = intoto.BuildProvenance(p)
		signed, err := attest.Sign(t.Context(), o, attest.ByKey(key))
		if err != nil {
			t.Fatal(err)
		}
		_, err = attest.VerifyAll(t.Context(), texts(signed), attest.All{Digest: digestA, Dir: dir, Now: at, MinVersion: "1.5", Verify: policy.Verify{SignedBy: list}})
		if (err == nil) != newEnough {
			t.Errorf("%q: %v", version, err)
		}
	}
	if attest.CheckVersion("1.5") != nil || attest.CheckVersion("v1.5") != nil || fault.KindOf(attest.CheckVersion("latest")) != fault.Invalid {
		t.Error("versions are checked wrongly")
	}
}

// TestPublisherLiesAboutItsSource signs keyless, from another repository or
// workflow than the provenance says: the certificate knows better.
func TestPublisherLiesAboutItsSource(t *testing.T) {
	v := newVirtual(t)
	dir := rooted(t, v)
	commit := strings.Repeat("c", 40)
	for name, tt := range map[string]struct {
		repository, workflow, commit string
		signs, holds                 bool
	}{
		"as stated":        {source, builder, commit, true, true},
		"no run of CI":     {"", "", "", true, true},
		"a fork":           {source + "-fork", builder, commit, false, false},
		"another commit":   {source, builder, strings.Repeat("d", 40), false, false},
		"another workflow": {source, builder + "2", commit, true, false},
	} {
		t.Run(name, func(t *testing.T) {
			claims := sigstoretest.Claims{
				Subject: who, Issuer: by, Audience: sigstoretest.Audience, Expires: time.Now().Add(10 * time.Minute).Unix(),
				Repository: tt.repository, Workflow: tt.workflow, Commit: tt.commit,
			}
			signed, err := attest.Sign(t.Context(), order(t, digestA, now()), attest.ByIdentity(attest.Keyless{
				Token: sigstore.TextToken(claims.Token()), Sigstore: v.sigstore(t, 1),
			}))
			if (err == nil) != tt.signs || err != nil && !strings.Contains(err.Error(), "and the certificate") {
				t.Fatalf("signing: %v", err)
			}
			if err != nil {
				return
			}
			_, err = attest.VerifyAll(t.Context(), texts(signed), attest.All{Digest: digestA, Dir: dir, Now: now(), Verify: policy.Verify{
				Builder: builder, Source: source, SignedBy: []policy.Signer{{Issuer: by, Subject: who, TrustedRoot: "root.json"}},
			}})
			if (err == nil) != tt.holds || err != nil && !strings.Contains(err.Error(), "the certificate names the builder") {
				t.Errorf("verifying: %v", err)
			}
		})
	}
}

// TestNewKeyAtTheSamePath tells by whom a publication was signed.
func TestNewKeyAtTheSamePath(t *testing.T) {
	at := now()
	old, renewed := p256(t), p256(t)
	signed, err := attest.Sign(t.Context(), order(t, digestA, at), attest.ByKey(old))
	if err != nil {
		t.Fatal(err)
	}
	keyless := func(fallback keys.Signer) attest.Signer {
		return attest.ByIdentity(attest.Keyless{Fallback: fallback})
	}
	fallback := signed.Signer() + ", the fallback, since Sigstore was out of reach"
	for name, tt := range map[string]struct {
		signer attest.Signer
		by     string
		made   bool
	}{
		"the key":                 {attest.ByKey(old), signed.Signer(), true},
		"a new key":               {attest.ByKey(renewed), signed.Signer(), false},
		"a key, for an identity":  {attest.ByKey(old), who + " (by " + by + ")", false},
		"an identity":             {keyless(nil), who + " (by " + by + ")", true},
		"an identity, for a key":  {keyless(nil), signed.Signer(), false},
		"the fallback key":        {keyless(old), fallback, true},
		"another fallback key":    {keyless(renewed), fallback, false},
		"a fallback that is gone": {keyless(nil), fallback, false},
		"nobody":                  {attest.Signer{}, signed.Signer(), false},
	} {
		if made, err := tt.signer.Made(tt.by); err != nil || made != tt.made {
			t.Errorf("%s: %v (%v)", name, made, err)
		}
	}
}
