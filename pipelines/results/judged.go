package results

import (
	"encoding/json"
	"fmt"
	"path/filepath"
	"time"

	"github.com/bakelite/bakelite/internal/digests"
	"github.com/bakelite/bakelite/internal/fault"
	"github.com/bakelite/bakelite/internal/vouch"
	"github.com/bakelite/bakelite/scan"
	"github.com/bakelite/bakelite/scan/gate"
)

// maxJudged bounds what is kept of the judging of one artifact, in bytes.
const maxJudged = 64 << 20

// Judged is what is kept of the judging of an artifact.
type Judged struct {
	Report  scan.Report
	Verdict gate.Verdict
}

// JudgedPath is where something is kept of the judging of an artifact of an
// app, a subject's name: its report, verdict or SBOM (cdx).
func (f Folder) JudgedPath(app, subject, what string) string {
	return filepath.Join(f.Path, app+"."+subject+"."+what+".json")
}

// about names what a build made of a kind: what is judged is these bytes, and a
// build of the same key may give others.
func (r Receipt) about(kind string) string {
	text := r.Key
	for _, a := range r.Artifacts {
		if a.Kind == kind {
			text += "\n" + a.Format + " " + a.Digest
		}
	}
	return digests.Of([]byte(text))
}

// WriteJudged keeps what the scanner saw and the gate said of an artifact that
// a build made, and vouches for it.
func (f Folder) WriteJudged(built Receipt, subject string, j Judged) error {
	for what, value := range map[string]any{"report": j.Report, "verdict": j.Verdict} {
		path := f.JudgedPath(j.Verdict.App, subject, what)
		text, err := json.MarshalIndent(value, "", "  ")
		if err != nil {
			return fmt.Errorf("writing %s: %w", path, err)
		}
		if err := f.Vouch.WriteFile(vouch.Judged, path, append(text, '\n'), 0o644); err != nil {
			return err
		}
	}
	return f.Vouch.Note(vouch.Judged, j.Verdict.Subject, built.about(subject))
}

// ReadJudged reads what was kept of an artifact of a build. The error is
// fs.ErrNotExist where it was never judged, vouch.ErrForeign where another
// wrote what is there, and a fault.Missing where it is about another build.
func (f Folder) ReadJudged(built Receipt, subject string) (j Judged, err error) {
	for what, value := range map[string]any{"report": &j.Report, "verdict": &j.Verdict} {
		path := f.JudgedPath(built.App, subject, what)
		text, err := f.Vouch.ReadFile(vouch.Judged, path, maxJudged)
		if err != nil {
			return j, err
		}
		if err := json.Unmarshal(text, value); err != nil {
			return j, fault.New(fault.Integrity, "reading %s: %w", path, err)
		}
	}
	about, _ := f.Vouch.Noted(vouch.Judged, j.Verdict.Subject)
	if about != built.about(subject) || j.Report.Subject != j.Verdict.Subject {
		return j, fault.New(fault.Missing, "the %s of this build was not judged; the last verdict is of %s", subject, j.Verdict.Judged.Format(time.DateTime))
	}
	return j, nil
}
