package machine

import (
	"fmt"

	"context"
	"errors"
	"time"

	"github.com/bakelite/bakelite/runners/probe"

	"github.com/bakelite/bakelite/internal/app"
)

// lookTime bounds a look at the service: under emulation a machine takes
// seconds for it.
const lookTime = time.Minute

// Look asks a machine whose report was read for what became of the service
// since.
func (m *Machine) Look(ctx context.Context) (Service, error) {
	ctx, cancel := context.WithTimeout(ctx, lookTime)
	defer cancel()
	if _, err := m.report.Write([]byte("look\n")); err != nil {
		return Service{}, fmt.Errorf("asking the machine about the service: %w", err)
	}
	report, err := m.nextReport(ctx)
	return report.Service, err
}

// nextReport waits for a report until ctx or the machine ends.
func (m *Machine) nextReport(ctx context.Context) (Report, error) {
	type answer struct {
		report Report
		err    error
	}
	answers := make(chan answer, 1)
	go func() {
		r, err := m.reports.next()
		answers <- answer{r, err}
	}()
	select {
	case a := <-answers:
		return a.report, a.err
	case <-m.console.failed:
		m.listenOn(ctx)
	case <-m.process.Done():
	case <-ctx.Done():
		return Report{}, ctx.Err()
	}
	return Report{}, errEnded
}

// errEnded says that a machine went away while it was listened to.
var errEnded = errors.New("the machine ended by itself")

// judgeService passes a service that is active and was never started again.
func judgeService(name string, s Service, a app.App) probe.Result {
	all := result(name, 0)
	switch {
	case s.State == "active" && s.Restarts == 0:
		all.Passed, all.Detail = true, "active"
		return all
	case s.Restarts > 0:
		all.Detail = fmt.Sprintf("it ended and was started again, %d times", s.Restarts)
	case s.State == "inactive":
		all.Detail = fmt.Sprintf("it ended with exit code %d and is not started again: %s", s.Exit, probe.Forked)
	default:
		all.Detail = fmt.Sprintf("saw state %q, wanted \"active\"", s.State)
	}
	if s.Ends == "oom-kill" {
		all.Detail += "; " + probe.OutOfMemory(a.Service.Resources.Memory)
	}
	return all
}

// secureBootOn is what the report says of a machine whose firmware enforces
// Secure Boot: the last byte of the variable SecureBoot (UEFI 2.10, 3.3).
const secureBootOn = "1"

// judgeSecureBoot makes the result of a machine that was booted with
// Options.SecureBoot from what its report says of the firmware's variable.
func judgeSecureBoot(seen string) probe.Result {
	r := result("Secure Boot is enforced", 0)
	r.Passed = seen == secureBootOn
	switch {
	case r.Passed:
		r.Detail = "the firmware checked the disk's signature"
	case seen == "":
		r.Detail = "the machine shows no firmware variable SecureBoot"
	default:
		r.Detail = fmt.Sprintf("saw the firmware variable SecureBoot at %q, wanted %q", seen, secureBootOn)
	}
	return r
}
