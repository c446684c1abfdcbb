package sandbox

import (
	"context"
	"errors"
	"fmt"
	"os"
	"strings"
	"time"

	"golang.org/x/sys/unix"

	"github.com/bakelite/bakelite/internal/app"
	"github.com/bakelite/bakelite/internal/fault"
	"github.com/bakelite/bakelite/internal/probe"
)

// Record is what a test run measured.
type Record struct {
	// MemoryBytes is the largest memory that the container used.
	MemoryBytes int64 `json:"memoryBytes"`
	// Notes say what of the run profile this machine could not keep.
	Notes []string `json:"notes,omitempty"`
}

// Test starts the image and runs the built-in checks, the health check and
// the declared tests. An image that fails is a result that did not pass, not
// an error; errors are of this machine or of the input. It leaves nothing but
// the unpacked image behind.
func Test(ctx context.Context, o Options) ([]probe.Result, Record, error) {
	start := time.Now()
	r, err := Start(ctx, o)
	started := probe.Result{Artifact: probe.Container, Name: "starts", Passed: err == nil, Detail: "started"}
	started.Seconds = probe.Seconds(time.Since(start))
	if err != nil {
		if fault.KindOf(err) != fault.Policy {
			return nil, Record{}, fault.As(fault.Internal, err)
		}
		started.Detail = err.Error()
		return append([]probe.Result{started}, untried(o.App)...), Record{}, nil
	}
	defer r.Stop()
	results := []probe.Result{started}
	if h := o.App.Service.Health; h != nil {
		results = append(results, r.probe(ctx, o.App, healthTest(*h)))
	}
	results = append(results, r.nonRoot(), r.readOnly())
	for _, t := range probe.For(probe.Container, o.App.Tests) {
		results = append(results, r.probe(ctx, o.App, t))
	}
	record := Record{Notes: r.Notes()}
	if record.MemoryBytes, err = r.Memory(); err != nil {
		record.Notes = append(record.Notes, "memory was not measured: "+err.Error())
	}
	return results, record, ctx.Err()
}

func (r *Running) probe(ctx context.Context, a app.App, t app.Test) probe.Result {
	return probe.Run(ctx, probe.Options{
		Artifact: probe.Container, Service: a.Service, Test: t, Dial: r.Dial, Exec: r.Exec, Alive: r.Alive,
	})
}

func healthTest(h app.Health) app.Test { return app.Test{Name: "is healthy", Check: h.Check} }

func untried(a app.App) []probe.Result {
	var all []probe.Result
	for _, t := range probe.For(probe.Container, a.Tests) {
		all = append(all, probe.Result{
			Artifact: probe.Container, Name: probe.Name(t, a.Service), Detail: "not tried: the container did not start",
		})
	}
	return all
}

// nonRoot reads the user from this machine's point of view.
func (r *Running) nonRoot() probe.Result {
	result := probe.Result{Artifact: probe.Container, Name: "runs as non-root"}
	uid, err := userOf(r.pid)
	switch {
	case err != nil:
		result.Detail = err.Error()
	case uid == "0":
		result.Detail = "the service runs as root"
	default:
		result.Passed, result.Detail = true, "user "+uid
	}
	return result
}

// userOf reads the effective user of a process (proc_pid_status(5)).
func userOf(pid int) (string, error) {
	data, err := os.ReadFile(fmt.Sprintf("/proc/%d/status", pid))
	if err != nil {
		return "", fmt.Errorf("reading the service's user: %w", err)
	}
	for line := range strings.Lines(string(data)) {
		if fields := strings.Fields(line); len(fields) > 2 && fields[0] == "Uid:" {
			return fields[2], nil
		}
	}
	return "", errors.New("reading the service's user: no Uid line")
}

// readOnly tries to make a file through the container's own mounts.
func (r *Running) readOnly() probe.Result {
	result := probe.Result{Artifact: probe.Container, Name: "root filesystem is read-only"}
	file := fmt.Sprintf("/proc/%d/root/%s", r.pid, r.ID)
	f, err := os.OpenFile(file, os.O_CREATE|os.O_EXCL|os.O_WRONLY, 0o600)
	switch {
	case err == nil:
		f.Close()
		_ = os.Remove(file)
		result.Detail = "a file could be written to /"
	case errors.Is(err, unix.EROFS):
		result.Passed, result.Detail = true, "writing to / fails"
	default:
		result.Detail = err.Error()
	}
	return result
}
