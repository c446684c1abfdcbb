package settings

import (
	"maps"
	"slices"
	"strings"

	"github.com/bakelite/bakelite/internal/fault"
	"github.com/bakelite/bakelite/internal/strict"
)

const (
	// configEnv names the settings file itself, and so is no setting.
	configEnv = envPrefix + "CONFIG"
	// testsEnv begins what the tests of Bakelite read.
	testsEnv = envPrefix + "TEST_"
)

// refuseUnknown refuses a variable that is nearly a setting: its value would be
// left out without a word. Others are not ours to judge: keys have names that
// their owners chose, and Kubernetes describes a service called bakelite so.
func (l *loader) refuseUnknown() error {
	// The part after the prefix, which would make all names look near.
	known := []string{"CONFIG", "KEY_PASSPHRASE"}
	for _, e := range Table() {
		known = append(known, envName(e.Key))
	}
	keyEnv, _ := strings.CutPrefix(l.v.GetString("sign.key"), "env:")
	for _, name := range slices.Sorted(maps.Keys(l.env)) {
		word, ours := strings.CutPrefix(name, envPrefix)
		if !ours || name == keyEnv || slices.Contains(known, word) || strings.HasPrefix(name, testsEnv) || strings.HasPrefix(word, envName(mirrors)+"_") {
			continue
		}
		if near := strict.Nearest(word, known); near != "" {
			return fault.Hint(fault.New(fault.Invalid, "the environment has %s, which is no setting", name), "did you mean: %s%s", envPrefix, near)
		}
	}
	return nil
}
