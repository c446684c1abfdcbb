package child_test

import (
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/bakelite/bakelite/internal/fault"
	"github.com/bakelite/bakelite/scan/child"
	"github.com/bakelite/bakelite/scan/protocol"
)

// report is a whole answer about subject a.
const report = `{"apiVersion":"bakelite.dev/v1","kind":"Report","subject":"a","artifactKind":"disk","scanner":{"name":"trivy","version":"1"},` +
	`"database":{"ref":"test","digest":"sha256:0","updated":"2026-11-24T00:00:00Z"},"scanned":"2026-11-24T12:00:00Z","os":{"family":"","name":""},"packages":[],"findings":[],"secrets":[]}`

const result = `{"report":` + report + `,"cyclonedx":{"bomFormat":"CycloneDX"},"spdx":{"spdxVersion":"SPDX-2.3"},"cached":0}`

const whole = `{"apiVersion":"bakelite.dev/scan/v2","results":[` + result + `],"confined":{"namespaces":true,"filter":true,"uid":1}}`

// TestMisbehavingScanner has scanners that were taken over or broke; the
// first is well and shows that the answer is taken as it is.
func TestMisbehavingScanner(t *testing.T) {
	say := func(text string) string { return "cat >/dev/null; printf %s '" + text + "'" }
	with := func(old, replacement string) string { return say(strings.Replace(whole, old, replacement, 1)) }
	tests := []struct {
		name, script string
		kind         fault.Kind
		says         string
	}{
		{"well", say(whole), -1, ""},
		{"crash", "echo boom >&2; exit 2", fault.Internal, "boom"},
		{"crash after a whole answer", say(whole) + "; exit 2", fault.Internal, "exit code 2"},
		{"killed", "kill -9 $$", fault.Internal, "exit code 137"},
		{"hang", "sleep 1000", fault.Internal, "did not finish"},
		{"out of memory", "echo 'fatal error: runtime: out of memory' >&2; exit 2", fault.Internal, "more memory"},
		{"silence", "cat >/dev/null", fault.Internal, "reading the scanner's answer"},
		{"nonsense", say("hello"), fault.Internal, "reading the scanner's answer"},
		{"two answers", say(whole + whole), fault.Internal, "follows"},
		{"unknown field", with(`"cached":0`, `"cached":0,"more":1`), fault.Internal, "unknown field"},
		{"too much", "cat >/dev/null; yes", fault.Internal, "larger than"},
		{"another version", with("scan/v2", "scan/v9"), fault.Internal, "speaks"},
		{"exposed", with(`"namespaces":true`, `"namespaces":false`), fault.Internal, "not shut in"},
		{"unfiltered", with(`"filter":true`, `"filter":false`), fault.Internal, "not shut in"},
		{"nothing seen", with(result, ""), fault.Internal, "0 of 1 roots"},
		{"one too many", with(result, result+","+result), fault.Internal, "2 of 1 roots"},
		{"another subject", with(`"subject":"a"`, `"subject":"b"`), fault.Integrity, "subject"},
		{"another kind", with(`"disk"`, `"container"`), fault.Integrity, "kind of artifact"},
		{"another time", with("T12:00:00Z", "T13:00:00Z"), fault.Integrity, "time"},
		{"another database", with(`"ref":"test"`, `"ref":"other"`), fault.Integrity, "database"},
		{"no lists", with(`"findings":[]`, `"findings":null`), fault.Integrity, "lists"},
		{"no SBOM", with(`{"bomFormat":"CycloneDX"}`, `{}`), fault.Integrity, "CycloneDX"},
		{"no SPDX", with(`"SPDX-2.3"`, `""`), fault.Integrity, "SPDX"},
		{"unknown severity", with(`"findings":[]`, `"findings":[{"id":"CVE-1","package":"p","type":"t","version":"1","severity":"fine"}]`), fault.Integrity, "finding"},
		{"its own failure", say(`{"apiVersion":"bakelite.dev/scan/v2","failure":{"kind":"integrity","message":"bad layer"}}`), fault.Integrity, "bad layer"},
		{"failure of an unknown kind", say(`{"apiVersion":"bakelite.dev/scan/v2","failure":{"kind":"fine","message":"m"}}`), fault.Internal, "unknown kind"},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			dir := t.TempDir()
			file := filepath.Join(dir, "scanner")
			if err := os.WriteFile(file, fmt.Appendf(nil, "#!/bin/sh\n%s\n", test.script), 0o755); err != nil {
				t.Fatal(err)
			}
			s := child.Scanner{Program: file, Limits: child.Limits{Output: 1 << 20, Time: 20 * time.Second}}
			if test.name == "hang" {
				s.Limits.Time = 200 * time.Millisecond
			}
			results, err := s.Scan(t.Context(), child.Request{
				Roots: []protocol.Root{{Name: "r", Kind: protocol.Disk, Path: file, Digest: "a"}}, Database: protocol.Database{Folder: dir, Ref: "test"}, Now: now(),
			})
			if test.kind < 0 {
				if err != nil || len(results) != 1 {
					t.Errorf("%d results, %v", len(results), err)
				}
				return
			}
			if err == nil || fault.KindOf(err) != test.kind || !strings.Contains(err.Error(), test.says) {
				t.Errorf("kind %d: %v", fault.KindOf(err), err)
			}
		})
	}
}
