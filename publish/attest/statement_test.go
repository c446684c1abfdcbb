package attest_test

import (
	"fmt"
	"strings"
	"testing"

	"github.com/bakelite/bakelite/internal/fault"
	"github.com/bakelite/bakelite/publish/attest"
)

// TestSignedNonsense: what is signed well but says it badly is refused, above
// all where two readers would read two things.
func TestSignedNonsense(t *testing.T) {
	key := p256(t)
	dir, list := signers(t, key.Public())
	const good = `{"_type":"https://in-toto.io/Statement/v1","subject":[{"name":"web","digest":{"sha256":"%s"}}],"predicateType":"p","predicate":{}}`
	statement := fmt.Sprintf(good, digestA[7:])
	replace := func(from, to string) string {
		if !strings.Contains(statement, from) {
			t.Fatalf("no %q", from)
		}
		return strings.Replace(statement, from, to, 1)
	}
	const intoto = "application/vnd.in-toto+json"
	tests := map[string]struct{ payload, kind, want string }{
		"good":           {statement, intoto, ""},
		"unknown key":    {replace(`"predicate":`, `"later":[1],"predicate":`), intoto, ""},
		"type twice":     {replace(`"predicateType":"p"`, `"predicateType":"q","predicateType":"p"`), intoto, "comes twice"},
		"subject twice":  {replace(`"predicateType"`, `"subject":[],"predicateType"`), intoto, "comes twice"},
		"old statement":  {replace("Statement/v1", "Statement/v0.1"), intoto, "is of the type"},
		"no statement":   {replace(`"_type"`, `"_tipe"`), intoto, "is of the type"},
		"other payload":  {statement, "text/plain", "not an in-toto statement"},
		"no type":        {replace(`"predicateType":"p"`, `"predicateType":""`), intoto, "no predicate type"},
		"other case":     {replace(`"predicateType"`, `"predicatetype"`), intoto, "no predicate type"},
		"no subjects":    {replace(`[{"name":"web","digest":{"sha256":"`+digestA[7:]+`"}}]`, "[]"), intoto, "0 subjects"},
		"many subjects":  {replace(`[{`, "["+strings.Repeat(`{"digest":{}},`, 1024)+"{"), intoto, "1025 subjects"},
		"other digest":   {replace(`"sha256"`, `"sha512"`), intoto, "another artifact"},
		"upper case":     {replace(digestA[7:], strings.ToUpper(digestA[7:])), intoto, "another artifact"},
		"more after it":  {statement + "{}", intoto, "something follows"},
		"a list":         {"[" + statement + "]", intoto, "not a JSON object"},
		"cut":            {statement[:40], intoto, "reading the statement"},
		"deeper than Go": {replace(`"predicate":{}`, `"predicate":`+strings.Repeat("[", 20000)+strings.Repeat("]", 20000)), intoto, "reading the statement"},
	}
	for name, test := range tests {
		t.Run(name, func(t *testing.T) {
			bundle, err := attest.SignPayload([]byte(test.payload), test.kind, key)
			if err != nil {
				t.Fatal(err)
			}
			_, err = attest.Verify(t.Context(), bundle, attest.Want{Digest: digestA, Dir: dir, Signers: list, Now: now()})
			if test.want == "" && err != nil || test.want != "" && (err == nil || !strings.Contains(err.Error(), test.want)) {
				t.Errorf("got %v, want %q", err, test.want)
			}
			if k := fault.KindOf(err); err != nil && k != fault.Integrity && k != fault.Policy {
				t.Errorf("kind %d", k)
			}
		})
	}
}
