// Package child is the main program's half of scanning: it starts
// bakelite-scan, which is shut in and holds no key, credential or connection,
// hands it a request, and believes its answer only where that is whole,
// small enough and about what was asked. A scanner that crashes, hangs, eats
// memory or talks nonsense is an error, never a clean report. It must not
// import Trivy.
package child

import (
	"bytes"
	"context"
	"crypto/sha256"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"strings"
	"time"

	"github.com/bakelite/bakelite/internal/cancel"
	"github.com/bakelite/bakelite/internal/digests"
	"github.com/bakelite/bakelite/internal/fault"
	"github.com/bakelite/bakelite/internal/program"
	"github.com/bakelite/bakelite/internal/regular"
	"github.com/bakelite/bakelite/internal/vouch"
	"github.com/bakelite/bakelite/scan/protocol"
)

// Defaults where a Scanner sets none.
const (
	defaultTime   = 10 * time.Minute
	defaultOutput = 256 << 20
	name          = "bakelite-scan"
)

// Limits bound the child; every zero has a default.
type Limits struct {
	// Memory is the child's heap in bytes, 2 GiB by default.
	Memory int64
	// Scratch is the size of its temporary files in bytes, 4 GiB by default.
	Scratch int64
	// Time is how long one request may take, 10 minutes by default.
	Time time.Duration
	// Output is the size of its answer in bytes, 256 MiB by default.
	Output int64
	// Content bounds what is read.
	Content protocol.Limits
}

// Scanner starts a child for each request; the zero value is ready.
type Scanner struct {
	// Program is bakelite-scan's file; "" looks beside this program and in
	// the search path.
	Program string
	// Cache is a folder for what was seen in layers and disks, made where it
	// is missing and for this user alone; "" is none. What is there already
	// counts where Vouch does so.
	Cache string
	Vouch vouch.Key
	// Limits bound the child.
	Limits Limits
	// Exposed lets the child run, without privileges but seeing all files of
	// this user, where the kernel makes no namespaces for it.
	Exposed bool

	arguments []string
}

// Request asks for one report for each root.
type Request struct {
	Roots    []protocol.Root
	Database protocol.Database
	// Java is a folder with Trivy's Java database, "" for none.
	Java string
	// Untouched are the SHA-256 of packed files that packages brought, in
	// hexadecimal digits: they are not unpacked to look for secrets.
	Untouched []string
	// Now is the time of the reports.
	Now time.Time
}

// List returns the files of each root, in their order: mode, size and the
// first digits of the SHA-256 by path. Its errors are those of Scan.
func (s Scanner) List(ctx context.Context, roots []protocol.Root) ([]map[string]string, error) {
	results, err := s.ask(ctx, Request{Roots: roots, Now: time.Now()}, true)
	if err != nil {
		return nil, err
	}
	files := make([]map[string]string, len(results))
	for i, r := range results {
		files[i] = r.Files
	}
	return files, nil
}

// Scan returns one result for each root, in their order. Errors: Missing
// where the scanner or a file is missing or namespaces are refused, Invalid
// for a request that makes no sense, Integrity for content or a database that
// cannot be trusted, Internal for a scanner that misbehaves.
func (s Scanner) Scan(ctx context.Context, req Request) ([]protocol.Result, error) {
	return s.ask(ctx, req, false)
}

func (s Scanner) ask(ctx context.Context, req Request, list bool) ([]protocol.Result, error) {
	file, err := s.find()
	if err != nil {
		return nil, err
	}
	w, err := s.wire(req)
	kept := cache{s.Cache, s.Vouch}
	if err == nil && !list {
		w.Known, err = kept.knownTrees(ctx, w.Roots, w.Limits)
	}
	if err != nil {
		return nil, fmt.Errorf("preparing scan: %w", err)
	}
	w.List = list
	text, err := json.Marshal(w)
	if err != nil {
		return nil, fmt.Errorf("preparing scan: %w", err)
	}
	answer, err := s.run(ctx, file, text)
	if err != nil {
		return nil, fmt.Errorf("scanning: %w", err)
	}
	results, entries, err := readAnswer(answer, w)
	if err != nil {
		return nil, fmt.Errorf("scanning: %w", err)
	}
	kept.keep(entries)
	return results, nil
}

// About returns what the scanner says of itself; fault.Missing where it is
// not there or does not run.
func (s Scanner) About(ctx context.Context) (string, error) {
	file, err := s.find()
	if err != nil {
		return "", err
	}
	result, err := program.Run(ctx, program.Command{Path: file, Args: []string{"--version"}, Timeout: aboutTime})
	if err != nil {
		return "", fault.As(fault.Missing, err)
	}
	return strings.TrimSpace(string(result.Stdout)), nil
}

// Digest returns that of the scanner's program, "sha256:…". Its errors are
// those of Scan.
func (s Scanner) Digest(ctx context.Context) (string, error) {
	path, err := s.find()
	if err != nil {
		return "", err
	}
	f, err := regular.Open(path)
	if err != nil {
		return "", fault.As(fault.Missing, err)
	}
	defer f.Close()
	hash := sha256.New()
	if _, err := io.Copy(hash, cancel.Reader(ctx, f)); err != nil {
		return "", err
	}
	return digests.Sum(hash), nil
}

// aboutTime bounds a scanner that is asked for its version.
const aboutTime = 10 * time.Second

func (s Scanner) find() (string, error) {
	if s.Program != "" {
		return s.Program, nil
	}
	if own, err := os.Executable(); err == nil {
		beside := filepath.Join(filepath.Dir(own), name)
		if info, err := os.Stat(beside); err == nil && info.Mode().IsRegular() {
			return beside, nil
		}
	}
	return program.Find(name, "install "+name+" beside bakelite: it comes in the same archive")
}

// wire puts the request in the child's words; every path becomes absolute.
func (s Scanner) wire(req Request) (protocol.Request, error) {
	w := protocol.Request{
		APIVersion: protocol.APIVersion, Database: req.Database, Now: req.Now.UTC(), Limits: s.Limits.Content,
		Process: protocol.Process{Memory: s.Limits.Memory, Scratch: s.Limits.Scratch, CPU: 2 * s.time(), Exposed: s.Exposed},
	}
	if len(req.Roots) == 0 || req.Now.IsZero() {
		return w, fault.New(fault.Invalid, "a scan needs roots and a time")
	}
	for _, r := range req.Roots {
		if err := absolute(&r.Path); err != nil {
			return w, err
		}
		w.Roots = append(w.Roots, r)
	}
	w.Java, w.Untouched = req.Java, req.Untouched
	if err := errors.Join(optional(&w.Database.Folder), optional(&w.Java)); err != nil {
		return w, err
	}
	return w, nil
}

func optional(path *string) error {
	if *path == "" {
		return nil
	}
	return absolute(path)
}

// absolute resolves links too: the child binds exactly what is there now.
func absolute(path *string) error {
	full, err := filepath.Abs(*path)
	if err == nil {
		full, err = filepath.EvalSymlinks(full)
	}
	if err != nil {
		return fault.As(fault.Missing, err)
	}
	*path = full
	return nil
}

func (s Scanner) time() time.Duration {
	if s.Limits.Time > 0 {
		return s.Limits.Time
	}
	return defaultTime
}

// output bounds all that the child says: the answer, and entries where there
// is a cache.
func (s Scanner) output() int64 {
	max := s.Limits.Output
	if max <= 0 {
		max = defaultOutput
	}
	if s.Cache != "" {
		max += protocol.MaxEntries + entryHeads
	}
	return max
}

// entryHeads is room for what entries hold beside their bodies, in bytes: 200
// for each of 500 layers in ten images.
const entryHeads = 1 << 20

// run starts the child and returns what it wrote.
func (s Scanner) run(ctx context.Context, file string, request []byte) ([]byte, error) {
	within, cancel := context.WithTimeout(ctx, s.time())
	defer cancel()
	out := &bounded{max: s.output(), over: cancel}
	_, err := program.Run(within, program.Command{Path: file, Args: s.arguments, Stdin: bytes.NewReader(request), Stdout: out, Limit: shownBytes})
	switch {
	case out.overrun:
		return nil, fault.New(fault.Internal, "the scanner's answer is larger than %d bytes", out.max)
	case ctx.Err() != nil:
		return nil, ctx.Err()
	case within.Err() != nil:
		err := fault.New(fault.Internal, "the scanner did not finish within %s", s.time())
		return nil, fault.Hint(err, "give it more time, or look at what keeps it busy: content made to do so is a reason")
	case err != nil:
		return nil, ended(err)
	}
	return out.Bytes(), nil
}

// shownBytes is how much is kept of what the child says beside its answer:
// the reason of a crash stands at its beginning, before the stacks.
const shownBytes = 256 << 10

// ended says why a child ended that gave no answer. Its words are quoted, as
// content may have a part in them.
func ended(err error) error {
	var exit *program.ExitError
	if !errors.As(err, &exit) {
		return fault.As(fault.Internal, err)
	}
	words := string(exit.Stderr)
	if protocol.OutOfMemory(words) {
		return protocol.MemoryError()
	}
	if strings.Contains(words, "bad system call") {
		err := fault.New(fault.Internal, "the scanner was ended for a system call that no scan needs")
		return fault.Hint(err, "look at what it scans: content made to take scanners over is a reason")
	}
	line, _, _ := strings.Cut(strings.TrimSpace(words), "\n")
	err = fault.New(fault.Internal, "the scanner ended with exit code %d and no answer: %.200q", exit.Code, line)
	return fault.Hint(err, "look at what it scans: content made to break scanners is a reason")
}

// bounded keeps an answer up to its limit.
type bounded struct {
	bytes.Buffer
	max     int64
	over    func()
	overrun bool
}

func (b *bounded) Write(p []byte) (int, error) {
	if int64(b.Len()+len(p)) > b.max {
		b.overrun = true
		b.over()
		return 0, errors.New("answer too large")
	}
	return b.Buffer.Write(p)
}
