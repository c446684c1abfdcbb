package engine

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"syscall"

	gateway "github.com/moby/buildkit/frontend/gateway/pb"
	"github.com/moby/buildkit/util/grpcerrors"
	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/status"

	"github.com/bakelite/bakelite/builders/progress"
	"github.com/bakelite/bakelite/internal/fault"
)

// failure is what is known of the step that failed.
type failure struct {
	progress.Failure
	// Status is the HTTP status of a source that is not there, else "".
	Status string
}

// causes maps what BuildKit's errors say to a kind and the next step. It
// gives no types for these (source/http/source.go, util/resolver); TestCauses
// provokes each of them.
var causes = []struct {
	text string
	kind fault.Kind
	hint string
}{
	{"no space left on device", fault.Build, spaceHint},
	{"failed to calculate checksum of ref", fault.Build, "a Dockerfile can copy what .dockerignore lets through, but not the app file, locks, .git, keys that sign, and the folders of results and state"},
	{"digest mismatch", fault.Integrity, "the source changed or was tampered with; if the lock is old, run: bakelite lock"},
	{"invalid response status 404", fault.Network, "the archive no longer has a locked package; run: bakelite lock"},
	{"invalid response status", fault.Network, "the mirror refuses to serve this; try again later or set another mirror"},
	{"failed to do request", fault.Network, "check the network and the mirrors setting; what was fetched is kept"},
	{"secret ", fault.Invalid, secretHint},
	{"forwarded from the client", fault.Invalid, secretHint}, // an SSH key
	{"dial tcp", fault.Network, "check the network and the mirrors setting; what was fetched is kept"},
}

// secretHint is for mounts that BuildKit's own commands can fill.
const secretHint = "a build gets no secrets and no SSH agent: fetch beforehand what needs one, and copy it"

const spaceHint = "free some disk space, or run: bakelite engine prune"

// goneHint is for every way in which an engine can end before a build does.
const goneHint = "run the same command again: finished steps are kept"

// classify turns an error of BuildKit into one for a person: short, with its
// kind and what to do next.
func classify(err error, f failure) error {
	if errors.Is(err, context.Canceled) || status.Code(err) == codes.Canceled {
		return fault.As(fault.Cancelled, fmt.Errorf("stopped: %w", context.Canceled))
	}
	known := (*fault.Error)(nil)
	if errors.As(err, &known) {
		return err
	}
	if exit := (*gateway.ExitError)(nil); errors.As(err, &exit) {
		return exited(exit, f)
	}
	text := withoutNoise(err)
	if f.Status != "" {
		text = "invalid response status " + f.Status
	}
	message := errors.New(text)
	if f.Step != "" {
		message = fmt.Errorf("step %q failed: %s", f.Step, text)
	}
	for _, cause := range causes {
		if strings.Contains(text, cause.text) {
			return fault.Hint(fault.As(cause.kind, withOutput(message, f)), "%s", cause.hint)
		}
	}
	if grpcerrors.Code(err) == codes.Unavailable || strings.Contains(err.Error(), "code = Unavailable") {
		return fault.Hint(fault.New(fault.Build, "the engine went away: %s", text), goneHint)
	}
	return fault.As(fault.Build, withOutput(message, f))
}

// mistake begins the line of a step of ours that found a mistake in the app
// file, as builders/tree writes it (tree.MistakeMark).
const mistake = "app file: "

// exited says how a step's program ended. BuildKit says ENOMEM where it saw
// the kernel kill the step for its memory; elsewhere only 137 is left of it,
// 128 and the number of SIGKILL.
func exited(exit *gateway.ExitError, f failure) error {
	step := "a build step"
	if f.Step != "" {
		step = fmt.Sprintf("step %q", f.Step)
	}
	hint := "the step's own output says why it failed"
	for line := range strings.Lines(f.Output) {
		if found, ok := strings.CutPrefix(strings.TrimSuffix(line, "\n"), mistake); ok {
			message, remedy, _ := strings.Cut(found, "; next: ")
			return fault.Hint(fault.New(fault.Invalid, "%s", message), "%s", remedy)
		}
	}
	switch {
	case exit.ExitCode == 127:
		hint = "a program was not found: name its package under packages, or install it by apt-get in the Dockerfile; either way it comes from the lock"
	case strings.Contains(strings.ToLower(f.Output), "no space left on device"):
		hint = spaceHint
	case errors.Is(exit, syscall.ENOMEM), strings.Contains(exit.Error(), syscall.ENOMEM.Error()), exit.ExitCode == 137:
		hint = "the step was killed; where memory ran out, add memory or stop other programs"
	}
	return fault.Hint(fault.As(fault.Build, withOutput(fmt.Errorf("%s failed with exit code %d", step, exit.ExitCode), f)), "%s", hint)
}

func withOutput(err error, f failure) error {
	if f.Output == "" || f.Shown {
		return err
	}
	return fmt.Errorf("%w; its last lines:\n%s", err, f.Output)
}

// noise is what BuildKit and gRPC put in front of a cause.
var noise = []string{
	"failed to solve: ", "failed to load cache key: ", "failed to compute cache key: ", "failed to copy: ",
	"rpc error: code = Unknown desc = ", "rpc error: code = Unavailable desc = ", "rpc error: code = NotFound desc = ",
	"rpc error: code = Internal desc = ", "rpc error: code = DeadlineExceeded desc = ", "runtime execution failed: ",
}

// withoutNoise returns an error's text without what only BuildKit's makers need.
func withoutNoise(err error) string {
	text := err.Error()
	for again := true; again; {
		again = false
		for _, prefix := range noise {
			if rest, ok := strings.CutPrefix(text, prefix); ok {
				text, again = rest, true
			}
		}
	}
	return text
}
