package pin

import (
	"reflect"
	"strings"
	"testing"
	"time"

	"github.com/bakelite/bakelite/internal/app"
	"github.com/bakelite/bakelite/internal/fault"
	"github.com/bakelite/bakelite/internal/lock"
)

// TestRollbackUndoesAnUpdate: a lock that would take an older index, or an
// older version from an index that is not older, is refused by name.
func TestRollbackUndoesAnUpdate(t *testing.T) {
	day := time.Date(2026, 11, 21, 0, 0, 0, 0, time.UTC)
	made := func(date time.Time, suite string, pins ...lock.Pin) *lock.Lock {
		return &lock.Lock{Archives: []lock.Archive{{Name: "debian", Suite: suite, Date: date}}, Packages: lock.Layers{App: pins, MachineApp: pins}}
	}
	pin := func(version string) lock.Pin { return lock.Pin{Name: "nginx", Arch: "amd64", Version: version} }
	more := func(l *lock.Lock) *lock.Lock {
		l.Archives = append(l.Archives, lock.Archive{Name: "own", Suite: "stable", Date: day})
		return l
	}
	const newer, older = "1.26.3-3+deb13u11", "1.26.3-3+deb13u9"
	wentDown := lock.Step{Of: "nginx:amd64", From: newer, To: older}
	for name, tt := range map[string]struct {
		old, fresh *lock.Lock
		down       bool
		want       []lock.Step
	}{
		"no lock":            {nil, made(day, "trixie", pin(older)), false, nil},
		"an update":          {made(day, "trixie", pin(older)), made(day.Add(1), "trixie", pin(newer)), false, nil},
		"an older index":     {made(day.Add(time.Hour), "trixie", pin(older)), made(day, "trixie", pin(older)), false, []lock.Step{{Of: "debian/trixie", From: "2026-11-21T01:00:00Z", To: "2026-11-21T00:00:00Z"}}},
		"an older version":   {made(day, "trixie", pin(newer)), made(day.Add(time.Hour), "trixie", pin(older)), true, []lock.Step{wentDown}},
		"other content":      {made(day, "trixie", pin(newer)), made(day, "trixie", lock.Pin{Name: "nginx", Arch: "amd64", Version: newer, SHA256: "x"}), false, nil},
		"another release":    {made(day, "trixie", pin(newer)), made(day.Add(-1), "bookworm", pin(older)), true, nil},
		"one more archive":   {made(day.Add(time.Hour), "trixie", pin(newer)), more(made(day, "trixie", pin(older))), true, []lock.Step{{Of: "debian/trixie", From: "2026-11-21T01:00:00Z", To: "2026-11-21T00:00:00Z"}, wentDown}},
		"one archive less":   {more(made(day, "trixie", pin(newer))), made(day, "trixie", pin(older)), true, nil},
		"a package is gone":  {made(day, "trixie", pin(newer)), made(day, "trixie"), false, nil},
		"an image went back": {&lock.Lock{Images: []lock.Image{{Ref: "a", Digest: "sha256:2"}}}, &lock.Lock{Images: []lock.Image{{Ref: "a", Digest: "sha256:1"}}}, false, nil},
	} {
		changes := lock.Diff(tt.old, tt.fresh)
		markDowngrades(changes)
		if down := len(changes) > 0 && changes[0].Downgrade; down != tt.down {
			t.Errorf("%s: %+v, wanted downgrade %v", name, changes, tt.down)
		}
		if got := wentBack(tt.old, tt.fresh, changes); !reflect.DeepEqual(got, tt.want) {
			t.Errorf("%s: %+v, wanted %+v", name, got, tt.want)
		}
	}
	err := refuseRollback(app.App{Path: "web/app.yaml"}, []lock.Step{wentDown})
	if fault.KindOf(err) != fault.Integrity || !strings.Contains(err.Error(), "web/app.lock would go back") || !strings.Contains(err.Error(), "nginx:amd64 "+newer+" -> "+older) ||
		!strings.Contains(fault.HintOf(err), "--insecure-allow-rollback web/app.yaml") {
		t.Errorf("got %v (%s)", err, fault.HintOf(err))
	}
}
