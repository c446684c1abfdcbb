package results

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"maps"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"time"

	"github.com/google/renameio/v2"

	"github.com/bakelite/bakelite/builders/progress"
	"github.com/bakelite/bakelite/internal/artifact"
	"github.com/bakelite/bakelite/internal/digests"
	"github.com/bakelite/bakelite/internal/fault"
	"github.com/bakelite/bakelite/internal/limit"
	"github.com/bakelite/bakelite/internal/oci"
	"github.com/bakelite/bakelite/internal/regular"
	"github.com/bakelite/bakelite/internal/vouch"
)

// Receipt says what was made, from what, and how it was tested. It stands in
// the output folder and is written last. A build of one kind of artifact keeps
// what the receipt says of the other kind where its key is the same.
type Receipt struct {
	APIVersion string `json:"apiVersion"`
	Kind       string `json:"kind"`
	App        string `json:"app"`
	// Key is the digest of everything that decides the artifacts' bytes.
	Key        string `json:"key"`
	LockDigest string `json:"lockDigest"`
	Bakelite   string `json:"bakelite"`
	// Started is the start of the first build that made one of the artifacts,
	// Made the end of the last.
	Started   time.Time           `json:"started"`
	Made      time.Time           `json:"made"`
	Artifacts []artifact.Artifact `json:"artifacts"`
	// Tests are the declared tests by kind of artifact.
	Tests map[string]Tested `json:"tests"`
	// TestsSkipped says that --skip-tests left the declared tests out.
	TestsSkipped bool            `json:"testsSkipped"`
	Steps        []progress.Step `json:"steps"`
	// CacheMounts are the caches that steps of the Dockerfile had, by the names
	// that it gives them: what earlier builds left in them went in.
	CacheMounts []string `json:"cacheMounts,omitempty"`
	// digest is of the receipt's file, "" before it is written.
	digest string
}

// Digest is that of the receipt's file, by which another machine knows it.
func (r Receipt) Digest() string { return r.digest }

// maxReceipt bounds a receipt, in bytes.
const maxReceipt = 4 << 20

// ReceiptPath is where the receipt of an app stands.
func (f Folder) ReceiptPath(app string) string { return filepath.Join(f.Path, app+".receipt.json") }

// Receipt reads an app's receipt. It speaks of what stands beside it, wherever that stood when it was made. None is a
// fault.Missing, what is no receipt of this version a fault.Invalid.
//
// Nobody vouches for it: it tells what there is to run, never what to sign.
func (f Folder) Receipt(app string) (Receipt, error) {
	path := f.ReceiptPath(app)
	file, err := regular.Open(path)
	if errors.Is(err, fs.ErrNotExist) {
		return Receipt{}, fault.New(fault.Missing, "nothing was built yet: there is no %s", path)
	}
	if err != nil {
		return Receipt{}, fault.New(fault.Invalid, "reading receipt: %w", err)
	}
	defer file.Close()
	text, err := limit.ReadAll(file, maxReceipt, path)
	if err != nil {
		return Receipt{}, fault.New(fault.Invalid, "reading receipt: %w", err)
	}
	decoder := json.NewDecoder(bytes.NewReader(text))
	decoder.DisallowUnknownFields()
	var r Receipt
	if decoder.Decode(&r) != nil || r.Kind != "Receipt" || r.APIVersion != APIVersion {
		return Receipt{}, fault.New(fault.Invalid, "%s is not a receipt of this version of Bakelite", path)
	}
	r.digest = digests.Of(text)
	for i, a := range r.Artifacts {
		r.Artifacts[i].Path = filepath.Join(f.Path, filepath.Base(a.Path))
		if a.Ref != "" {
			r.Artifacts[i].Ref = r.Artifacts[i].Path + "@" + a.Digest
		}
	}
	return r, nil
}

// Of returns what the receipt says of some kinds of artifacts.
func (r Receipt) Of(kinds []string) Receipt {
	r.Artifacts = slices.DeleteFunc(slices.Clone(r.Artifacts), func(a artifact.Artifact) bool { return !slices.Contains(kinds, a.Kind) })
	r.Tests = maps.Clone(r.Tests)
	maps.DeleteFunc(r.Tests, func(kind string, _ Tested) bool { return !slices.Contains(kinds, kind) })
	r.TestsSkipped = slices.ContainsFunc(r.Kinds(), func(kind string) bool { _, tested := r.Tests[kind]; return !tested })
	return r
}

// Kinds are the kinds of artifacts that there are, sorted.
func (r Receipt) Kinds() []string {
	var all []string
	for _, a := range r.Artifacts {
		all = append(all, a.Kind)
	}
	slices.Sort(all)
	return slices.Compact(all)
}

// Serves says whether all that a build is asked for is there: kinds, sorted,
// and tested unless that is not asked for.
func (r Receipt) Serves(kinds []string, untested bool) bool {
	asked := r.Of(kinds)
	return asked.Covers(kinds, untested) && asked.Holds()
}

// Covers says whether the receipt speaks of just what a build is asked for, as
// Serves has it.
func (r Receipt) Covers(kinds []string, untested bool) bool {
	return slices.Equal(r.Kinds(), kinds) && (untested || !r.TestsSkipped)
}

// With adds what an older receipt of the same key says of other kinds, where
// that still holds.
func (r Receipt) With(old Receipt) Receipt {
	made := r.Kinds()
	others := old.Of(slices.DeleteFunc(old.Kinds(), func(kind string) bool { return slices.Contains(made, kind) }))
	if len(others.Artifacts) == 0 || !others.Holds() {
		return r
	}
	r.Artifacts = append(slices.Clone(r.Artifacts), others.Artifacts...)
	slices.SortStableFunc(r.Artifacts, func(x, y artifact.Artifact) int { return strings.Compare(x.Kind, y.Kind) })
	r.Tests = maps.Clone(r.Tests)
	maps.Copy(r.Tests, others.Tests)
	r.CacheMounts = slices.Compact(slices.Sorted(slices.Values(append(others.CacheMounts, r.CacheMounts...))))
	r.Started, r.Steps, r.TestsSkipped = old.Started, append(others.Steps, r.Steps...), r.TestsSkipped || others.TestsSkipped
	return r
}

// APIVersion is that of receipts and publications.
const APIVersion = "bakelite.dev/v1"

// WriteReceipt writes a receipt, which then has a digest, and vouches for it.
func (f Folder) WriteReceipt(r *Receipt) error {
	r.APIVersion, r.Kind = APIVersion, "Receipt"
	var text bytes.Buffer
	encoder := json.NewEncoder(&text)
	encoder.SetIndent("", "  ")
	if err := encoder.Encode(r); err != nil {
		return fmt.Errorf("writing receipt: %w", err)
	}
	r.digest = digests.Of(text.Bytes())
	if err := f.Vouch.Note(vouch.Receipt, r.digest, ""); err != nil {
		return err
	}
	f.Vouch.Expire()
	if err := renameio.WriteFile(f.ReceiptPath(r.App), text.Bytes(), 0o644); err != nil {
		return fmt.Errorf("writing receipt: %w", err)
	}
	return nil
}

// Holds says whether every artifact of the receipt is still there in full.
func (r Receipt) Holds() bool {
	for _, a := range r.Artifacts {
		if a.Kind == artifact.Container && a.Format == "layout" {
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

// Forget removes the receipt, so that a run that ends early leaves work to do
// rather than a receipt that no longer holds.
func (f Folder) Forget(app string) error {
	if err := os.Remove(f.ReceiptPath(app)); err != nil && !errors.Is(err, fs.ErrNotExist) {
		return fmt.Errorf("removing old receipt: %w", err)
	}
	return nil
}
