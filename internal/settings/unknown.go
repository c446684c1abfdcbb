package settings

import (
	"maps"
	"slices"
	"strings"

	"github.com/bakelite/bakelite/internal/app/strict"
	"github.com/bakelite/bakelite/internal/fault"
)

const (
	// configEnv names the settings file itself, and so is no setting.
	configEnv = envPrefix + "CONFIG"
	// testsEnv begins what the tests of Bakelite read.
	testsEnv = envPrefix + "TEST_"
)

// refuseUnknown refuses a variable that looks like a setting and is none: the
// value of a misspelt one would be left out without a word.
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
		err := fault.New(fault.Invalid, "the environment has %s, which is no setting", name)
		if near := strict.Nearest(word, known); near != "" {
			return fault.Hint(err, "did you mean: %s%s", envPrefix, near)
		}
		return fault.Hint(err, "unset it, or give it another name; all settings are listed by: bakelite config")
	}
	return nil
}
