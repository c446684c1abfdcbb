package examine

import (
	"context"
	"encoding/json"
	"io"

	"github.com/bakelite/bakelite/builders/progress"
	"github.com/bakelite/bakelite/internal/app"
	"github.com/bakelite/bakelite/internal/artifact"
	"github.com/bakelite/bakelite/internal/profile"
	"github.com/bakelite/bakelite/scan/controls"
	"github.com/bakelite/bakelite/scan/controls/check"
	"github.com/bakelite/bakelite/scan/protocol"
)

// Controls gives the hardening of an artifact kind: its records up to a level,
// but those that would take what is allowed.
type Controls interface {
	UpTo(kind string, level int, allowed ...string) []controls.Control
}

// Checker checks hardening controls on images and disks in a process of its
// own, which has no keys, no credentials and no network. Each result is of the
// very bytes that a root's digest names.
type Checker interface {
	Check(ctx context.Context, roots []protocol.Root, checks []protocol.Check) ([][]controls.Result, error)
}

// Hardening is the controls, and who says which of them hold.
type Hardening struct {
	Controls Controls
	Checker  Checker
}

// Of are the controls that are put into force in a kind of artifact of an app.
func (h Hardening) Of(a app.App, kind string) []controls.Control {
	return h.Controls.UpTo(kind, a.Hardening.Level, a.Service.Allow...)
}

// Applied are the same, as bakelite-tree reads them.
func (h Hardening) Applied(a app.App, kind string) json.RawMessage {
	text, err := json.Marshal(h.Of(a, kind))
	if err != nil {
		panic("texts, numbers and lists always marshal: " + err.Error())
	}
	return text
}

// Check says which controls hold in what was made of an app, as it ships:
// whatever came after the controls were applied may have undone them.
func (h Hardening) Check(ctx context.Context, a app.App, roots []protocol.Root) ([][]controls.Result, error) {
	var checks []protocol.Check
	for _, r := range roots {
		kind := KindOf(r)
		checks = append(checks, protocol.Check{
			Controls: h.Of(a, kind), Options: check.Options{Own: true, Admin: adminOf(a, kind), Rights: RightsOf(a, kind)},
		})
	}
	return progress.Do(ctx, "[check] hardening", func(ctx context.Context, _ io.Writer) ([][]controls.Result, error) {
		return h.Checker.Check(ctx, roots, checks)
	})
}

// adminOf is who may log in to an artifact.
func adminOf(a app.App, kind string) string {
	if kind != artifact.Disk || a.VM.Admin == nil {
		return ""
	}
	return a.VM.Admin.User
}

// AskedOf is what the app file asks for in a kind of artifact, for the gate.
func AskedOf(a app.App, kind string) *controls.Asked {
	return &controls.Asked{Rights: RightsOf(a, kind), Alters: a.Alters, Executable: profile.Of(a).Executable()}
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
