package release

import (
	"testing"

	"github.com/bakelite/bakelite/internal/fault"
)

// TestVersionIsChecked: before anything is built a version is refused that
// moves, that a channel's records go by, or that is no tag at all.
func TestVersionIsChecked(t *testing.T) {
	for version, ok := range map[string]bool{
		"": true, "1.0.0": true, "v1.0_rc-1": true, "latest": false, "channel.stable": false, "channel.stable.1": false,
		"1.0 beta": false, "-1": false, "1.0+b1": false,
	} {
		if err := (Options{Version: version}).Check(); (err == nil) != ok || err != nil && fault.KindOf(err) != fault.Invalid {
			t.Errorf("%q: %v", version, err)
		}
	}
}
