package look

import (
	"encoding/json"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/bakelite/bakelite/internal/fault"
	"github.com/bakelite/bakelite/internal/policy"
	"github.com/bakelite/bakelite/internal/registry"
	"github.com/bakelite/bakelite/pipelines/flowtest"
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

// TestVerifyAsksThePolicy of what is published and of a disk's file, and says
// of what nobody signed what to do.
func TestVerifyAsksThePolicy(t *testing.T) {
	s := newShop(t)
	s.publish()
	for name, tt := range map[string]struct {
		named  string
		asked  Asked
		reader Reader
		kind   fault.Kind // 0 for none
		says   string
	}{
		"an image":             {named: s.image(), reader: s.r},
		"a disk":               {named: s.disk(), reader: s.r},
		"a disk's file":        {named: s.file(), reader: s.r},
		"by another key":       {named: s.image(), reader: s.stranger(), kind: fault.Policy, says: "by an allowed signer"},
		"another app":          {named: s.image(), asked: Asked{App: "shop"}, reader: s.r, kind: fault.Policy, says: "shop"},
		"another kind":         {named: s.image(), asked: Asked{Kind: "disk"}, reader: s.r, kind: fault.Policy, says: "disk"},
		"a later one":          {named: s.image(), asked: Asked{Since: time.Now().Add(time.Hour)}, reader: s.r, kind: fault.Policy, says: "made"},
		"a file without any":   {named: s.other(), reader: s.r, kind: fault.Policy, says: "is not signed: there is no"},
		"a layout without any": {named: s.p.Folder.Layout("web"), reader: s.r, kind: fault.Policy, says: "nothing is attached"},
	} {
		t.Run(name, func(t *testing.T) {
			summary, err := tt.reader.Verify(t.Context(), s.find(tt.named), tt.asked)
			if tt.kind == 0 {
				if err != nil || summary.App != "web" || len(summary.Statements) == 0 {
					t.Errorf("got %+v, %v", summary, err)
				}
				return
			}
			if fault.KindOf(err) != tt.kind || !strings.Contains(err.Error(), tt.says) {
				t.Errorf("ended with %v", err)
			}
			if strings.Contains(name, "without") && fault.HintOf(err) == "" {
				t.Error("nobody says what to do")
			}
		})
	}
}

// TestLayoutWithAnotherLayer changes a layer of a layout folder, which may be
// run as it lies: its manifest and all that was signed are as they were.
func TestLayoutWithAnotherLayer(t *testing.T) {
	s := newShop(t)
	s.publish()
	var m struct {
		Layers []registry.Descriptor `json:"layers"`
		Config registry.Descriptor   `json:"config"`
	}
	flowtest.Must(t, json.Unmarshal(s.find(s.image()).Manifest.Content, &m))
	for name, blob := range map[string]registry.Descriptor{"a layer": m.Layers[0], "the config": m.Config} {
		path := filepath.Join(s.shelf, "web", "blobs/sha256", blob.Digest.Encoded())
		text, err := os.ReadFile(path)
		flowtest.Must(t, err)
		for what, changed := range map[string][]byte{"other bytes": append([]byte("x"), text[1:]...), "fewer": text[1:], "none": nil} {
			flowtest.Must(t, os.Remove(path))
			if changed != nil {
				flowtest.Must(t, os.WriteFile(path, changed, 0o600))
			}
			if _, err := s.r.Verify(t.Context(), s.find(s.image()), Asked{}); err == nil || !strings.Contains(err.Error(), blob.Digest.String()) {
				t.Errorf("%s with %s: %v", name, what, err)
			}
			flowtest.Must(t, os.WriteFile(path, text, 0o600))
		}
		if _, err := s.r.Verify(t.Context(), s.find(s.image()), Asked{}); err != nil {
			t.Errorf("%s as it was: %v", name, err)
		}
	}
}
