package look

import (
	"fmt"
	"testing"

	"github.com/bakelite/bakelite/internal/policy"
)

// TestNamesOfTargets reads what a target must be from what it goes by.
func TestNamesOfTargets(t *testing.T) {
	anyName := policy.Policy{Verify: policy.Verify{AnyName: true}}
	for _, tt := range []struct {
		target Target
		asked  Asked
		policy policy.Policy
		want   string
	}{
		{Target{Name: "registry.example:5000/team/web@sha256:1"}, Asked{}, policy.Policy{}, "[{web container}]"},
		{Target{Name: "oci:dist/published/web@sha256:1"}, Asked{}, policy.Policy{}, "[{web container}]"},
		{Target{Name: "oci:web@sha256:1"}, Asked{}, policy.Policy{}, "[{web container}]"},
		{Target{Name: "registry.example/web-disk@sha256:1"}, Asked{}, policy.Policy{}, "[{web-disk container} {web disk}]"},
		{Target{Name: "registry.example/web-containerdisk@sha256:1"}, Asked{}, policy.Policy{}, "[{web-containerdisk container} {web disk}]"},
		{Target{Name: "registry.example/-disk@sha256:1"}, Asked{}, policy.Policy{}, "[{-disk container}]"},
		{Target{Name: "dist/web.qcow2", Path: "dist/web.qcow2"}, Asked{}, policy.Policy{}, "[{web disk}]"},
		{Target{Name: "registry.example/web-disk@sha256:1"}, Asked{Kind: "disk"}, policy.Policy{}, "[{web disk}]"},
		{Target{Name: "registry.example/web@sha256:1"}, Asked{Kind: "disk"}, policy.Policy{}, "[{web disk}]"},
		{Target{Name: "registry.example/mirror@sha256:1"}, Asked{App: "web"}, policy.Policy{}, "[{web }]"},
		{Target{Name: "registry.example/mirror@sha256:1"}, Asked{App: "web", Kind: "disk"}, anyName, "[{web disk}]"},
		{Target{Name: "registry.example/mirror@sha256:1"}, Asked{Kind: "disk"}, anyName, "[{ disk}]"},
		{Target{Name: "registry.example/mirror@sha256:1"}, Asked{}, anyName, "[]"},
	} {
		var got []string
		for _, n := range (Reader{Policy: tt.policy}).names(tt.target, tt.asked) {
			got = append(got, fmt.Sprintf("{%s %s}", n.App, n.Kind))
		}
		if fmt.Sprint(got) != tt.want {
			t.Errorf("%s %+v: %v, want %s", tt.target.Name, tt.asked, got, tt.want)
		}
	}
}
