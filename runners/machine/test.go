package machine

import (
	"cmp"
	"context"
	"fmt"
	"net"
	"strings"
	"time"

	"github.com/bakelite/bakelite/internal/app"
	"github.com/bakelite/bakelite/internal/fault"
	"github.com/bakelite/bakelite/internal/profile"
	"github.com/bakelite/bakelite/runners/probe"
)

// closedWait is how long a closed port is given to answer.
const closedWait = 5 * time.Second

// Record is what a test boot measured.
type Record struct {
	// BootSeconds is the time from the firmware's start to the end of the boot.
	BootSeconds float64 `json:"bootSeconds"`
	// MemoryBytes is the memory in use after the boot.
	MemoryBytes int64 `json:"memoryBytes"`
	// ServiceMemoryBytes is the service's peak.
	ServiceMemoryBytes int64 `json:"serviceMemoryBytes"`
	// ServiceLog is the end of the service's log after all checks.
	ServiceLog []byte `json:"-"`
	// Controls is what Options.Inspector answered in the machine, and
	// ControlsLog why it did not.
	Controls    []byte `json:"-"`
	ControlsLog string `json:"-"`
	// Accel is "kvm" or "tcg".
	Accel string `json:"accel"`
	// Boots is 2 where Machine.Retry asked for another one.
	Boots int `json:"boots"`
}

// Test boots the disk and runs the built-in checks and the declared tests. A
// disk that fails is a result that did not pass, not an error; errors are of
// this machine: a missing program, an unreadable disk, no room, an ended
// context. The disk is booted once more where Machine.Retry asks for it.
func Test(ctx context.Context, o Options) ([]probe.Result, Record, error) {
	o.Report = true
	if o.Values == nil {
		o.Values = o.App.ValuesForTests()
	}
	start := time.Now()
	m, report, err := reported(ctx, o)
	boots, first := 1, ""
	if again, why, ok := m.Retry(); ok {
		m.Stop()
		m, report, err = reported(ctx, again)
		boots, first = 2, why
	}
	if m == nil {
		return nil, Record{}, err
	}
	defer m.Stop()
	record := Record{Accel: m.Accel, Boots: boots}
	if err != nil && fault.KindOf(err) != fault.Policy {
		return nil, record, fault.As(fault.Internal, err)
	}
	record.BootSeconds = probe.Seconds(report.Boot)
	record.Controls, record.ControlsLog = report.Controls, report.ControlsLog
	record.MemoryBytes, record.ServiceMemoryBytes = report.MemoryBytes, report.Service.MemoryBytes
	results := judge(report, err, o.App, probe.Seconds(time.Since(start)))
	if boots > 1 {
		results[0].Detail = "at the second boot, for in the first one " + first + ": " + results[0].Detail
	}
	if !results[0].Passed {
		return append(results, untried(o.App)...), record, nil
	}
	if o.SecureBoot != nil {
		results = append(results, judgeSecureBoot(report.SecureBoot))
	}
	results = append(results, m.declared(ctx, o.App, report)...)
	results = append(results, m.closed(ctx, o.App, report))
	results = append(results, m.stillRuns(ctx, o.App, &record))
	probe.Explained(results[ofMachine:], record.ServiceLog, profile.Of(o.App).Explain(string(record.ServiceLog)))
	return results, record, cmp.Or(m.starved(), ctx.Err())
}

// reported boots a machine, nil where it does not start, and waits for its
// report.
func reported(ctx context.Context, o Options) (*Machine, Report, error) {
	m, err := Boot(ctx, o)
	if err != nil {
		return nil, Report{}, err
	}
	report, err := m.Wait(ctx)
	return m, report, err
}

// ofMachine is how many of judge's results are not about the service.
const ofMachine = 2

// judge makes the built-in results from a report; the first is the boot's.
func judge(r Report, err error, a app.App, seconds float64) []probe.Result {
	boot := result("boots to its target", seconds)
	boot.Passed = err == nil && r.Boot > 0 && (r.State == "running" || r.State == "degraded")
	switch {
	case err != nil:
		boot.Detail = err.Error()
		return []probe.Result{boot}
	case boot.Passed:
		boot.Detail = fmt.Sprintf("%s after %.1f s", r.State, r.Boot.Seconds())
	default:
		boot.Detail = fmt.Sprintf("saw state %q, wanted \"running\"", r.State)
		if len(r.Jobs) > 0 {
			boot.Detail += "; still waiting for " + strings.Join(r.Jobs, ", ")
		}
	}
	units := result("no failed units", 0)
	units.Passed, units.Detail = len(r.Failed) == 0, failures(r.Failed)
	return []probe.Result{boot, units, judgeService("the service is active", r.Service, a)}
}

func failures(units []Unit) string {
	if len(units) == 0 {
		return "none"
	}
	var b strings.Builder
	for i, u := range units {
		if i > 0 {
			b.WriteByte('\n')
		}
		b.WriteString(u.Name + " failed")
		if u.Log != "" {
			b.WriteString(":\n" + probe.LastLines([]byte(u.Log), consoleShown))
		}
	}
	return b.String()
}

// stillRuns looks at the service once more after all checks, of which each may
// have ended it.
func (m *Machine) stillRuns(ctx context.Context, a app.App, record *Record) probe.Result {
	start := time.Now()
	service, err := m.Look(ctx)
	all := judgeService("still runs", service, a)
	all.Seconds = probe.Seconds(time.Since(start))
	if err != nil {
		all.Passed, all.Detail = false, err.Error()
		if dead := m.Alive(); dead != nil {
			all.Detail = dead.Error()
		}
		return all
	}
	record.ServiceLog = []byte(service.Log)
	record.ServiceMemoryBytes = max(record.ServiceMemoryBytes, service.MemoryBytes)
	return all
}

func result(name string, seconds float64) probe.Result {
	return probe.Result{Artifact: probe.Disk, Name: name, Seconds: seconds}
}

func untried(a app.App) []probe.Result {
	var all []probe.Result
	for _, o := range probe.For(probe.Disk, a) {
		r := result(probe.Name(o.Test, a.Service), 0)
		r.Detail = "not tried: the machine did not boot"
		all = append(all, r)
	}
	return all
}

func (m *Machine) declared(ctx context.Context, a app.App, r Report) []probe.Result {
	var all []probe.Result
	for i, o := range probe.For(probe.Disk, a) {
		if o.Test.Command != nil {
			all = append(all, judgeCommand(i, o.Test, a.Service, r))
			continue
		}
		o.Dial, o.Alive = m.Dial, m.Alive
		all = append(all, probe.Run(ctx, o))
	}
	return all
}

func judgeCommand(i int, t app.Test, s app.Service, r Report) probe.Result {
	all := result(probe.Name(t, s), 0)
	outcome, ok := r.Commands[i]
	if !ok {
		all.Detail = "the machine did not report it"
		return all
	}
	detail, err := probe.JudgeCommand(*t.Command, outcome.Exit, outcome.Output)
	all.Passed, all.Detail = err == nil, detail
	if err != nil {
		all.Detail = err.Error()
	}
	return all
}

// closed asks a port on which a program of the machine listens for this test,
// and which the service does not declare: only a firewall keeps it closed.
func (m *Machine) closed(ctx context.Context, a app.App, r Report) probe.Result {
	port := ProbePort(a.Service)
	start := time.Now()
	all := result("closed port is closed", 0)
	if r.Probe != "active" {
		all.Detail = fmt.Sprintf("nothing listens behind port %d, so its silence proves nothing", port)
		return all
	}
	within, cancel := context.WithTimeout(ctx, closedWait)
	defer cancel()
	conn, err := m.Dial(within, "tcp", net.JoinHostPort("127.0.0.1", fmt.Sprint(port)))
	all.Seconds = probe.Seconds(time.Since(start))
	if err == nil {
		conn.Close()
		all.Detail = fmt.Sprintf("port %d answered although the service does not declare it", port)
		return all
	}
	if dead := m.Alive(); dead != nil {
		all.Detail = dead.Error()
		return all
	}
	all.Passed, all.Detail = true, fmt.Sprintf("port %d does not answer", port)
	return all
}
