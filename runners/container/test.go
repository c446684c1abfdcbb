package container

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"strings"
	"time"

	"golang.org/x/sys/unix"

	"github.com/bakelite/bakelite/internal/app"
	"github.com/bakelite/bakelite/internal/fault"
	"github.com/bakelite/bakelite/internal/profile"
	"github.com/bakelite/bakelite/runners/probe"
)

// Record is what a test run measured.
type Record struct {
	// MemoryBytes is the largest memory that the container used.
	MemoryBytes int64 `json:"memoryBytes"`
	// Notes say what of the run profile this machine could not keep.
	Notes []string `json:"notes,omitempty"`
}

// Test starts the image and runs the built-in checks, the health check and
// the declared tests; last, the service must still run. An image that fails is
// a result that did not pass, not an error; errors are of this machine or of
// the input. It leaves nothing behind.
func Test(ctx context.Context, o Options) ([]probe.Result, Record, error) {
	start := time.Now()
	if o.Values == nil {
		o.Values = o.App.ValuesForTests()
	}
	r, err := Start(ctx, o)
	started := probe.Result{Artifact: probe.Container, Name: "starts", Passed: err == nil, Detail: "started"}
	started.Seconds = probe.Seconds(time.Since(start))
	if err != nil {
		if fault.KindOf(err) != fault.Policy {
			return nil, Record{}, fault.As(fault.Internal, err)
		}
		started.Detail = err.Error()
		return append(probe.Explained([]probe.Result{started}, nil, profile.Of(o.App).Explain(err.Error())), untried(o.App)...), Record{}, nil
	}
	defer r.Stop()
	began := time.Now()
	results := append([]probe.Result{started}, r.checked(ctx, o.App)...)
	last := r.stillRuns(ctx, began)
	causes := r.profile.Explain(string(r.Logs()))
	if last.Passed {
		results = probe.Explained(results, r.Logs(), causes)
	}
	results = append(results, probe.Explained([]probe.Result{last}, nil, causes)...)
	record := Record{Notes: r.Notes()}
	if record.MemoryBytes, err = r.Memory(); err != nil {
		record.Notes = append(record.Notes, "memory was not measured: "+err.Error())
	}
	return results, record, ctx.Err()
}

// checked makes the checks in their order; where the service has ended, the
// rest is not tried, and stillRuns has its last words.
func (r *Running) checked(ctx context.Context, a app.App) []probe.Result {
	checks := []check{{"runs as non-root", r.nonRoot}, {"root filesystem is read-only", r.readOnly}}
	for _, o := range probe.For(probe.Container, a) {
		checks = append(checks, r.declared(ctx, o))
	}
	var results []probe.Result
	for _, c := range checks {
		result := probe.Result{Detail: "not tried: " + serviceEnded}
		if r.Alive() == nil {
			result = c.run()
		}
		result.Artifact, result.Name = probe.Container, c.name
		results = append(results, result)
	}
	return results
}

// check is one check of a running container.
type check struct {
	name string
	run  func() probe.Result
}

func (r *Running) declared(ctx context.Context, o probe.Options) check {
	o.Dial, o.Exec, o.Alive = r.Dial, r.Exec, r.ended
	return check{probe.Name(o.Test, o.Service), func() probe.Result { return probe.Run(ctx, o) }}
}

// serviceEnded is what the checks say; the reason stands once, in stillRuns.
const serviceEnded = "the service has ended"

func (r *Running) ended() error {
	if r.Alive() != nil {
		return errors.New(serviceEnded)
	}
	return nil
}

// leastUptime is how long a service must run before it counts as one.
const leastUptime = 2 * time.Second

// stillRuns passes a service that runs after all checks, and not before
// leastUptime.
func (r *Running) stillRuns(ctx context.Context, began time.Time) probe.Result {
	select {
	case <-r.process.Done():
	case <-ctx.Done():
	case <-time.After(time.Until(began.Add(leastUptime))):
	}
	up := time.Since(began)
	result := probe.Result{Artifact: probe.Container, Name: "still runs", Passed: true, Seconds: probe.Seconds(up)}
	result.Detail = fmt.Sprintf("%.1f s after the start", result.Seconds)
	if err := r.Alive(); err != nil {
		result.Passed, result.Detail = false, err.Error()
	}
	return result
}

func untried(a app.App) []probe.Result {
	var all []probe.Result
	for _, o := range probe.For(probe.Container, a) {
		all = append(all, probe.Result{
			Artifact: probe.Container, Name: probe.Name(o.Test, o.Service), Detail: "not tried: the container did not start",
		})
	}
	return all
}

// nonRoot reads the user from this machine's point of view.
func (r *Running) nonRoot() probe.Result {
	var result probe.Result
	uid, err := userOf(r.pid)
	switch {
	case err != nil:
		result.Detail = asEnded(err).Error()
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
	var result probe.Result
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
		result.Detail = asEnded(err).Error()
	}
	return result
}

// asEnded replaces what a look at a process says that has just ended.
func asEnded(err error) error {
	if errors.Is(err, fs.ErrNotExist) || errors.Is(err, unix.ESRCH) {
		return errors.New(serviceEnded)
	}
	return err
}
