package pipelines

import (
	"context"
	"encoding/json"
	"io"

	"github.com/bakelite/bakelite/internal/app"
	"github.com/bakelite/bakelite/internal/artifact"
	"github.com/bakelite/bakelite/scan/controls"
	"github.com/bakelite/bakelite/scan/controls/check"
	"github.com/bakelite/bakelite/scan/protocol"
)

// Checker checks hardening controls on images and disks in a process of its
// own, which has no keys, no credentials and no network. Each result is of the
// very bytes that a root's digest names.
type Checker interface {
	Check(ctx context.Context, roots []protocol.Root, checks []protocol.Check) ([][]controls.Result, error)
}

// hardening are the controls that are put into force in a kind of artifact.
func (k Kitchen) hardening(a app.App, kind string) []controls.Control {
	return k.Controls.UpTo(kind, a.Hardening.Level, a.Service.Allow...)
}

// applied are the same, as bakelite-tree reads them.
func (k Kitchen) applied(a app.App, kind string) json.RawMessage {
	text, err := json.Marshal(k.hardening(a, kind))
	if err != nil {
		panic("texts, numbers and lists always marshal: " + err.Error())
	}
	return text
}

// hardened says which controls hold in what was made, as it ships: whatever
// came after the controls were applied may have undone them.
func (k Kitchen) hardened(ctx context.Context, a app.App, roots []protocol.Root) (found [][]controls.Result, err error) {
	var checks []protocol.Check
	for _, r := range roots {
		kind := kindOf(r)
		checks = append(checks, protocol.Check{
			Controls: k.hardening(a, kind), Options: check.Options{Own: true, Admin: adminOf(a, kind), Rights: RightsOf(a, kind)},
		})
	}
	err = k.Progress.Do(ctx, "[check] hardening", func(ctx context.Context, _ io.Writer) (_ bool, err error) {
		found, err = k.Checker.Check(ctx, roots, checks)
		return false, err
	})
	return found, err
}

// kindOf is the kind of artifact that a root is, "" for what is none.
func kindOf(r protocol.Root) string {
	return map[string]string{protocol.Image: artifact.Container, protocol.Disk: artifact.Disk}[r.Kind]
}

// adminOf is who may log in to an artifact.
func adminOf(a app.App, kind string) string {
	if kind != artifact.Disk || a.VM.Admin == nil {
		return ""
	}
	return a.VM.Admin.User
}

// RightsOf are what the app file lets single paths of a kind of artifact have.
func RightsOf(a app.App, kind string) []controls.Right {
	var all []controls.Right
	for _, r := range a.Rights {
		if r.On == "" || r.On == kind {
			all = append(all, controls.Right{Path: r.Path, SetUID: r.SetUID, SetGID: r.SetGID, Capabilities: r.Capabilities})
		}
	}
	return all
}

// hardenedSubjects is hardened for what is to be published.
func (k Kitchen) hardenedSubjects(ctx context.Context, a app.App, subjects []subject) ([][]controls.Result, error) {
	roots, at := k.rootsOf(a, subjects)
	found, err := k.hardened(ctx, a, roots)
	if err != nil {
		return nil, err
	}
	all := make([][]controls.Result, len(subjects))
	for i := range subjects {
		all[i] = found[at[i]]
	}
	return all, nil
}
