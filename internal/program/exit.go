package program

import (
	"bytes"
	"errors"
	"fmt"
)

// stderrShown is how much of a failed program's last words an error shows.
const stderrShown = 2000

// ExitError says that a program ended with an exit code other than 0.
type ExitError struct {
	Name   string
	Code   int
	Stderr []byte
}

func (e *ExitError) Error() string {
	words := bytes.TrimSpace(e.Stderr)
	if len(words) > stderrShown {
		words = words[len(words)-stderrShown:]
	}
	if len(words) == 0 {
		return fmt.Sprintf("%s ended with exit code %d", e.Name, e.Code)
	}
	return fmt.Sprintf("%s ended with exit code %d: %s", e.Name, e.Code, words)
}

// Exited returns the exit code where err says no more than that the program
// ended with one; ok is false for every other error.
func Exited(err error) (code int, ok bool) {
	var exit *ExitError
	if errors.As(err, &exit) {
		return exit.Code, true
	}
	return 0, err == nil
}
