package compose

import (
	"regexp"
	"strings"

	"github.com/bakelite/bakelite/cmd/internal/settings"
	"github.com/bakelite/bakelite/internal/fault"
)

var sha256Digest = regexp.MustCompile(`^sha256:[0-9a-f]{64}$`)

// receipts are the digests of the receipts that count though they were made
// elsewhere.
func receipts(s *settings.Settings) ([]string, error) {
	if s.Receipt == "" {
		return nil, nil
	}
	all := strings.Split(s.Receipt, ",")
	for i, text := range all {
		if all[i] = strings.TrimSpace(text); !sha256Digest.MatchString(all[i]) {
			return nil, fault.Hint(fault.New(fault.Invalid, "%s: %q is no digest of a receipt", s.Named("receipt"), all[i]),
				"give what the build printed behind receipt, as sha256: and 64 hexadecimal digits")
		}
	}
	return all, nil
}
