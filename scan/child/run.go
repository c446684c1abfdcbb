package child

import (
	"bytes"
	"context"
	"errors"
	"strings"

	"github.com/bakelite/bakelite/internal/fault"
	"github.com/bakelite/bakelite/internal/program"
	"github.com/bakelite/bakelite/scan/protocol"
)

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
