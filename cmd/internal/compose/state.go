package compose

import (
	"os"

	"golang.org/x/sys/unix"

	"github.com/bakelite/bakelite/cmd/internal/settings"
	"github.com/bakelite/bakelite/internal/fault"
)

// CheckState makes the state folder where there is none, and refuses one that
// cannot be written to.
func CheckState(s *settings.Settings) error {
	err := os.MkdirAll(s.State, 0o700)
	if err == nil {
		err = unix.Access(s.State, unix.W_OK|unix.X_OK)
	}
	if err == nil {
		return nil
	}
	return fault.Hint(fault.New(fault.Invalid, "%s: %s: %w", s.Named("state"), s.State, err),
		"name a folder that you may write to with --state or BAKELITE_STATE")
}
