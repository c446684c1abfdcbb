package child

import (
	"bytes"
	"encoding/json"
	"fmt"

	"github.com/bakelite/bakelite/internal/fault"
	"github.com/bakelite/bakelite/scan"
	"github.com/bakelite/bakelite/scan/protocol"
)

// readAnswer decodes an answer and compares it with what was asked. Entries for
// the cache come with results or not at all.
func readAnswer(answer []byte, req protocol.Request) ([]protocol.Result, []protocol.Entry, error) {
	entries, r, err := protocol.DecodeAnswer(answer, len(asked(req.Known)))
	if err != nil {
		return nil, nil, fault.As(fault.Internal, fmt.Errorf("reading the scanner's answer: %w", err))
	}
	if r.Failure == nil {
		err = accept(entries, req.Known)
	}
	if err != nil {
		return nil, nil, err
	}
	results, err := about(r, req)
	if err != nil {
		return nil, nil, err
	}
	return results, entries, nil
}

// about refuses a response that is not about the request.
func about(r protocol.Response, req protocol.Request) ([]protocol.Result, error) {
	if r.APIVersion != protocol.APIVersion {
		return nil, fault.New(fault.Internal, "the scanner speaks %.40q: want %q", r.APIVersion, protocol.APIVersion)
	}
	if r.Failure != nil {
		return nil, r.Failure.Err()
	}
	if !(r.Confined.Namespaces && r.Confined.Filter) && !req.Process.Exposed {
		return nil, fault.New(fault.Internal, "the scanner was not shut in")
	}
	if len(r.Results) != len(req.Roots) {
		return nil, fault.New(fault.Internal, "the scanner reports on %d of %d roots", len(r.Results), len(req.Roots))
	}
	if req.List {
		return r.Results, nil
	}
	if len(req.Checks) > 0 {
		return completed(r, req)
	}
	for i, result := range r.Results {
		if err := check(result, req.Roots[i], req); err != nil {
			return nil, err
		}
	}
	return r.Results, nil
}

// check refuses a result that is not about its root, or not whole.
func check(r protocol.Result, root protocol.Root, req protocol.Request) error {
	wrong := func(what string, got any) error {
		return fault.New(fault.Integrity, "the scanner's report on %s has the wrong %s: %.100q", root.Name, what, fmt.Sprint(got))
	}
	p := r.Report
	switch {
	case p.APIVersion != scan.APIVersion || p.Kind != "Report":
		return wrong("form", p.APIVersion+" "+p.Kind)
	case p.Subject != root.About():
		return wrong("subject", p.Subject)
	case p.ArtifactKind != kindOf(root):
		return wrong("kind of artifact", p.ArtifactKind)
	case !p.Scanned.Equal(req.Now):
		return wrong("time", p.Scanned)
	case p.Database.Ref != req.Database.Ref, req.Database.Digest != "" && p.Database.Digest != req.Database.Digest, p.Database.Updated.IsZero():
		return wrong("database", p.Database)
	case p.Scanner.Name == "" || p.Scanner.Version == "":
		return wrong("scanner", p.Scanner)
	case p.Packages == nil || p.Findings == nil || p.Secrets == nil:
		return wrong("lists", "none")
	}
	return documents(r, wrong)
}

func kindOf(root protocol.Root) string {
	switch root.Kind {
	case protocol.Image:
		return "container"
	case protocol.SBOM:
		return root.ArtifactKind
	default:
		return root.Kind
	}
}

func documents(r protocol.Result, wrong func(string, any) error) error {
	var cdx struct {
		BOMFormat string `json:"bomFormat"`
	}
	if err := json.Unmarshal(r.CycloneDX, &cdx); err != nil || cdx.BOMFormat != "CycloneDX" {
		return wrong("CycloneDX", cdx.BOMFormat)
	}
	var spdx struct {
		Version string `json:"spdxVersion"`
	}
	if err := json.Unmarshal(r.SPDX, &spdx); err != nil || !bytes.HasPrefix([]byte(spdx.Version), []byte("SPDX-2")) {
		return wrong("SPDX", spdx.Version)
	}
	for _, f := range r.Report.Findings {
		if f.ID == "" || f.Package == "" || !isSeverity(f.Severity) {
			return wrong("finding", f.ID)
		}
	}
	return nil
}

func isSeverity(severity string) bool {
	for _, s := range scan.Severities() {
		if s == severity {
			return true
		}
	}
	return false
}
