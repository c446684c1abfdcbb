package compose

import (
	"fmt"

	"golang.org/x/sys/unix"

	"github.com/bakelite/bakelite/cmd/internal/settings"
	"github.com/bakelite/bakelite/internal/fault"
	"github.com/bakelite/bakelite/internal/private"
)

// CheckState makes the state folder where there is none, and closes it to
// other users, for what is in it is believed. One that cannot be written to,
// or that others own or could write to, is refused.
func CheckState(s *settings.Settings) error {
	err := private.State(s.State)
	if err == nil {
		err = unix.Access(s.State, unix.W_OK|unix.X_OK)
	}
	if err == nil {
		return nil
	}
	return fault.Hint(fault.As(fault.Invalid, fmt.Errorf("%s: %s: %w", s.Named("state"), s.State, err)),
		"name a folder that you may write to with --state or BAKELITE_STATE")
}
