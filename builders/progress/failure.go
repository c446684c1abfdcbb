package progress

import (
	"bytes"
	"errors"

	"github.com/moby/buildkit/solver/errdefs"
	digest "github.com/opencontainers/go-digest"
)

// Failure is what a display knows of the step that failed.
type Failure struct {
	// Step is its name, "" where no step is to blame.
	Step string
	// Output is the end of what it wrote.
	Output string
	// Shown says that the display has shown the output already.
	Shown bool
}

// Failure returns what is known of the step that an error of BuildKit blames.
func (d *Display) Failure(err error) Failure {
	blamed := (*errdefs.VertexError)(nil)
	if !errors.As(err, &blamed) {
		return Failure{}
	}
	d.mu.Lock()
	defer d.mu.Unlock()
	r := d.steps[digest.Digest(blamed.Digest)]
	if r == nil {
		return Failure{}
	}
	return Failure{Step: r.step.Name, Output: lastLines(r.output), Shown: !d.silent}
}

// lastOutput returns the end of what a step wrote.
func (d *Display) lastOutput(step digest.Digest) string {
	d.mu.Lock()
	defer d.mu.Unlock()
	if r := d.steps[step]; r != nil {
		return lastLines(r.output)
	}
	return ""
}

func lastLines(text []byte) string {
	lines := bytes.Split(bytes.TrimSpace(text), []byte("\n"))
	return string(bytes.Join(lines[max(0, len(lines)-maxOutputLines):], []byte("\n")))
}
