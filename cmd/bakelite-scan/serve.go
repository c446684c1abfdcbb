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
	"github.com/bakelite/bakelite/scan/child/cell"
	"github.com/bakelite/bakelite/scan/child/wire"
	"github.com/bakelite/bakelite/scan/trivy"
)

// maxRequest bounds the request, in bytes: it is a few paths.
const maxRequest = 1 << 20

// outer starts the shut-in process, and passes its exit code on where it
// could not answer.
func outer(in io.Reader, out, words io.Writer) int {
	req, err := request(in)
	if err == nil {
		err = cell.Launch(context.Background(), req, out, words)
	}
	var exit *exec.ExitError
	if errors.As(err, &exit) {
		if exit.ExitCode() < 0 {
			fmt.Fprintln(words, exit) // the signal's name
		}
		return max(1, exit.ExitCode())
	}
	if err != nil {
		return answer(out, wire.Response{Failure: wire.FailureOf(err)})
	}
	return 0
}

func request(in io.Reader) (wire.Request, error) {
	text, err := limit.ReadAll(in, maxRequest, "the request")
	if err != nil {
		return wire.Request{}, fault.As(fault.Invalid, err)
	}
	var req wire.Request
	if err := wire.Decode(text, &req); err != nil {
		return wire.Request{}, fault.As(fault.Invalid, err)
	}
	if req.APIVersion != wire.APIVersion {
		return wire.Request{}, fault.New(fault.Invalid, "the request is of version %q: want %q", req.APIVersion, wire.APIVersion)
	}
	return req, nil
}

// inner shuts itself in, scans, and answers.
func inner(in io.Reader, out io.Writer) int {
	req, confined, err := cell.Enter(in)
	if err != nil {
		return answer(out, wire.Response{Failure: wire.FailureOf(err)})
	}
	say := json.NewEncoder(out)
	results, err := scanned(req, func(e wire.Entry) error { return say.Encode(e) })
	response := wire.Response{Results: results, Confined: confined}
	if err != nil {
		response.Results, response.Failure = nil, wire.FailureOf(err)
	}
	return answer(out, response)
}

// scanned makes an error of a panic: the content did it.
func scanned(req wire.Request, keep func(wire.Entry) error) (results []wire.Result, err error) {
	debug.SetPanicOnFault(true)
	defer func() {
		if r := recover(); r != nil {
			results, err = nil, fault.New(fault.Integrity, "the content broke the scanner: %v", r)
			if wire.OutOfMemory(fmt.Sprint(r)) {
				err = wire.MemoryError()
			}
		}
	}()
	if req.List {
		return trivy.List(context.Background(), req)
	}
	return trivy.Scan(context.Background(), req, keep)
}

func answer(out io.Writer, r wire.Response) int {
	r.APIVersion = wire.APIVersion
	if err := json.NewEncoder(out).Encode(r); err != nil {
		return 1
	}
	return 0
}
