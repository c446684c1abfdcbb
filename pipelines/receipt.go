package pipelines

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"time"

	"github.com/google/renameio/v2"

	"github.com/bakelite/bakelite/builders"
	"github.com/bakelite/bakelite/builders/engine"
	"github.com/bakelite/bakelite/internal/oci"
)

// Receipt says what was made, from what, and how it was tested. It stands in
// the output folder and is written last.
type Receipt struct {
	APIVersion string `json:"apiVersion"`
	Kind       string `json:"kind"`
	App        string `json:"app"`
	// Key is the digest of everything that decides the artifacts' bytes.
	Key        string              `json:"key"`
	LockDigest string              `json:"lockDigest"`
	Bakelite   string              `json:"bakelite"`
	Started    time.Time           `json:"started"`
	Made       time.Time           `json:"made"`
	Artifacts  []builders.Artifact `json:"artifacts"`
	// Tests are the declared tests by kind of artifact.
	Tests map[string]Tested `json:"tests"`
	// TestsSkipped says that --skip-tests left the declared tests out.
	TestsSkipped bool          `json:"testsSkipped"`
	Steps        []engine.Step `json:"steps"`
}

// maxReceipt bounds a receipt, in bytes.
const maxReceipt = 4 << 20

func (k Kitchen) receiptPath(app string) string {
	return filepath.Join(k.Output, app+".receipt.json")
}

// readReceipt returns nil where there is none or it cannot be read: then there
// is work.
func (k Kitchen) readReceipt(app string) *Receipt {
	f, err := os.Open(k.receiptPath(app))
	if err != nil {
		return nil
	}
	defer f.Close()
	decoder := json.NewDecoder(io.LimitReader(f, maxReceipt))
	decoder.DisallowUnknownFields()
	var r Receipt
	if decoder.Decode(&r) != nil || r.Kind != "Receipt" || r.APIVersion != receiptVersion {
		return nil
	}
	return &r
}

const receiptVersion = "bakelite.dev/v1"

func (k Kitchen) writeReceipt(r Receipt) error {
	r.APIVersion, r.Kind = receiptVersion, "Receipt"
	var text bytes.Buffer
	encoder := json.NewEncoder(&text)
	encoder.SetIndent("", "  ")
	if err := encoder.Encode(r); err != nil {
		return fmt.Errorf("writing receipt: %w", err)
	}
	if err := renameio.WriteFile(k.receiptPath(r.App), text.Bytes(), 0o644); err != nil {
		return fmt.Errorf("writing receipt: %w", err)
	}
	return nil
}

// holds says whether every artifact of the receipt is still there in full.
func (r *Receipt) holds() bool {
	for _, a := range r.Artifacts {
		if a.Kind == builders.Container && a.Format == "layout" {
			if size, err := oci.Size(a.Path, a.Digest); err != nil || size != a.Size {
				return false
			}
			continue
		}
		if info, err := os.Stat(a.Path); err != nil || info.Size() != a.Size || info.ModTime().After(r.Made) {
			return false
		}
	}
	return true
}

// forget removes the receipt, so that a run that ends early leaves work to do
// rather than a receipt that no longer holds.
func (k Kitchen) forget(app string) error {
	if err := os.Remove(k.receiptPath(app)); err != nil && !errors.Is(err, fs.ErrNotExist) {
		return fmt.Errorf("removing old receipt: %w", err)
	}
	return nil
}
