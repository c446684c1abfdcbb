package show

import (
	"encoding/json"
	"io"

	"github.com/bakelite/bakelite/internal/fault"
	"github.com/bakelite/bakelite/scan"
)

// JSON writes reports as one JSON list, in the order given.
func JSON(w io.Writer, reports []scan.Report) error {
	if reports == nil {
		reports = []scan.Report{}
	}
	return encode(w, reports)
}

func encode(w io.Writer, v any) error {
	data, err := json.MarshalIndent(v, "", "  ")
	if err != nil {
		return fault.New(fault.Internal, "writing JSON: %w", err)
	}
	return writeText(w, string(data)+"\n")
}
