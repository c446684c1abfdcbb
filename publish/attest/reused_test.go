package attest_test

import (
	"bytes"
	"encoding/json"
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/bakelite/bakelite/publish/sigstore"

	"github.com/bakelite/bakelite/internal/policy"
	"github.com/bakelite/bakelite/publish/attest"
	"github.com/bakelite/bakelite/publish/attest/sigstoretest"
	"github.com/bakelite/bakelite/publish/intoto"
)

// nightly is what one more publication of the same content would state.
type nightly struct {
	app        string
	digest     string
	files      []intoto.Subject
	build      intoto.Build
	components string
	tests      intoto.Tests
	at         time.Time // of the scan
}

// made is when all was built first.
var made = now().Add(-48 * time.Hour)

// thisNight is one by a fixed build.
func thisNight() nightly {
	return nightly{
		app: "web", digest: digestA, components: "nginx", at: now(),
		build: intoto.Build{
			App: "web", AppDigest: digestB, ArtifactKind: "container", Builder: builder, Version: "v1.2.3", Source: source,
			Commit: strings.Repeat("c", 40), Lock: testLock(made), LockDigest: digestB, Invocation: "run 1", Started: made, Finished: made,
		},
		tests: intoto.Tests{Ran: made, Results: []intoto.TestResult{{Name: "answers", Passed: true, Seconds: 1}}},
	}
}

// nextNight is another one: its times and the names of its runs and documents
// differ.
func nextNight() nightly {
	n := thisNight()
	n.build.Invocation, n.build.Started, n.build.Finished = "run 2", n.at, n.at
	n.tests.Ran, n.tests.Results[0].Seconds = n.at, 2
	return n
}

func (n nightly) order(t *testing.T, attached ...[]byte) attest.Order {
	t.Helper()
	verdict, passed := judge(t, n.digest, n.at, nil)
	return attest.Order{
		Passed: passed, Subject: intoto.Subject{Name: n.app, Digest: n.digest, Files: n.files}, Attached: attached, Want: attest.All{Now: n.at},
		Statements: []intoto.Statement{
			intoto.BuildProvenance(intoto.NewProvenance(n.build)),
			intoto.CycloneDX(fmt.Appendf(nil, `{"serialNumber":%q,"metadata":{"timestamp":%q},"components":[%q]}`, n.build.Invocation, n.build.Finished, n.components)),
			intoto.SPDX(fmt.Appendf(nil, `{"documentNamespace":%q,"creationInfo":{"created":%[2]q},"packages":[{"name":%[3]q,"annotations":[{"annotationDate":%[2]q},{}]},{}]}`, n.build.Invocation, n.build.Finished, n.components)),
			intoto.Scan(*report(n.digest, n.at)),
			attest.Verdict(verdict),
			intoto.TestResults(n.tests),
			intoto.Lock(n.build.Lock),
		},
	}
}

func signed(t *testing.T, o attest.Order, by attest.Signer) attest.Signed {
	t.Helper()
	s, err := attest.Sign(t.Context(), o, by)
	if err != nil {
		t.Fatal(err)
	}
	return s
}

// anew are the types that were signed and are not reused, by their last parts.
// Those that are reused must be among the attached ones as they are.
func anew(t *testing.T, s attest.Signed, attached [][]byte) string {
	t.Helper()
	names := map[string]string{
		intoto.SignatureType: "signature", intoto.ProvenanceType: "provenance", intoto.CycloneDXType: "cyclonedx", intoto.SPDXType: "spdx",
		intoto.ScanType: "scan", intoto.VerdictType: "verdict", intoto.TestsType: "tests", intoto.LockType: "lock",
	}
	var found []string
	for _, b := range s.Bundles() {
		there := slices.ContainsFunc(attached, func(a []byte) bool { return bytes.Equal(a, b.JSON) })
		if there != b.Reused {
			t.Errorf("%s: reused is %v, and it was attached: %v", b.PredicateType, b.Reused, there)
		}
		if !b.Reused {
			found = append(found, names[b.PredicateType])
		}
	}
	return strings.Join(found, " ")
}

const everything, fresh = "signature provenance cyclonedx spdx scan verdict tests lock", "scan verdict"

// TestReused: what says the same as before is reused, and only that.
func TestReused(t *testing.T) {
	for name, tt := range map[string]struct {
		change func(*nightly)
		want   string
	}{
		"nothing new":         {func(n *nightly) { *n = thisNight() }, fresh},
		"times and runs":      {func(*nightly) {}, fresh},
		"another commit":      {func(n *nightly) { n.build.Commit = strings.Repeat("d", 40) }, "provenance scan verdict"},
		"another source":      {func(n *nightly) { n.build.Source += "2" }, "provenance scan verdict"},
		"no source":           {func(n *nightly) { n.build.Source = "" }, "provenance scan verdict"},
		"another builder":     {func(n *nightly) { n.build.Builder += "2" }, "provenance scan verdict"},
		"another Bakelite":    {func(n *nightly) { n.build.Version = "v2" }, "provenance scan verdict"},
		"another app file":    {func(n *nightly) { n.build.AppDigest = digestA }, "provenance scan verdict"},
		"another lock's text": {func(n *nightly) { n.build.LockDigest = digestA }, "provenance scan verdict"},
		"another lock":        {func(n *nightly) { n.build.Lock.Archives[0].InRelease = strings.Repeat("9", 64) }, "provenance scan verdict lock"},
		"another SBOM":        {func(n *nightly) { n.components = "apache" }, "cyclonedx spdx scan verdict"},
		"tests were skipped":  {func(n *nightly) { n.tests.Skipped, n.tests.Results = true, nil }, "scan verdict tests"},
		"skipped, of as many": {func(n *nightly) { n.tests.Skipped = true }, "scan verdict tests"},
		"a test more":         {func(n *nightly) { n.tests.Results = append(n.tests.Results, n.tests.Results[0]) }, "scan verdict tests"},
		"a test failed":       {func(n *nightly) { n.tests.Results[0].Passed = false }, "scan verdict tests"},
		"a test says more":    {func(n *nightly) { n.tests.Results[0].Message = "slowly" }, "scan verdict tests"},
		"a control more":      {func(n *nightly) { n.tests.Hardening = n.tests.Results }, "scan verdict tests"},
		"another name":        {func(n *nightly) { n.app = "shop" }, everything},
		"another digest":      {func(n *nightly) { n.digest = digestB }, everything},
		"a file more":         {func(n *nightly) { n.files = []intoto.Subject{{Name: "web.raw", Digest: digestB}} }, everything},
	} {
		t.Run(name, func(t *testing.T) {
			key := p256(t)
			before := texts(signed(t, thisNight().order(t), attest.ByKey(key)))
			n := nextNight()
			tt.change(&n)
			s := signed(t, n.order(t, before...), attest.ByKey(key))
			if got := anew(t, s, before); got != tt.want {
				t.Errorf("signed anew: %s, want %s", got, tt.want)
			}
			dir, list := signers(t, key.Public())
			want := attest.All{Digest: n.digest, Dir: dir, Now: now(), Verify: policy.Verify{SignedBy: list, Builder: n.build.Builder, Source: n.build.Source}}
			if _, err := attest.VerifyAll(t.Context(), texts(s), want); err != nil || s.Bundles()[0].PredicateType != intoto.SignatureType {
				t.Errorf("as a user: %v; the first is %s", err, s.Bundles()[0].PredicateType)
			}
		})
	}
}

// TestReusedFiles: a disk's statements name the same files.
func TestReusedFiles(t *testing.T) {
	raw, qcow2 := intoto.Subject{Name: "web.raw", Digest: digestB}, intoto.Subject{Name: "web.qcow2", Digest: digestA}
	key := attest.ByKey(p256(t))
	first := thisNight()
	first.files = []intoto.Subject{raw, qcow2}
	before := texts(signed(t, first.order(t), key))
	for name, tt := range map[string]struct {
		files []intoto.Subject
		want  string
	}{
		"the same": {[]intoto.Subject{raw, qcow2}, fresh}, "one less": {[]intoto.Subject{raw}, everything}, "none": {nil, everything},
		"another name": {[]intoto.Subject{{Name: "shop.raw", Digest: digestB}, qcow2}, everything},
	} {
		n := nextNight()
		n.files = tt.files
		if got := anew(t, signed(t, n.order(t, before...), key), before); got != tt.want {
			t.Errorf("%s: signed anew: %s, want %s", name, got, tt.want)
		}
	}
}

// TestReusedBy: only by who signs now, whatever else the policy trusts; what
// is attached by others or broken counts for nothing and is no obstacle.
func TestReusedBy(t *testing.T) {
	key, other := p256(t), p256(t)
	dir, list := signers(t, key.Public(), other.Public())
	mine, others := texts(signed(t, thisNight().order(t), attest.ByKey(key))), texts(signed(t, thisNight().order(t), attest.ByKey(other)))
	broken := func(i int) [][]byte {
		all := slices.Clone(mine)
		all[i] = bytes.Replace(all[i], []byte(`"sig":"M`), []byte(`"sig":"N`), 1)
		return all
	}
	// The other key's signatures, under the hint that names ours.
	forged := func() (all [][]byte) {
		hint := []byte(between(t, mine[0], `"hint":"`))
		for _, b := range others {
			all = append(all, bytes.Replace(b, []byte(between(t, b, `"hint":"`)), hint, 1))
		}
		return all
	}
	indented := func() (all [][]byte) {
		for _, b := range mine {
			var text bytes.Buffer
			if err := json.Indent(&text, b, "", " "); err != nil {
				t.Fatal(err)
			}
			all = append(all, text.Bytes())
		}
		return all
	}
	for name, tt := range map[string]struct {
		attached [][]byte
		want     string
	}{
		"ours, indented":          {indented(), everything},
		"ours, after indented":    {slices.Concat(indented(), mine), fresh},
		"nothing":                 {nil, everything},
		"ours":                    {mine, fresh},
		"another's":               {others, everything},
		"another's, then ours":    {slices.Concat(others, mine), fresh},
		"forged":                  {forged(), everything},
		"a signature is broken":   {broken(0), "signature scan verdict"},
		"the lock's is broken":    {broken(7), "scan verdict lock"},
		"no bundles beside ours":  {append([][]byte{nil, []byte("{}"), []byte("[")}, mine...), fresh},
		"each of ours twice":      {slices.Concat(mine, mine), fresh},
		"ours, of another digest": {texts(signed(t, order(t, digestB, now()), attest.ByKey(key))), everything},
	} {
		for who, verify := range map[string]policy.Verify{"a policy": {SignedBy: list}, "no policy": {}} {
			o := nextNight().order(t, tt.attached...)
			o.Want.Dir, o.Want.Verify = dir, verify
			if got := anew(t, signed(t, o, attest.ByKey(key)), tt.attached); got != tt.want {
				t.Errorf("%s, %s: signed anew: %s, want %s", name, who, got, tt.want)
			}
		}
	}
}

// TestReusedInTheWay: what the signer said before holds and says the same,
// but a user would refuse it; so all is signed, as if nothing were there.
func TestReusedInTheWay(t *testing.T) {
	key := p256(t)
	before := texts(signed(t, thisNight().order(t), attest.ByKey(key)))
	text, err := json.Marshal(intoto.NewProvenance(thisNight().build))
	if err != nil {
		t.Fatal(err)
	}
	odd := bytes.Replace(text, []byte(`"startedOn":"2`), []byte(`"startedOn":"last year, 2`), 1)
	before[1] = signAny(t, key, digestA, intoto.ProvenanceType, json.RawMessage(odd))
	if got := anew(t, signed(t, nextNight().order(t, before...), attest.ByKey(key)), before); got != everything {
		t.Errorf("signed anew: %s", got)
	}
}

// TestReusedIsTheNewest: readers take the newest provenance and tests, so
// that what was said before something else is not reused. Stating it again
// with a date that is older than that would change nothing.
func TestReusedIsTheNewest(t *testing.T) {
	key := attest.ByKey(p256(t))
	ran, skipped, again := thisNight(), thisNight(), thisNight()
	skipped.tests = intoto.Tests{Skipped: true, Ran: ran.tests.Ran.Add(time.Hour)}
	skipped.build.Commit, skipped.build.Finished = strings.Repeat("d", 40), ran.build.Finished.Add(time.Hour)
	again.tests.Ran, again.build.Finished = ran.tests.Ran.Add(2*time.Hour), ran.build.Finished.Add(2*time.Hour)
	var attached [][]byte
	for i, tt := range []struct {
		nightly
		want string
	}{{ran, everything}, {skipped, "provenance scan verdict tests"}, {ran, fresh}, {again, "provenance scan verdict tests"}, {again, fresh}, {ran, fresh}} {
		s := signed(t, tt.order(t, attached...), key)
		if got := anew(t, s, attached); got != tt.want {
			t.Errorf("%d: signed anew: %s, want %s", i, got, tt.want)
		}
		attached = append(texts(s), attached...)
	}
}

// TestReusedReportNever: freshness is what verifiers ask for.
func TestReusedReportNever(t *testing.T) {
	lasting := attest.Lasting()
	if slices.Contains(lasting, intoto.ScanType) || slices.Contains(lasting, intoto.VerdictType) || len(lasting) != 6 {
		t.Errorf("these may be reused: %q", lasting)
	}
}

// TestReusedKeyless: an identity's statements are reused for the same subject of
// the same issuer and root; the log gets the new ones alone.
func TestReusedKeyless(t *testing.T) {
	v, foreign := newVirtual(t), newVirtual(t)
	as := func(v *virtual, subject, issuer string) attest.Keyless {
		return attest.Keyless{Token: sigstore.TextToken(token(subject, issuer)), Sigstore: v.sigstore(t, 1)}
	}
	before := texts(signed(t, thisNight().order(t), attest.ByIdentity(as(v, who, by))))
	down := as(v, who, by)
	down.Sigstore.Rekor, down.Fallback = "http://127.0.0.1:1", p256(t)
	for name, tt := range map[string]struct {
		signer attest.Keyless
		policy bool
		want   string
	}{
		"the same":         {as(v, who, by), false, fresh},
		"by a policy":      {as(v, who, by), true, fresh},
		"another subject":  {as(v, "m"+who, by), false, everything},
		"one of a policy":  {as(v, "m"+who, by), true, everything},
		"another issuer":   {as(v, who, by+"/"), false, everything},
		"another instance": {as(foreign, who, by), false, everything},
	} {
		t.Run(name, func(t *testing.T) {
			at := v
			if name == "another instance" {
				at = foreign
			}
			o := nextNight().order(t, before...)
			if tt.policy {
				o.Want.Dir, o.Want.Verify.SignedBy = rooted(t, v), []policy.Signer{{Issuer: by, SubjectMatches: ".*" + who, TrustedRoot: "root.json"}}
			}
			certificates, logged := at.Certificates(), len(at.Received(sigstoretest.RekorPath))
			s := signed(t, o, attest.ByIdentity(tt.signer))
			if got := anew(t, s, before); got != tt.want {
				t.Errorf("signed anew: %s, want %s", got, tt.want)
			}
			if n := len(at.Received(sigstoretest.RekorPath)) - logged; n != len(strings.Fields(tt.want)) || at.Certificates() != certificates+1 {
				t.Errorf("%d entries were logged, and %d certificates given", n, at.Certificates()-certificates)
			}
		})
	}
	t.Run("the fallback key", func(t *testing.T) {
		if got := anew(t, signed(t, nextNight().order(t, before...), attest.ByIdentity(down)), before); got != everything {
			t.Errorf("signed anew: %s", got)
		}
	})
}
