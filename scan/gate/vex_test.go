package gate_test

import (
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/bakelite/bakelite/internal/fault"
	"github.com/bakelite/bakelite/internal/policy"
	"github.com/bakelite/bakelite/scan"
	"github.com/bakelite/bakelite/scan/gate"
)

const extras = `,"justification":"vulnerable_code_not_present"`

// vexJSON writes a document of one statement.
func vexJSON(status, vulnerability, products string, at time.Time) string {
	more := ""
	switch status {
	case "not_affected":
		more = extras
	case "affected":
		more = `,"action_statement":"update"`
	}
	return fmt.Sprintf(`{"@context":"https://openvex.dev/ns/v0.2.0","@id":"https://example.com/vex/%s","author":"Security","timestamp":%q,"version":1,
		"statements":[{"vulnerability":%s,"products":[%s],"status":%q%s}]}`, status, at.Format(time.RFC3339), vulnerability, products, status, more)
}

func document(t *testing.T, status, product string, at time.Time) gate.Document {
	t.Helper()
	return parsed(t, vexJSON(status, `{"name":"CVE-2026-1"}`, fmt.Sprintf(`{"@id":%q}`, product), at))
}

func parsed(t *testing.T, text string) gate.Document {
	t.Helper()
	d, err := gate.ParseVEX("a.json", []byte(text))
	if err != nil {
		t.Fatal(err)
	}
	return d
}

func TestVEXSuppresses(t *testing.T) {
	name := `{"name":"CVE-2026-1"}`
	old := now.AddDate(0, 0, -1)
	id := func(product string) string { return fmt.Sprintf(`{"@id":%q}`, product) }
	sub := func(product, component string) string {
		return fmt.Sprintf(`{"@id":%q,"subcomponents":[{"@id":%q}]}`, product, component)
	}
	hash := `{"@id":"https://example.com/web","hashes":{"sha-256":"` + strings.Repeat("ab", 32) + `"}}`
	tests := []struct {
		name                            string
		status, vulnerability, products string
		at                              time.Time
		want                            bool
	}{
		{"not affected", "not_affected", name, id(openssl), old, true},
		{"fixed", "fixed", name, id(openssl), old, true},
		{"affected", "affected", name, id(openssl), old, false},
		{"under investigation", "under_investigation", name, id(openssl), old, false},
		{"another vulnerability", "fixed", `{"name":"CVE-2026-2"}`, id(openssl), old, false},
		{"by alias", "fixed", `{"name":"GHSA-1","aliases":["CVE-2026-1"]}`, id(openssl), old, true},
		{"any version", "fixed", name, id("pkg:deb/debian/openssl"), old, true},
		{"another version", "fixed", name, id("pkg:deb/debian/openssl@3.5.1-2"), old, false},
		{"another package", "fixed", name, id("pkg:deb/debian/curl"), old, false},
		{"another distribution", "fixed", name, id("pkg:deb/ubuntu/openssl"), old, false},
		{"another architecture", "fixed", name, id("pkg:deb/debian/openssl@3.5.1-1?arch=arm64"), old, false},
		{"by identifier", "fixed", name, `{"identifiers":{"purl":"pkg:deb/debian/openssl"}}`, old, true},
		{"the app", "fixed", name, id("pkg:oci/web"), old, true},
		{"the artifact", "fixed", name, id("pkg:oci/web@sha256%3A" + strings.Repeat("ab", 32)), old, true},
		{"another artifact", "fixed", name, id("pkg:oci/web@sha256%3A" + strings.Repeat("00", 32)), old, false},
		{"another app", "fixed", name, id("pkg:oci/db"), old, false},
		{"by hash", "fixed", name, hash, old, true},
		{"the app's package", "fixed", name, sub("pkg:oci/web", "pkg:deb/debian/openssl"), old, true},
		{"the app's other package", "fixed", name, sub("pkg:oci/web", "pkg:deb/debian/curl"), old, false},
		{"another app's package", "fixed", name, sub("pkg:oci/db", "pkg:deb/debian/openssl"), old, false},
		{"a part of the package", "fixed", name, sub(openssl, "pkg:generic/x"), old, false},
		{"second product", "fixed", name, id("pkg:oci/db") + "," + id(openssl), old, true},
		{"from the future", "fixed", name, id(openssl), now.Add(time.Hour), false},
	}
	for _, tt := range tests {
		in := input()
		in.Report.Findings = []scan.Finding{finding()}
		in.VEX = []gate.Document{parsed(t, vexJSON(tt.status, tt.vulnerability, tt.products, tt.at))}
		v, _, ok := gate.Judge(in)
		if ok != tt.want {
			t.Errorf("%s: suppressed %v", tt.name, ok)
		}
		if tt.want && (len(v.VEX) != 1 || v.VEX[0].Matched != 1 || v.VEX[0].Author != "Security" || v.VEX[0].Document != "https://example.com/vex/"+tt.status) {
			t.Errorf("%s: statements used: %+v", tt.name, v.VEX)
		}
	}
}

// TestVEXNeedsIdentifiers: what has no package URL or no identifier is never
// taken for a product without one.
func TestVEXNeedsIdentifiers(t *testing.T) {
	in := input()
	f := finding()
	f.PURL = ""
	in.Report.Findings = []scan.Finding{f}
	in.VEX = []gate.Document{parsed(t, vexJSON("fixed", `{"name":"CVE-2026-1"}`, `{"identifiers":{"cpe23":""}}`, now))}
	if _, _, ok := gate.Judge(in); ok {
		t.Error("an empty identifier suppressed a finding")
	}
	in.Report.Findings[0].ID = ""
	in.VEX = []gate.Document{parsed(t, vexJSON("fixed", `{"name":"CVE-2026-1"}`, `{"@id":"pkg:oci/web"}`, now))}
	if _, _, ok := gate.Judge(in); ok {
		t.Error("a finding without identifier was suppressed")
	}
}

func TestNewestStatementCounts(t *testing.T) {
	older, newer := now.AddDate(0, 0, -2), now.AddDate(0, 0, -1)
	for _, tt := range []struct {
		name   string
		first  gate.Document
		second gate.Document
		want   bool
	}{
		{"fixed later", document(t, "affected", openssl, older), document(t, "fixed", openssl, newer), true},
		{"affected later", document(t, "not_affected", openssl, older), document(t, "affected", openssl, newer), false},
		{"under investigation later", document(t, "fixed", "pkg:oci/web", older), document(t, "under_investigation", openssl, newer), false},
		{"at the same time", document(t, "fixed", openssl, newer), document(t, "affected", openssl, newer), false},
	} {
		for _, order := range [][]gate.Document{{tt.first, tt.second}, {tt.second, tt.first}} {
			in := input()
			in.Report.Findings = []scan.Finding{finding()}
			in.VEX = order
			if _, _, ok := gate.Judge(in); ok != tt.want {
				t.Errorf("%s: suppressed %v", tt.name, ok)
			}
		}
	}
}

func TestParseVEXRefuses(t *testing.T) {
	good := vexJSON("fixed", `{"name":"CVE-2026-1"}`, `{"@id":"pkg:oci/web"}`, now)
	if _, err := gate.ParseVEX("x", []byte(good)); err != nil {
		t.Fatal(err)
	}
	replace := func(old, by string) string { return strings.Replace(good, old, by, 1) }
	for name, text := range map[string]string{
		"nothing":          "",
		"a list":           "[]",
		"another context":  replace("https://openvex.dev/ns/v0.2.0", "https://openvex.dev/nsx"),
		"no author":        replace(`"Security"`, `""`),
		"unknown status":   replace(`"fixed"`, `"ok"`),
		"no justification": replace(`"status":"fixed"`, `"status":"not_affected"`),
		"no product":       replace(`{"@id":"pkg:oci/web"}`, ""),
		"no vulnerability": replace(`{"name":"CVE-2026-1"}`, "{}"),
		"no time":          replace(`"timestamp"`, `"when"`),
		"too large":        good + strings.Repeat(" ", 8<<20),
	} {
		_, err := gate.ParseVEX("x.json", []byte(text))
		if fault.KindOf(err) != fault.Invalid || fault.HintOf(err) == "" || !strings.Contains(err.Error(), "x.json") {
			t.Errorf("%s: %v", name, err)
		}
	}
}

func TestDocuments(t *testing.T) {
	good := vexJSON("fixed", `{"name":"CVE-2026-1"}`, `{"@id":"pkg:oci/web"}`, now)
	p := policy.Policy{VEX: []string{"a.json"}, Files: map[string][]byte{"a.json": []byte(good)}}
	if docs, err := gate.Documents(p); err != nil || len(docs) != 1 {
		t.Errorf("%d documents, %v", len(docs), err)
	}
	p.Files = nil
	if _, err := gate.Documents(p); fault.KindOf(err) != fault.Invalid {
		t.Errorf("a document that was not read: %v", err)
	}
}

// FuzzVEX: no document of any form panics or suppresses what it does not name.
func FuzzVEX(f *testing.F) {
	f.Add([]byte(vexJSON("fixed", `{"name":"CVE-2026-1"}`, `{"@id":"pkg:oci/web"}`, now)))
	f.Add([]byte(vexJSON("not_affected", `{"name":"CVE-2026-2","aliases":[""]}`, `{"identifiers":{"purl":"pkg:"}}`, now)))
	f.Fuzz(func(t *testing.T, data []byte) {
		d, err := gate.ParseVEX("x", data)
		if err != nil {
			if fault.KindOf(err) != fault.Invalid {
				t.Fatal(err)
			}
			return
		}
		in := input()
		other := finding()
		other.ID = "CVE-0000-0"
		in.Report.Findings = []scan.Finding{finding(), other}
		in.VEX = []gate.Document{d}
		if v, _, ok := gate.Judge(in); ok && !strings.Contains(string(data), "CVE-0000-0") && !strings.Contains(string(data), `\u`) {
			t.Fatalf("suppressed: %+v", v.VEX)
		}
	})
}
