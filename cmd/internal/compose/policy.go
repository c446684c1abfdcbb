package compose

import (
	"cmp"
	"path/filepath"
	"slices"
	"strings"

	"github.com/bakelite/bakelite/cmd/internal/settings"
	"github.com/bakelite/bakelite/internal/fault"
	"github.com/bakelite/bakelite/internal/policy"
	"github.com/bakelite/bakelite/internal/strict"
	"github.com/bakelite/bakelite/publish/sigstore"
	"github.com/bakelite/bakelite/scan/controls/catalogue"
)

// Policy returns the policy in force: the file of the settings, or the
// built-in one.
func Policy(s *settings.Settings) (policy.Policy, error) {
	if s.Policy == "" {
		return policy.Default(), nil
	}
	p, err := policy.LoadOwned(s.Policy, s.Owners("policy"))
	if err != nil {
		return p, err
	}
	return p, controlsExist(p)
}

// controlsExist refuses a policy that requires a control which there is not:
// it would never fail.
func controlsExist(p policy.Policy) error {
	known, err := catalogue.Load()
	if err != nil {
		return err
	}
	var ids []string
	for _, c := range known {
		ids = append(ids, c.ID)
	}
	for _, word := range p.Gate.RequiredControls {
		if strings.HasPrefix(word, "BK-") && !slices.Contains(ids, word) {
			err := fault.New(fault.Invalid, "%s: gate.requiredControls: there is no control %s", p.Path, word)
			return fault.Hint(err, "write one that docs/controls.md lists, such as %s", cmp.Or(strict.Nearest(word, ids), ids[0]))
		}
	}
	return nil
}

// TUF is where the public Sigstore's trusted root is looked up and kept.
func TUF(s *settings.Settings) sigstore.TUF {
	return sigstore.TUF{Cache: filepath.Join(s.State, "tuf")}
}
