// Package fault classifies errors once and maps each kind to the exit code
// that docs/exit-codes.md lists.
package fault

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"path/filepath"
	"syscall"
)

// Kind says whose problem an error is, and so which exit code it gets.
type Kind int

// The kinds; the zero value stands for an error that nobody classified.
const (
	Internal  Kind = iota // a defect of Bakelite or of the machine
	Invalid               // the user's input is wrong
	Missing               // a program or a file of this machine is missing
	Network               // an archive or a registry was not reached
	Build                 // a build step failed
	Policy                // a declared test or the policy said no
	Integrity             // a digest, signature or date did not hold
	Unknown               // whether there is work could not be found out
	Stale                 // what was planned no longer holds
	Busy                  // somebody else holds what is needed
	Cancelled             // the user stopped the command
)

var exitCodes = map[Kind]int{
	Internal: 1, Invalid: 2, Missing: 3, Network: 4, Build: 5, Policy: 6, Integrity: 7, Unknown: 8, Stale: 9, Busy: 75, Cancelled: 130,
}

// Error is an error with a kind and, where one is known, what to do next.
type Error struct {
	Kind Kind
	Hint string
	Err  error
}

func (e *Error) Error() string { return e.Err.Error() }

func (e *Error) Unwrap() error { return e.Err }

// New classifies a new error; format and args are those of fmt.Errorf.
func New(kind Kind, format string, args ...any) error {
	return &Error{Kind: kind, Err: fmt.Errorf(format, args...)}
}

// As classifies err, unless it is nil or was classified before: the place
// nearest to the cause knows best.
func As(kind Kind, err error) error {
	var known *Error
	if err == nil || errors.As(err, &known) {
		return err
	}
	return &Error{Kind: kind, Err: err}
}

// Hint adds what the user can do next; a hint that is already there stays.
func Hint(err error, format string, args ...any) error {
	var known *Error
	if err == nil || errors.As(err, &known) && known.Hint != "" {
		return err
	}
	return &Error{Kind: KindOf(err), Hint: fmt.Sprintf(format, args...), Err: err}
}

// KindOf returns the kind of err; a cancelled context counts as Cancelled, and
// a full disk as Build, whatever the work was for which it was too small.
func KindOf(err error) Kind {
	if errors.Is(err, context.Canceled) {
		return Cancelled
	}
	if errors.Is(err, syscall.ENOSPC) {
		return Build
	}
	var known *Error
	if errors.As(err, &known) {
		return known.Kind
	}
	return Internal
}

// HintOf returns the hint of err, or "" where it has none.
func HintOf(err error) string {
	if errors.Is(err, syscall.ENOSPC) {
		return "make room on the disk" + placeOf(err) + ", then run the same command again"
	}
	var known *Error
	for e := err; errors.As(e, &known); e = known.Err {
		if known.Hint != "" {
			return known.Hint
		}
	}
	return ""
}

// placeOf names the file that a disk had no room for, where err does.
func placeOf(err error) string {
	var at *fs.PathError
	if errors.As(err, &at) {
		return " that holds " + filepath.Dir(at.Path)
	}
	return ""
}

// ExitCode returns the exit code for err: 0 for nil, else that of its kind.
func ExitCode(err error) int {
	if err == nil {
		return 0
	}
	return exitCodes[KindOf(err)]
}
