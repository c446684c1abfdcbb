//go:build goexperiment.jsonv2

package analysis

import (
	"bufio"
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"path"
	"strings"

	"github.com/aquasecurity/trivy/pkg/fanal/analyzer"
	"github.com/aquasecurity/trivy/pkg/fanal/types"

	"github.com/bakelite/bakelite/scan/content"
	"github.com/bakelite/bakelite/scan/secrets"
)

// gitFolder is the rule of a repository that came into an artifact: it holds
// what was ever in it.
const gitFolder = "git-folder"

// leastSecret is less than any secret has, in bytes.
const leastSecret = 20

// secretsOf looks for secrets in a file's content.
func (w *walk) secretsOf(f content.File, b *body) ([]types.Secret, error) {
	if f.Info.Size() < leastSecret {
		return nil, nil
	}
	if b.path == "" {
		found, err := w.engine.secrets.Bytes(w.ctx, f.Path, b.data, !w.engine.untouched(b.data))
		return inTrivysForm(f.Path, found), err
	}
	r, err := b.reader()
	if err != nil {
		return nil, err
	}
	defer r.Close()
	found, err := w.engine.secrets.File(w.ctx, f.Path, r, f.Info.Size(), true)
	return inTrivysForm(f.Path, found), err
}

// maxSpilled is the size, in bytes, up to which a large zip is put on disk: it
// can be read at its end first alone.
const maxSpilled = 1 << 30

// pass looks for secrets in a large file that nobody else wants, as it passes.
func (w *walk) pass(f content.File) error {
	r, err := f.Open()
	if err != nil {
		return fmt.Errorf("opening %s: %w", f.Path, err)
	}
	defer r.Close()
	buffered := bufio.NewReader(r)
	head, _ := buffered.Peek(len(zipStart)) // an error comes again
	if string(head) == zipStart && f.Info.Size() <= maxSpilled {
		b, err := w.spill(f, buffered)
		if err != nil {
			return err
		}
		defer b.drop()
		found, err := w.secretsOf(f, b)
		w.result.Merge(&analyzer.AnalysisResult{Secrets: found})
		return err
	}
	found, err := w.engine.secrets.Stream(w.ctx, f.Path, buffered, true)
	if err != nil {
		return fmt.Errorf("reading %s: %w", f.Path, err)
	}
	w.result.Merge(&analyzer.AnalysisResult{Secrets: inTrivysForm(f.Path, found)})
	return nil
}

const zipStart = "PK\x03\x04"

// untouched says whether packed content is what a package brought.
func (e *Engine) untouched(data []byte) bool {
	if len(e.known) == 0 || !secrets.Packed(data) {
		return false
	}
	sum := sha256.Sum256(data)
	return e.known[hex.EncodeToString(sum[:])]
}

// inTrivysForm is how findings are kept and cached: one entry for each place.
func inTrivysForm(file string, found []secrets.Finding) []types.Secret {
	var all []types.Secret
	for _, f := range found {
		name := path.Join("/", file) + f.Inner
		if len(all) == 0 || all[len(all)-1].FilePath != name {
			all = append(all, types.Secret{FilePath: name})
		}
		last := &all[len(all)-1]
		last.Findings = append(last.Findings, types.SecretFinding{
			RuleID: f.Rule, Severity: strings.ToUpper(f.Severity), Title: f.Title, StartLine: f.Line, EndLine: f.Line,
		})
	}
	return all
}

// gitIn tells once of each folder that Git keeps a repository in.
func (w *walk) gitIn(name string) {
	before, _, found := strings.Cut("/"+name+"/", "/.git/")
	folder := path.Join("/", before, ".git")
	if !found || w.git[folder] {
		return
	}
	w.git[folder] = true
	w.result.Merge(&analyzer.AnalysisResult{Secrets: []types.Secret{{FilePath: folder, Findings: []types.SecretFinding{
		{RuleID: gitFolder, Severity: "HIGH", Title: "Git repository, with its history"},
	}}}})
}
