package bake

import (
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/bakelite/bakelite/internal/artifact"
	"github.com/bakelite/bakelite/internal/vouch/vouchtest"
	"github.com/bakelite/bakelite/pipelines/flowtest"
	"github.com/bakelite/bakelite/pipelines/results"
)

// TestDriftOfWhatWasBuilt: an app is as its lock says only where that very lock
// was built and tested here, all that is asked for is there still, and this
// Bakelite would build the same.
func TestDriftOfWhatWasBuilt(t *testing.T) {
	all := &Options{}
	for name, tt := range map[string]struct {
		change  func(s *shop)
		o       *Options
		unbuilt string
		recipe  string
	}{
		"all of it":       {func(*shop) {}, all, "", ""},
		"nothing":         {func(s *shop) { flowtest.Must(s.t, s.b.Folder.Forget("web")) }, all, "nothing of it was built here", ""},
		"another's":       {func(s *shop) { s.b.Folder.Vouch = vouchtest.Key(s.t) }, all, "not built with this state folder", ""},
		"of another lock": {func(s *shop) { s.baked(flowtest.Lock(s.app, s.lock.Inputs, "0")) }, all, "from another lock", ""},
		"without its disk": {func(s *shop) {
			flowtest.Must(s.t, os.Remove(filepath.Join(s.b.Folder.Path, "web.raw")))
		}, all, "an artifact is gone from", ""},
		"the image alone":          {(*shop).untested, &Options{Targets: []string{artifact.Container}}, "not all that is asked for", ""},
		"the image, tests left":    {(*shop).untested, &Options{Targets: []string{artifact.Container}, SkipTests: true}, "", ""},
		"both, tests left":         {(*shop).untested, &Options{SkipTests: true}, "not all that is asked for", ""},
		"whatever was asked for":   {(*shop).untested, nil, "", ""},
		"another revision":         {func(s *shop) { s.b.Revision = "b" }, all, "", "1"},
		"another app file":         {func(s *shop) { s.app.Hardening.Level = 2 }, all, "", "1"},
		"gone, and of another one": {func(s *shop) { s.b.Revision = "b"; flowtest.Must(s.t, s.b.Folder.Forget("web")) }, all, "nothing of it", ""},
	} {
		t.Run(name, func(t *testing.T) {
			s := newShop(t)
			s.baked(s.lock)
			tt.change(s)
			d, err := s.b.Drift(s.app, s.lock, tt.o)
			if err != nil || (d.Unbuilt != "") != (tt.unbuilt != "") || !strings.Contains(d.Unbuilt, tt.unbuilt) || d.Recipe != tt.recipe {
				t.Errorf("it drifted as %+v, %v", d, err)
			}
			if len(s.Asked) > 0 {
				t.Errorf("asked for %q", s.Asked)
			}
		})
	}
}

// untested leaves an image of the lock alone, whose tests were left out.
func (s *shop) untested() {
	r := s.baked(s.lock).Of([]string{artifact.Container})
	r.Tests, r.TestsSkipped = map[string]results.Tested{}, true
	flowtest.Must(s.t, s.b.Folder.WriteReceipt(&r))
}
