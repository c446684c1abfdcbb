// Package catalogue reads the records of the hardening controls, which are
// data, and writes the document that lists them. It refuses what it does not
// understand. It is apart from package controls because of its YAML decoder.
package catalogue

import (
	"fmt"
	"slices"
	"strings"

	"github.com/goccy/go-yaml"

	"github.com/bakelite/bakelite/internal/fault"
	"github.com/bakelite/bakelite/scan/controls"
	"github.com/bakelite/bakelite/templates"
)

// Load returns all controls in the order of their identifiers; an error is a
// defect of this program and names every record that is wrong.
func Load() ([]controls.Control, error) {
	return parse([]byte(templates.Text("controls/controls.yaml")))
}

// parse reads and validates records; all problems come back at once.
func parse(data []byte) ([]controls.Control, error) {
	var cs []controls.Control
	if err := yaml.UnmarshalWithOptions(data, &cs, yaml.Strict()); err != nil {
		return nil, fault.As(fault.Internal, fmt.Errorf("reading hardening controls: %w", err))
	}
	if err := controls.Validate(cs); err != nil {
		return nil, err
	}
	slices.SortFunc(cs, func(a, b controls.Control) int { return strings.Compare(a.ID, b.ID) })
	return cs, nil
}
