package bake

import (
	"bytes"
	"slices"
	"strings"
	"testing"

	"github.com/bakelite/bakelite/builders/progress"
	"github.com/bakelite/bakelite/internal/app"
	"github.com/bakelite/bakelite/internal/policy"
	"github.com/bakelite/bakelite/pipelines/flowtest"
	"github.com/bakelite/bakelite/pipelines/pin"
)

// TestBuildForeseesTheGate: who builds is told at once what the policy will not
// publish for what the app file asks for, and gets the artifacts all the same.
func TestBuildForeseesTheGate(t *testing.T) {
	const gives, changes = "rights /usr/bin/tool the app file gives it sys_admin", "altered-system /usr/sbin/nginx the app file alters"
	for name, tt := range map[string]struct {
		change  func(*shop)
		targets []string
		says    []string
	}{
		"asked for and forbidden": {func(*shop) {}, nil, []string{changes, gives}},
		"of the other kind":       {func(*shop) {}, []string{"disk"}, []string{changes}},
		"allowed": {func(s *shop) {
			s.b.Policy.Gate.ForbiddenRights, s.b.Policy.Gate.AllowAltered = []string{policy.None}, true
		}, nil, nil},
		"waived": {func(s *shop) {
			for _, rule := range []string{policy.RuleRights, policy.RuleAltered} {
				s.b.Policy.Waivers = append(s.b.Policy.Waivers, policy.Waiver{ID: rule, Reason: "known", Owner: "ops@example.com", Expires: "2999-12-31"})
			}
		}, nil, nil},
		"not asked for": {func(s *shop) { s.app.Rights, s.app.Alters = nil, nil }, nil, nil},
	} {
		t.Run(name, func(t *testing.T) {
			s := newShop(t)
			s.app.Rights = []app.Right{{Path: "/usr/bin/tool", Capabilities: []string{"sys_admin"}, On: "container"}}
			s.app.Alters = []string{"/usr/sbin/nginx"}
			tt.change(s)
			s.baked(flowtest.Lock(s.app, pin.Inputs(s.app), "1"))
			var shown bytes.Buffer
			d, err := progress.New(progress.Options{Mode: progress.Plain, Screen: &shown})
			flowtest.Must(t, err)
			if _, err := s.b.Build(progress.With(t.Context(), d), s.app, Options{Targets: tt.targets}); err != nil {
				t.Error(err)
			}
			d.Close()
			var lines []string
			for line := range strings.Lines(shown.String()) {
				if strings.Contains(line, "not be published") {
					lines = append(lines, line)
				}
			}
			if !slices.EqualFunc(lines, tt.says, strings.Contains) {
				t.Errorf("shown %q, want %q\n%s", lines, tt.says, &shown)
			}
		})
	}
}
