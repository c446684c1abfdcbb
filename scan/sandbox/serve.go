package sandbox

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os/exec"
	"runtime/debug"

	"github.com/bakelite/bakelite/internal/fault"
	"github.com/bakelite/bakelite/internal/limit"
	"github.com/bakelite/bakelite/scan/protocol"
)

// maxRequest bounds the request, in bytes: it is a few paths, and the records
// of controls.
const maxRequest = 4 << 20

// Work is what the shut-in process does for a request. It hands what is for
// the cache to keep.
type Work func(ctx context.Context, req protocol.Request, keep func(protocol.Entry) error) ([]protocol.Result, error)

// Outer reads a request, starts this program anew, shut in (IsInner), passes
// its answer on, and returns the exit code: that of the process where it could
// not answer.
func Outer(in io.Reader, out, words io.Writer) int {
	req, err := request(in)
	if err == nil {
		err = Launch(context.Background(), req, out, words) //nolint:forbidigo // stands for main
	}
	var exit *exec.ExitError
	if errors.As(err, &exit) {
		if exit.ExitCode() < 0 {
			fmt.Fprintln(words, exit) // the signal's name
		}
		return max(1, exit.ExitCode())
	}
	if err != nil {
		return answer(out, protocol.Response{Failure: protocol.FailureOf(err)})
	}
	return 0
}

func request(in io.Reader) (protocol.Request, error) {
	text, err := limit.ReadAll(in, maxRequest, "the request")
	if err != nil {
		return protocol.Request{}, fault.As(fault.Invalid, err)
	}
	var req protocol.Request
	if err := protocol.Decode(text, &req); err != nil {
		return protocol.Request{}, fault.As(fault.Invalid, err)
	}
	if req.APIVersion != protocol.APIVersion {
		return protocol.Request{}, fault.New(fault.Invalid, "the request is of version %q: want %q", req.APIVersion, protocol.APIVersion)
	}
	return req, nil
}

// Inner shuts this process in, works, answers, and returns the exit code.
func Inner(in io.Reader, out io.Writer, work Work) int {
	req, confined, err := Enter(in)
	if err != nil {
		return answer(out, protocol.Response{Failure: protocol.FailureOf(err)})
	}
	say := json.NewEncoder(out)
	results, err := guarded(req, work, func(e protocol.Entry) error { return say.Encode(e) })
	response := protocol.Response{Results: results, Confined: confined}
	if err != nil {
		response.Results, response.Failure = nil, protocol.FailureOf(err)
	}
	return answer(out, response)
}

// guarded makes an error of a panic: the content did it.
func guarded(req protocol.Request, work Work, keep func(protocol.Entry) error) (results []protocol.Result, err error) {
	debug.SetPanicOnFault(true)
	defer func() {
		if r := recover(); r != nil {
			results, err = nil, fault.New(fault.Integrity, "the content broke the scanner: %v", r)
			if protocol.OutOfMemory(fmt.Sprint(r)) {
				err = protocol.MemoryError()
			}
		}
	}()
	return work(context.Background(), req, keep) //nolint:forbidigo // stands for main; who started it ends it
}

func answer(out io.Writer, r protocol.Response) int {
	r.APIVersion = protocol.APIVersion
	if err := json.NewEncoder(out).Encode(r); err != nil {
		return 1
	}
	return 0
}
