package gate

import (
	"fmt"
	"strings"
	"time"

	"github.com/openvex/go-vex/pkg/vex"

	"github.com/bakelite/bakelite/internal/fault"
	"github.com/bakelite/bakelite/internal/policy"
)

const (
	// maxDocument bounds a VEX document, in bytes.
	maxDocument = 8 << 20
	// maxStatements bounds the statements of one document.
	maxStatements = 20_000
)

// Document is one OpenVEX document that was read and checked.
type Document struct {
	name string
	vex  vex.VEX
}

// Documents returns the VEX documents that p names, as policy.Load read them.
// What is not a valid OpenVEX document is a fault.Invalid error.
func Documents(p policy.Policy) ([]Document, error) {
	documents := make([]Document, 0, len(p.VEX))
	for _, name := range p.VEX {
		data, ok := p.Files[name]
		if !ok {
			return nil, fault.New(fault.Invalid, "reading VEX: %s was not read with the policy", name)
		}
		d, err := ParseVEX(name, data)
		if err != nil {
			return nil, err
		}
		documents = append(documents, d)
	}
	return documents, nil
}

// ParseVEX reads an OpenVEX document of at most 8 MiB; name is for messages
// and verdicts. Errors are fault.Invalid.
func ParseVEX(name string, data []byte) (Document, error) {
	d, err := parseVEX(name, data)
	if err != nil {
		err = fault.New(fault.Invalid, "reading VEX document %s: %w", name, err)
		return Document{}, fault.Hint(err, "write it as OpenVEX 0.2.0 in JSON, for instance with vexctl")
	}
	return d, nil
}

func parseVEX(name string, data []byte) (Document, error) {
	if len(data) > maxDocument {
		return Document{}, fmt.Errorf("it is larger than %d bytes", maxDocument)
	}
	parsed, err := vex.Parse(data)
	switch {
	case err != nil:
		return Document{}, err
	case parsed.Context != vex.Context && !strings.HasPrefix(parsed.Context, vex.Context+"/"):
		return Document{}, fmt.Errorf("its @context is %q, not %s", parsed.Context, vex.Context)
	case parsed.Author == "":
		return Document{}, fmt.Errorf("it names no author")
	case len(parsed.Statements) > maxStatements:
		return Document{}, fmt.Errorf("it has more than %d statements", maxStatements)
	}
	for i := range parsed.Statements {
		s := &parsed.Statements[i]
		if err := s.Validate(); err != nil {
			return Document{}, fmt.Errorf("statement %d: %w", i+1, err)
		}
		if s.Vulnerability.Name == "" || len(s.Products) == 0 {
			return Document{}, fmt.Errorf("statement %d names no vulnerability or no product", i+1)
		}
		if timeOf(parsed, s).IsZero() {
			return Document{}, fmt.Errorf("statement %d has no timestamp, and its document neither", i+1)
		}
	}
	return Document{name: name, vex: *parsed}, nil
}

// timeOf is when a statement was known to be true: its own time, or else its
// document's (OpenVEX 0.2.0, "Inheritance").
func timeOf(d *vex.VEX, s *vex.Statement) time.Time {
	for _, t := range []*time.Time{s.LastUpdated, s.Timestamp, d.Timestamp} {
		if t != nil && !t.IsZero() {
			return *t
		}
	}
	return time.Time{}
}
