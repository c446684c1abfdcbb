package look

import (
	"fmt"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/bakelite/bakelite/internal/fault"
	"github.com/bakelite/bakelite/pipelines/flowtest"
	"github.com/bakelite/bakelite/scan/controls"
	"github.com/bakelite/bakelite/scan/gate"
	"github.com/bakelite/bakelite/scan/protocol"
)

// asking notes which controls are asked for.
type asking struct {
	flowtest.NoControls
	asked *[]string
}

func (a asking) UpTo(kind string, level int, _ ...string) []controls.Control {
	*a.asked = append(*a.asked, fmt.Sprint(kind, " ", level))
	return nil
}

// TestCheck says what is checked as what: images and disks shut in, folders by
// the kernel, and nothing else.
func TestCheck(t *testing.T) {
	s := newShop(t)
	s.publish()
	var asked []string
	s.r.Examiner.Controls = asking{asked: &asked}
	image := s.find(s.image())
	for name, tt := range map[string]struct {
		target string
		o      CheckOptions
		kind   string
		digest string
		root   string // its kind, where the checker reads one
		asked  string
	}{
		"a folder":           {s.app.Dir, CheckOptions{As: "container", Level: 1}, "container", "", "", "container 1"},
		"a folder of a disk": {s.app.Dir, CheckOptions{As: "disk", Level: 2}, "disk", "", "", "disk 2"},
		"a disk's file":      {s.file(), CheckOptions{As: "container", Level: 1}, "disk", "", protocol.Disk, "disk 1"},
		"a layout":           {s.p.Folder.Layout("web"), CheckOptions{As: "container", Level: 2}, "container", image.Digest, protocol.Image, "container 2"},
		"a published image":  {s.image(), CheckOptions{Level: 1}, "container", image.Digest, protocol.Image, "container 1"},
	} {
		t.Run(name, func(t *testing.T) {
			s.Again()
			asked = nil
			c, err := s.r.Check(t.Context(), tt.target, tt.o)
			if err != nil || c.Target != tt.target || c.Kind != tt.kind || c.Digest != tt.digest || !slices.Equal(asked, []string{tt.asked}) {
				t.Fatalf("checked %+v by %q, %v", c, asked, err)
			}
			if tt.root == "" && len(s.Roots) > 0 || tt.root != "" && (len(s.Roots) != 1 || s.Roots[0].Kind != tt.root) {
				t.Errorf("the checker read %+v", s.Roots)
			}
			if tt.root != "" && (len(c.Results) != 1 || c.Score.Passed != 1 || c.Err() != nil) {
				t.Errorf("it says %+v: %v", c, c.Err())
			}
			s.tidy()
		})
	}
}

// TestCheckRefuses what cannot be checked as it is, and passes on what fails.
func TestCheckRefuses(t *testing.T) {
	s := newShop(t)
	s.publish()
	for name, tt := range map[string]struct{ target, fails, says string }{
		"an archive":        {s.tar(), "", "is an archive, which is not checked"},
		"nothing there":     {filepath.Join(s.app.Dir, "none"), "", "is not there"},
		"the checker":       {s.file(), "checker", "checker: out of order"},
		"of a published":    {s.image(), "checker", "checker: out of order"},
		"a broken manifest": {s.image() + "@sha256:0", "", ""},
	} {
		t.Run(name, func(t *testing.T) {
			s.Again()
			s.Fails = tt.fails
			if c, err := s.r.Check(t.Context(), tt.target, CheckOptions{As: "container", Level: 1}); err == nil || !strings.Contains(err.Error(), tt.says) {
				t.Errorf("checked %+v, %v", c, err)
			}
			s.tidy()
		})
	}
}

// TestCheckedErr: the exit code says what the policy's rule does, and no more.
func TestCheckedErr(t *testing.T) {
	passed := Checked{Target: "web", Kind: "container", Rule: gate.Rule{Outcome: gate.Pass}}
	if passed.Err() != nil {
		t.Errorf("got %v", passed.Err())
	}
	failed := Checked{Target: "web", Kind: "container", Rule: gate.Rule{Name: "hardening", Outcome: gate.Fail, Saw: "BK-FS-01 fails"}}
	if err := failed.Err(); fault.KindOf(err) != fault.Policy || !strings.Contains(err.Error(), "web") || !strings.Contains(err.Error(), "hardening") {
		t.Errorf("got %v", err)
	}
}
