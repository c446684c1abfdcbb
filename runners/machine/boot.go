package machine

import (
	"context"
	"errors"
	"fmt"
	"net"
	"os"
	"path/filepath"
	"sync"
	"time"

	"github.com/bakelite/bakelite/runners/machine/qemu"

	"github.com/bakelite/bakelite/internal/fault"
	"github.com/bakelite/bakelite/internal/program"
	"github.com/bakelite/bakelite/runners/probe"
)

// sshPort is where an administrator, whom the app file names, logs in.
const sshPort = 22

// lastLinesTime is how long the console is still read after a fatal line.
const lastLinesTime = time.Second

// Machine is a running machine.
type Machine struct {
	// Accel is "kvm" or "tcg".
	Accel string
	// Log is the file that holds the console, its first 4 MiB.
	Log string

	options  Options
	limit    time.Duration
	process  *program.Process
	monitor  *qemu.Monitor
	report   net.Conn
	reports  *reports
	console  *console
	forwards map[forward]int
	dialing  sync.Mutex
	stop     sync.Once
	cleanup  []func()
}

// Boot starts a machine and returns as soon as it runs, long before its boot
// is complete; Wait waits for that. It stops when ctx ends. A missing QEMU or
// firmware is a fault.Missing error with a hint.
func Boot(ctx context.Context, o Options) (*Machine, error) {
	o = o.filled()
	w, binary, err := wire(ctx, o)
	if err != nil {
		return nil, err
	}
	m := &Machine{Accel: w.accel, options: o, limit: o.limit(w.accel), Log: filepath.Join(o.State, "console.log")}
	if err := m.start(ctx, binary, w); err != nil {
		m.Stop()
		return nil, err
	}
	return m, nil
}

func (m *Machine) start(ctx context.Context, binary string, w wiring) error {
	log, err := os.OpenFile(m.Log, os.O_CREATE|os.O_TRUNC|os.O_WRONLY, 0o600)
	if err != nil {
		return fmt.Errorf("writing the console's log: %w", err)
	}
	m.onStop(func() { log.Close() })
	m.console = newConsole(log)
	control, qemuControl, err := qemu.Pair("qmp")
	if err != nil {
		return err
	}
	defer qemuControl.Close()
	m.onStop(func() { control.Close() })
	report, qemuReport, err := qemu.Pair("report")
	if err != nil {
		return err
	}
	defer qemuReport.Close()
	m.report, m.reports = report, newReports(report)
	m.onStop(func() { report.Close() })
	m.process, err = program.Start(ctx, program.Command{
		Path: binary, Args: w.arguments(), Stdout: m.console, Limit: consoleTail,
		Env: []string{"TMPDIR=" + w.options.State}, Files: []*os.File{qemuControl, qemuReport},
	})
	if err != nil {
		return err
	}
	return m.connect(control, w)
}

// connect asks QEMU which ports it chose.
func (m *Machine) connect(control net.Conn, w wiring) error {
	var err error
	if m.monitor, err = qemu.NewMonitor(control); err != nil {
		return m.ended(err)
	}
	all, err := m.monitor.Connections()
	if err != nil {
		return m.ended(err)
	}
	m.forwards = map[forward]int{}
	for _, c := range all {
		if c.State == "HOST_FORWARD" {
			m.forwards[forward{c.Protocol, c.Port}] = c.SourcePort
		}
	}
	for _, f := range w.ports {
		if m.forwards[f] == 0 {
			return fault.New(fault.Internal, "QEMU does not forward port %d/%s", f.port, f.protocol)
		}
	}
	go m.endWhenPaused()
	return nil
}

// endWhenPaused ends a machine that stands still: QEMU pauses one whose
// processor it cannot emulate, or whose changes the host has no room for.
func (m *Machine) endWhenPaused() {
	select {
	case <-m.process.Done():
	case <-m.monitor.Paused:
		status, err := m.monitor.Status()
		if err != nil {
			status = err.Error()
		}
		m.console.fail(m.pauseVerdict(status))
		m.process.Stop(0)
	}
}

func (m *Machine) pauseVerdict(status string) string {
	switch status {
	case "internal-error":
		return m.Accel + gaveUp
	case "io-error":
		return noRoom
	}
	return "QEMU paused the machine: " + status
}

// ended prefers QEMU's own last words to a broken connection's error.
func (m *Machine) ended(err error) error {
	m.process.Stop(0)
	_, words := m.process.Wait()
	var exit *program.ExitError
	if errors.As(words, &exit) && len(exit.Stderr) > 0 || errors.Is(words, context.Canceled) {
		return fault.As(fault.Internal, fmt.Errorf("starting the machine: %w", words))
	}
	return fault.As(fault.Internal, fmt.Errorf("starting the machine: %w", err))
}

// Wait waits for the report of a machine that was booted with Report. Where
// the machine dies or does not finish in time, the error is of kind
// fault.Policy and shows the console's last lines; where the host has no room
// for what it writes, the error is of kind fault.Internal.
func (m *Machine) Wait(ctx context.Context) (Report, error) {
	within, cancel := context.WithTimeout(ctx, m.limit)
	defer cancel()
	report, err := m.nextReport(within)
	switch {
	case err == nil:
		return report, nil
	case ctx.Err() != nil:
		return Report{}, ctx.Err()
	case within.Err() != nil:
		err = fmt.Errorf("no report within %s", m.limit)
	}
	return report, fault.As(fault.Policy, m.failure(err.Error()))
}

func (m *Machine) failure(words string) error {
	_, said := m.process.Output()
	err := m.console.failure(words, said)
	if m.console.judged() != noRoom {
		return err
	}
	return fault.Hint(fault.As(fault.Build, err), "make room on the disk that holds %s, then run the same command again",
		filepath.Dir(m.options.State))
}

// starved returns an error where the host has no room for what the machine
// writes.
func (m *Machine) starved() error {
	if m.console.judged() != noRoom {
		return nil
	}
	return m.failure(noRoom)
}

func (m *Machine) listenOn(ctx context.Context) {
	select {
	case <-m.process.Done():
	case <-ctx.Done():
	case <-time.After(lastLinesTime):
	}
}

// Retry returns what to boot once more, and why, where the machine's end can
// be its accelerator's doing: KVM gave up, which it does where it can run only
// some instructions, or the kernel met an exception under TCG. With several
// processors one boot in some hundred was seen to crash so in the scheduler,
// and the next one of the same disk went well. An accelerator that
// Options.Accelerator asks for stays.
func (m *Machine) Retry() (o Options, why string, ok bool) {
	if m == nil {
		return Options{}, "", false
	}
	o, why = m.options, m.console.judged()
	pinned := o.wantedAccelerator() != ""
	o.Accelerator = qemu.TCG
	switch {
	case m.Accel == qemu.KVM && why == qemu.KVM+gaveUp && !pinned:
		return o, why, true
	case m.Accel == qemu.TCG && why == exception:
		return o, why + " under emulation", true
	}
	return Options{}, "", false
}

// Console returns the last lines of the serial console without control
// characters.
func (m *Machine) Console() string { return probe.LastLines(m.console.tail.Bytes(), consoleShown) }

// Alive returns nil while the machine runs.
func (m *Machine) Alive() error {
	select {
	case <-m.process.Done():
		return m.failure("the machine ended by itself")
	case <-m.console.failed:
		return m.failure("the machine failed")
	default:
		return nil
	}
}

func (m *Machine) onStop(f func()) { m.cleanup = append(m.cleanup, f) }

// Stop switches the machine off; the second call does nothing. The disk was
// never written to, so nothing has to be saved.
func (m *Machine) Stop() {
	m.stop.Do(func() {
		if m.process != nil {
			m.process.Stop(0)
		}
		for i := len(m.cleanup) - 1; i >= 0; i-- {
			m.cleanup[i]()
		}
	})
}
