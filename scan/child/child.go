// Package child is the main program's half of scanning: it starts
// bakelite-scan, which is shut in and holds no key, credential or connection,
// hands it a request, and believes its answer only where that is whole,
// small enough and about what was asked. A scanner that crashes, hangs, eats
// memory or talks nonsense is an error, never a clean report. It must not
// import Trivy.
package child

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"path/filepath"
	"time"

	"github.com/bakelite/bakelite/internal/fault"
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
