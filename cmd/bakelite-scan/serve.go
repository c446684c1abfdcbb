//go:build goexperiment.jsonv2

package main

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
	"github.com/bakelite/bakelite/scan/sandbox"
	"github.com/bakelite/bakelite/scan/trivy"
)

// maxRequest bounds the request, in bytes: it is a few paths.
const maxRequest = 1 << 20

// outer starts the shut-in process, and passes its exit code on where it
// could not answer.
func outer(in io.Reader, out, words io.Writer) int {
	req, err := request(in)
	if err == nil {
		err = sandbox.Launch(context.Background(), req, out, words)
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

// inner shuts itself in, scans, and answers.
func inner(in io.Reader, out io.Writer) int {
	req, confined, err := sandbox.Enter(in)
	if err != nil {
		return answer(out, protocol.Response{Failure: protocol.FailureOf(err)})
	}
	say := json.NewEncoder(out)
	results, err := scanned(req, func(e protocol.Entry) error { return say.Encode(e) })
	response := protocol.Response{Results: results, Confined: confined}
	if err != nil {
		response.Results, response.Failure = nil, protocol.FailureOf(err)
	}
	return answer(out, response)
}

// scanned makes an error of a panic: the content did it.
func scanned(req protocol.Request, keep func(protocol.Entry) error) (results []protocol.Result, err error) {
	debug.SetPanicOnFault(true)
	defer func() {
		if r := recover(); r != nil {
			results, err = nil, fault.New(fault.Integrity, "the content broke the scanner: %v", r)
			if protocol.OutOfMemory(fmt.Sprint(r)) {
				err = protocol.MemoryError()
			}
		}
	}()
	if req.List {
		return trivy.List(context.Background(), req)
	}
	return trivy.Scan(context.Background(), req, keep)
}

func answer(out io.Writer, r protocol.Response) int {
	r.APIVersion = protocol.APIVersion
	if err := json.NewEncoder(out).Encode(r); err != nil {
		return 1
	}
	return 0
}
