package attest_test

import (
	"bytes"
	"context"
	"crypto"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/sha256"
	"crypto/x509"
	"encoding/base64"
	"encoding/json"
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/bakelite/bakelite/publish/keys"

	"github.com/bakelite/bakelite/internal/fault"
	"github.com/bakelite/bakelite/internal/policy"
	"github.com/bakelite/bakelite/internal/units"
	"github.com/bakelite/bakelite/publish/attest"
	"github.com/bakelite/bakelite/publish/intoto"
	"github.com/bakelite/bakelite/scan/gate"
)

// signAny signs what Sign would refuse.
func signAny(t testing.TB, key keys.Signer, digest, kind string, predicate any) []byte {
	t.Helper()
	text, err := attest.SignAny(intoto.Subject{Name: "web", Digest: digest}, intoto.Statement{PredicateType: kind, Predicate: predicate}, key)
	if err != nil {
		t.Fatal(err)
	}
	return text
}

func TestVerify(t *testing.T) {
	key, other := p256(t), p256(t)
	dir, list := signers(t, key.Public())
	_, elsewhere := signers(t, other.Public())
	elsewhere[0].Key = "../a.pub"
	signature := signAny(t, key, digestA, intoto.SignatureType, struct{}{})
	both := bytes.Replace(signature, []byte(`"dsseEnvelope"`), []byte(`"messageSignature":{"messageDigest":{"algorithm":"SHA2_256","digest":"qg=="},"signature":"qg=="},"was"`), 1)
	message, _, _ := bytes.Cut(both, []byte(`,"was"`))
	tests := map[string]struct {
		bundle []byte
		change func(*attest.Want)
		kind   fault.Kind
		want   string
	}{
		"good":                {signature, nil, 0, ""},
		"any type":            {signature, func(w *attest.Want) { w.PredicateType = "" }, 0, ""},
		"predicate confusion": {signAny(t, key, digestA, intoto.ScanType, struct{}{}), nil, fault.Policy, "it states"},
		"another digest":      {signAny(t, key, digestB, intoto.SignatureType, struct{}{}), nil, fault.Policy, "about another artifact"},
		"another key":         {signAny(t, other, digestA, intoto.SignatureType, struct{}{}), nil, fault.Policy, "not signed by an allowed key"},
		"identity asked": {signature, func(w *attest.Want) {
			w.Signers = []policy.Signer{{Issuer: "https://i", Subject: "s", TrustedRoot: "none"}}
		}, fault.Missing, "opening none"},
		"nobody trusted":       {signature, func(w *attest.Want) { w.Signers = nil }, fault.Policy, "allowed signer"},
		"key outside":          {signature, func(w *attest.Want) { w.Signers = elsewhere }, fault.Invalid, "not below"},
		"not a digest":         {signature, func(w *attest.Want) { w.Digest = "sha512:00" }, fault.Invalid, "not a SHA-256"},
		"empty":                {nil, nil, fault.Integrity, "reading the bundle"},
		"message signature":    {append(message, '}'), nil, fault.Policy, "states nothing"},
		"broken expression":    {signature, func(w *attest.Want) { w.Signers = []policy.Signer{{Issuer: "i", SubjectMatches: "a)|(b"}} }, fault.Invalid, "subjectMatches"},
		"subject and matching": {signature, func(w *attest.Want) { w.Signers = []policy.Signer{{Issuer: "i", Subject: "a", SubjectMatches: "b"}} }, fault.Invalid, "one of subject"},
	}
	for name, test := range tests {
		t.Run(name, func(t *testing.T) {
			want := attest.Want{Digest: digestA, PredicateType: intoto.SignatureType, Signers: list, Dir: dir, Now: now()}
			if test.change != nil {
				test.change(&want)
			}
			v, err := attest.Verify(t.Context(), test.bundle, want)
			if test.want == "" {
				if err != nil || v.PredicateType != intoto.SignatureType || v.Identity.Key == "" || !v.SignedAt.IsZero() {
					t.Fatalf("got %+v, %v", v, err)
				}
				return
			}
			if err == nil || fault.KindOf(err) != test.kind || !strings.Contains(err.Error(), test.want) {
				t.Errorf("got kind %d, %v; want kind %d, %q", fault.KindOf(err), err, test.kind, test.want)
			}
		})
	}
}

// TestFlippedBytes changes each byte of a bundle: it is refused, or says the
// very same by the very same signer (the hint and white space prove nothing).
func TestFlippedBytes(t *testing.T) {
	key := p256(t)
	dir, list := signers(t, key.Public())
	want := attest.Want{Digest: digestA, Signers: list, Dir: dir, Now: now()}
	text := signAny(t, key, digestA, intoto.ScanType, map[string]string{"finding": "none"})
	good, err := attest.Verify(t.Context(), text, want)
	if err != nil {
		t.Fatal(err)
	}
	passed := 0
	for i := range text {
		flipped := slices.Clone(text)
		flipped[i] ^= 1
		v, err := attest.Verify(t.Context(), flipped, want)
		if err == nil {
			passed++
			if string(v.Predicate) != string(good.Predicate) || v.Identity != good.Identity || v.PredicateType != good.PredicateType {
				t.Errorf("byte %d: accepted %+v", i, v)
			}
		} else if k := fault.KindOf(err); k != fault.Integrity && k != fault.Policy {
			t.Errorf("byte %d: kind %d, %v", i, k, err)
		}
	}
	if passed > 80 { // the hint's 44 characters
		t.Errorf("%d of %d flipped bytes do not matter", passed, len(text))
	}
}

// TestTamperedFields replaces each text in a bundle.
func TestTamperedFields(t *testing.T) {
	key := p256(t)
	dir, list := signers(t, key.Public())
	want := attest.Want{Digest: digestA, Signers: list, Dir: dir, Now: now()}
	text := signAny(t, key, digestA, intoto.ScanType, map[string]string{"finding": "none"})
	swap := func(from, to string) []byte { return []byte(strings.Replace(string(text), from, to, 1)) }
	payload := between(t, text, `"payload":"`)
	plain, _ := base64.StdEncoding.DecodeString(payload)
	encode := func(from, to string) []byte {
		changed := strings.Replace(string(plain), from, to, 1)
		if changed == string(plain) {
			t.Fatalf("%q is not in the statement", from)
		}
		return swap(payload, base64.StdEncoding.EncodeToString([]byte(changed)))
	}
	sig := between(t, text, `"sig":"`)
	for name, tampered := range map[string][]byte{
		"media type":       swap("v0.3+json", "v0.9+json"),
		"payload type":     swap("in-toto", "in-tutu"),
		"no signature":     swap(`{"sig":"`+sig+`"}`, ""),
		"two signatures":   swap(`{"sig":"`+sig+`"}`, `{"sig":"`+sig+`"},{"sig":"`+sig+`"}`),
		"empty signature":  swap(sig, ""),
		"unknown key":      swap(`{"mediaType"`, `{"a":1,"mediaType"`),
		"cut":              text[:len(text)/2],
		"predicate":        encode("none", "some"),
		"predicate type":   encode(intoto.ScanType, intoto.VerdictType),
		"subject":          encode(digestA[7:], digestB[7:]),
		"second predicate": encode(`"predicate":`, `"predicate":{},"predicate":`),
		"statement type":   encode("Statement/v1", "Statement/v2"),
		"more":             encode("}}", "}}{}"),
		"no subject":       encode(`[{"name":"web","digest":{"sha256":"`+digestA[7:]+`"}}]`, "[]"),
	} {
		if _, err := attest.Verify(t.Context(), tampered, want); err == nil {
			t.Errorf("%s: accepted", name)
		} else if k := fault.KindOf(err); k != fault.Integrity && !(k == fault.Policy && name == "subject") {
			t.Errorf("%s: kind %d, %v", name, k, err)
		}
	}
}

func between(t *testing.T, text []byte, from string) string {
	t.Helper()
	_, rest, ok := strings.Cut(string(text), from)
	value, _, closed := strings.Cut(rest, `"`)
	if !ok || !closed {
		t.Fatalf("%q is not in the bundle", from)
	}
	return value
}

func TestVerifyAllGivesAllReasons(t *testing.T) {
	at := now()
	key := p256(t)
	dir, list := signers(t, key.Public())
	verdict, _ := judge(t, digestA, at, nil)
	_, err := attest.VerifyAll(t.Context(), [][]byte{
		signAny(t, p256(t), digestA, intoto.SignatureType, struct{}{}),
		signAny(t, key, digestB, intoto.CycloneDXType, struct{}{}),
		signAny(t, key, digestA, intoto.VerdictType, verdict),
		signAny(t, key, digestA, "https://example.com/other", struct{}{}),
	}, attest.All{Digest: digestA, Dir: dir, Now: at, Verify: policy.Verify{SignedBy: list}})
	for _, want := range []string{
		"\n  1 statement by key sha256:",
		"bundle 2 (" + intoto.CycloneDXType + "): it is about another artifact",
		"no signature", "no SBOM", "no provenance", "no scan report",
	} {
		if err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%q is not in: %v", want, err)
		}
	}
	if fault.KindOf(err) != fault.Policy || fault.HintOf(err) == "" {
		t.Errorf("kind %d, hint %q", fault.KindOf(err), fault.HintOf(err))
	}
}

func TestVerifyAllOldAndReplayed(t *testing.T) {
	at, day := now(), 24*time.Hour
	key := p256(t)
	dir, list := signers(t, key.Public())
	verdict := func(ago time.Duration, outcome string) []byte {
		v, _ := judge(t, digestA, at.Add(-ago), nil)
		v.Outcome = outcome
		return signAny(t, key, digestA, intoto.VerdictType, v)
	}
	foreign, _ := judge(t, digestB, at, nil)
	tests := map[string]struct {
		bundles [][]byte
		maxAge  time.Duration
		want    string
	}{
		"good":                    {[][]byte{verdict(day, gate.OutcomePassed)}, 0, ""},
		"old fail, new pass":      {[][]byte{verdict(2*day, gate.OutcomeFailed), verdict(day, gate.OutcomePassed)}, 0, ""},
		"replayed before a fail":  {[][]byte{verdict(2*day, gate.OutcomePassed), verdict(day, gate.OutcomeFailed)}, 0, `is "failed"`},
		"fail first":              {[][]byte{verdict(day, gate.OutcomeFailed), verdict(2*day, gate.OutcomePassed)}, 0, `is "failed"`},
		"same date, fail first":   {[][]byte{verdict(day, gate.OutcomeFailed), verdict(day, gate.OutcomePassed)}, 0, "newest verdict"},
		"same date, fail last":    {[][]byte{verdict(day, gate.OutcomePassed), verdict(day, gate.OutcomeFailed)}, 0, "newest verdict"},
		"too old":                 {[][]byte{verdict(31*day, gate.OutcomePassed)}, 0, "older than 720h"},
		"older than asked":        {[][]byte{verdict(2*day, gate.OutcomePassed)}, day, "older than 24h"},
		"of the future":           {[][]byte{verdict(-day, gate.OutcomePassed)}, 0, "yet to come"},
		"future beside a fail":    {[][]byte{verdict(-day, gate.OutcomePassed), verdict(day, gate.OutcomeFailed)}, 0, `is "failed"`},
		"reported":                {[][]byte{verdict(day, gate.OutcomeReported)}, 0, `is "reported"`},
		"unknown outcome":         {[][]byte{verdict(day, "")}, 0, `is ""`},
		"none":                    {nil, 0, "no verdict"},
		"about another digest":    {[][]byte{signAny(t, key, digestA, intoto.VerdictType, foreign)}, 0, "a verdict is about"},
		"no verdict in it":        {[][]byte{signAny(t, key, digestA, intoto.VerdictType, map[string]int{"judged": 1})}, 0, "cannot be read"},
		"lower case of another":   {[][]byte{signAny(t, key, digestA, intoto.VerdictType, struct{}{}), verdict(day, gate.OutcomePassed)}, 0, "cannot be read"},
		"a signature as verdict?": {[][]byte{signAny(t, key, digestA, intoto.SignatureType, foreign)}, 0, "no verdict"},
	}
	for name, test := range tests {
		t.Run(name, func(t *testing.T) {
			bundles := append([][]byte{
				signAny(t, key, digestA, intoto.SignatureType, struct{}{}),
				signAny(t, key, digestA, intoto.ScanType, report(digestA, at)),
			}, test.bundles...)
			_, err := attest.VerifyAll(t.Context(), bundles, attest.All{Digest: digestA, Dir: dir, Now: at, Verify: policy.Verify{
				SignedBy: list, WithoutSBOM: true, WithoutProvenance: true, WithoutLock: true, WithoutTests: true, MaxReportAge: units.Duration(test.maxAge),
			}})
			if test.want == "" && err != nil || test.want != "" && (err == nil || !strings.Contains(err.Error(), test.want)) {
				t.Errorf("got %v, want %q", err, test.want)
			}
		})
	}
}

func TestVerifyAllWorstKindAndLimits(t *testing.T) {
	key := p256(t)
	dir, list := signers(t, key.Public())
	want := attest.All{Digest: digestA, Dir: dir, Now: now(), Verify: policy.Verify{SignedBy: list}}
	good := signAny(t, key, digestA, intoto.SignatureType, struct{}{})
	broken := bytes.Replace(good, []byte(`"sig":"`), []byte(`"sig":"AAAA`), 1)
	if _, err := attest.VerifyAll(t.Context(), [][]byte{broken, good}, want); fault.KindOf(err) != fault.Integrity {
		t.Errorf("a broken signature gave %v", err)
	}
	if _, err := attest.VerifyAll(t.Context(), make([][]byte, attest.MaxBundles+1), want); err == nil || !strings.Contains(err.Error(), "more than 256") {
		t.Errorf("got %v", err)
	}
	if _, err := attest.VerifyAll(t.Context(), [][]byte{make([]byte, attest.MaxBundle+1)}, want); err == nil || !strings.Contains(err.Error(), "bytes, more than") {
		t.Errorf("got %v", err)
	}
	cancelled, cancel := context.WithCancel(t.Context())
	cancel()
	if _, err := attest.VerifyAll(cancelled, [][]byte{good}, want); fault.KindOf(err) != fault.Cancelled {
		t.Errorf("got %v", err)
	}
	want.Verify.SignedBy = nil
	if _, err := attest.VerifyAll(t.Context(), [][]byte{good}, want); fault.KindOf(err) != fault.Invalid {
		t.Errorf("got %v", err)
	}
}

func TestVerifyImage(t *testing.T) {
	key, other := p256(t), p256(t)
	dir, list := signers(t, key.Public())
	want := attest.Want{Digest: digestA, Signers: list, Dir: dir, Now: now()}
	bundle := func(k keys.Key, digest, kind string) [][]byte {
		return [][]byte{signAny(t, k, digest, kind, struct{}{})}
	}
	classic := func(k keys.Key, digest, kind string) []attest.Classic {
		payload := fmt.Appendf(nil, `{"critical":{"identity":{"docker-reference":""},"image":{"docker-manifest-digest":%q},"type":%q},"optional":null}`, digest, kind)
		sum := sha256.Sum256(payload)
		sig, err := k.Sign(t.Context(), sum[:], crypto.SHA256)
		if err != nil {
			t.Fatal(err)
		}
		return []attest.Classic{{Payload: payload, Signature: base64.StdEncoding.EncodeToString(sig)}}
	}
	const kind = "cosign container image signature"
	tampered := classic(key, digestB, kind)
	tampered[0].Payload = bytes.Replace(tampered[0].Payload, []byte(digestB), []byte(digestA), 1)
	tests := map[string]struct {
		bundles [][]byte
		classic []attest.Classic
		want    string
	}{
		"bundle":                {bundle(key, digestA, intoto.SignatureType), nil, ""},
		"one of two":            {append(bundle(other, digestA, intoto.SignatureType), bundle(key, digestA, intoto.SignatureType)...), nil, ""},
		"classic":               {nil, classic(key, digestA, kind), ""},
		"nothing":               {nil, nil, "it has no signature"},
		"attestation":           {bundle(key, digestA, intoto.CycloneDXType), nil, "is no signature"},
		"another's bundle":      {bundle(other, digestA, intoto.SignatureType), nil, "allowed key"},
		"bundle of another":     {bundle(key, digestB, intoto.SignatureType), nil, "another artifact"},
		"classic by another":    {nil, classic(other, digestA, kind), "allowed key"},
		"classic of another":    {nil, classic(key, digestB, kind), "another image"},
		"classic of other type": {nil, classic(key, digestA, "atomic container signature"), "another image"},
		"classic tampered":      {nil, tampered, "allowed key"},
		"classic too large":     {nil, []attest.Classic{{Payload: make([]byte, 1<<20+1), Signature: "AA=="}}, "larger than"},
		"classic not base64":    {nil, []attest.Classic{{Payload: []byte("{}"), Signature: "%"}}, "not base64"},
	}
	for name, test := range tests {
		t.Run(name, func(t *testing.T) {
			who, err := attest.VerifyImage(t.Context(), test.bundles, test.classic, want)
			if test.want == "" && (err != nil || who.Key == "") || test.want != "" && (err == nil || !strings.Contains(err.Error(), test.want)) {
				t.Errorf("got %v, %v; want %q", who, err, test.want)
			}
		})
	}
}

// TestClassicP384 takes both hashes, as cosign and Sigstore's libraries differ.
func TestClassicP384(t *testing.T) {
	private, _ := ecdsa.GenerateKey(elliptic.P384(), rand.Reader)
	dir, list := signers(t, private.Public())
	payload := fmt.Appendf(nil, `{"critical":{"image":{"docker-manifest-digest":%q},"type":"cosign container image signature"}}`, digestA)
	for _, hash := range []crypto.Hash{crypto.SHA256, crypto.SHA384, crypto.SHA512} {
		h := hash.New()
		h.Write(payload)
		sig, err := private.Sign(rand.Reader, h.Sum(nil), hash)
		if err != nil {
			t.Fatal(err)
		}
		_, err = attest.VerifyImage(t.Context(), nil, []attest.Classic{{Payload: payload, Signature: base64.StdEncoding.EncodeToString(sig)}},
			attest.Want{Digest: digestA, Dir: dir, Signers: list, Now: now()})
		if (err == nil) != (hash != crypto.SHA512) {
			t.Errorf("%s: %v", hash, err)
		}
	}
}

func FuzzVerify(f *testing.F) {
	private, _ := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	key := fuzzKey{private}
	f.Add(signAny(f, key, digestA, intoto.SignatureType, struct{}{}))
	f.Add(signAny(f, key, digestA, intoto.VerdictType, json.RawMessage(`{"kind":"Verdict"}`)))
	f.Add([]byte(`{"mediaType":"` + attest.BundleMediaType + `","verificationMaterial":{"certificate":{"rawBytes":"MA=="}},"dsseEnvelope":{"payload":"e30=","payloadType":"application/vnd.in-toto+json","signatures":[{"sig":""}]}}`))
	f.Add([]byte(`{"mediaType":"` + attest.BundleMediaType + `","verificationMaterial":{"publicKey":{},"tlogEntries":[{"logIndex":"1"}],"timestampVerificationData":{"rfc3161Timestamps":[{}]}},"dsseEnvelope":{}}`))
	dir := f.TempDir()
	list := writeSigner(f, dir, private.Public())
	f.Fuzz(func(t *testing.T, text []byte) {
		_, err := attest.Verify(t.Context(), text, attest.Want{Digest: digestA, Signers: list, Dir: dir, Now: now()})
		if k := fault.KindOf(err); err != nil && k != fault.Integrity && k != fault.Policy {
			t.Errorf("kind %d: %v", k, err)
		}
	})
}

// TestBrokenBundlesDoNotHarm: whoever may write to a registry can add what is
// no bundle, or ours with a bit turned, or ours about something else. Where all
// that is asked for is there, it does not count; else it is named.
func TestBrokenBundlesDoNotHarm(t *testing.T) {
	at := now()
	key := p256(t)
	dir, list := signers(t, key.Public())
	verdict, _ := judge(t, digestA, at, nil)
	ours := [][]byte{
		signAny(t, key, digestA, intoto.SignatureType, struct{}{}),
		signAny(t, key, digestA, intoto.VerdictType, verdict),
		signAny(t, key, digestA, intoto.ScanType, report(digestA, at)),
	}
	want := attest.All{Digest: digestA, Dir: dir, Now: at, Verify: policy.Verify{SignedBy: list, WithoutSBOM: true, WithoutProvenance: true, WithoutLock: true, WithoutTests: true}}
	for name, added := range map[string]struct {
		text []byte
		kind fault.Kind
		says string
	}{
		"no bundle":           {[]byte("hello"), fault.Integrity, "bundle 1: reading the bundle"},
		"an empty one":        {nil, fault.Integrity, "bundle 1: reading the bundle"},
		"too large":           {make([]byte, attest.MaxBundle+1), fault.Policy, "bytes, more than"},
		"ours, broken":        {bytes.Replace(ours[2], []byte(`"sig":"`), []byte(`"sig":"AAAA`), 1), fault.Integrity, "the signature does not hold"},
		"ours, about another": {signAny(t, key, digestB, intoto.CycloneDXType, struct{}{}), fault.Policy, "it is about another artifact"},
	} {
		summary, err := attest.VerifyAll(t.Context(), slices.Concat([][]byte{added.text}, ours), want)
		if err != nil || len(summary.Broken) != 1 || !strings.Contains(summary.Broken[0], added.says) || len(summary.Statements) != len(ours) {
			t.Errorf("%s: got %v, %+v", name, err, summary)
		}
		_, err = attest.VerifyAll(t.Context(), [][]byte{added.text, ours[0], ours[2]}, want)
		if fault.KindOf(err) != added.kind || !strings.Contains(err.Error(), "no verdict") || !strings.Contains(err.Error(), added.says) {
			t.Errorf("%s, and no verdict: %v", name, err)
		}
	}
	want.Unread = []error{fault.New(fault.Integrity, "manifest x cannot be read")}
	if summary, err := attest.VerifyAll(t.Context(), ours, want); err != nil || len(summary.Broken) != 1 {
		t.Errorf("got %v, %+v", err, summary)
	}
	if _, err := attest.VerifyAll(t.Context(), ours[1:], want); fault.KindOf(err) != fault.Integrity || !strings.Contains(err.Error(), "manifest x cannot be read") {
		t.Errorf("without a signature: %v", err)
	}
}

// TestStrangersDoNotHarm: whoever may write to a registry can add statements;
// they neither count nor keep the artifact from its users.
func TestStrangersDoNotHarm(t *testing.T) {
	at := now()
	key, other := p256(t), p256(t)
	dir, list := signers(t, key.Public())
	verdict, _ := judge(t, digestA, at, nil)
	failed := verdict
	failed.Outcome = gate.OutcomeFailed
	ours := [][]byte{
		signAny(t, key, digestA, intoto.SignatureType, struct{}{}),
		signAny(t, key, digestA, intoto.VerdictType, verdict),
		signAny(t, key, digestA, intoto.ScanType, report(digestA, at)),
	}
	theirs := [][]byte{
		signAny(t, other, digestA, intoto.SignatureType, struct{}{}),
		signAny(t, other, digestA, intoto.VerdictType, failed),
		signAny(t, other, digestA, intoto.ScanType, report(digestA, at)),
	}
	want := attest.All{Digest: digestA, Dir: dir, Now: at, Verify: policy.Verify{SignedBy: list, WithoutSBOM: true, WithoutProvenance: true, WithoutLock: true, WithoutTests: true}}
	summary, err := attest.VerifyAll(t.Context(), slices.Concat(theirs, ours), want)
	if err != nil || len(summary.Untrusted) != 1 || len(summary.Signers) != 1 || len(summary.Statements) != len(ours) {
		t.Errorf("got %v, %+v", err, summary)
	}
	der, err := x509.MarshalPKIXPublicKey(other.Public())
	if err != nil {
		t.Fatal(err)
	}
	one := fmt.Sprintf("\n  3 statements by key sha256:%x, which the policy does not name", sha256.Sum256(der))
	_, err = attest.VerifyAll(t.Context(), theirs, want)
	if fault.KindOf(err) != fault.Policy || !strings.HasSuffix(err.Error(), one) || strings.Count(err.Error(), "statement") != 1 {
		t.Errorf("strangers alone gave %v", err)
	}
}
