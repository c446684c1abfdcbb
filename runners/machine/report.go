package machine

import (
	"bufio"
	"encoding/base64"
	"errors"
	"fmt"
	"io"
	"strconv"
	"strings"
	"time"

	"github.com/bakelite/bakelite/internal/limit"
)

const (
	// reportLimit bounds all that a machine reports, lineLimit one record.
	reportLimit = 4 << 20
	lineLimit   = 256 << 10
)

// Report is what a machine says about itself.
type Report struct {
	// State is systemd's: "running", "degraded", "starting" if time ran out.
	State string
	// Boot is the time from the firmware's start to the end of the boot, and
	// zero where the boot did not end.
	Boot time.Duration
	// Failed are the failed units, with the end of their logs.
	Failed []Unit
	// Jobs are what systemd was still waiting for: "UNIT KIND STATE".
	Jobs []string
	// MemoryBytes is the memory in use: all of it less what is available.
	MemoryBytes int64
	// Service is what became of the service.
	Service Service
	// Probe is the state of the listener behind the closed port.
	Probe string
	// SecureBoot is "1" where the firmware enforces it, "0" where it does not,
	// and empty where it does not know it.
	SecureBoot string
	// Controls is what Options.Inspector answered, and ControlsLog why it did
	// not.
	Controls    []byte
	ControlsLog string
	// Commands are the outcomes of command tests by their number.
	Commands map[int]Outcome
}

// Service is the state of the service's unit.
type Service struct {
	// State is systemd's: "active" where it runs.
	State string
	// Restarts is how often it ended and was started again.
	Restarts int64
	// Exit is how its program ended last: an exit code, of what a signal ended
	// 128 and its number.
	Exit int64
	// Ends is systemd's word for how it last failed: "exit-code", "signal",
	// "oom-kill", or "" where it did not.
	Ends string
	// Log is the end of its log, and of what systemd says of it.
	Log string
	// MemoryBytes is its peak.
	MemoryBytes int64
}

// Unit is a failed unit.
type Unit struct{ Name, Log string }

// Outcome is what a command did.
type Outcome struct {
	Exit   int
	Output []byte
}

// reports reads what a machine says, one report after the other.
type reports struct{ lines *bufio.Scanner }

func newReports(r io.Reader) *reports {
	lines := bufio.NewScanner(limit.Reader(r, reportLimit, "the machine's report"))
	lines.Buffer(nil, lineLimit)
	return &reports{lines}
}

// next reads until the record "end"; anything that is not a record is skipped,
// a broken record is an error.
func (r *reports) next() (Report, error) {
	b := &reportBuilder{report: Report{Commands: map[int]Outcome{}}, numbers: map[string]int64{}}
	for r.lines.Scan() {
		fields := strings.Fields(r.lines.Text())
		if len(fields) < 2 || fields[0] != "bakelite" {
			continue
		}
		if fields[1] == "end" {
			return b.finish(), nil
		}
		if err := b.add(fields[1], fields[2:]); err != nil {
			return b.finish(), fmt.Errorf("reading the machine's report: %s: %w", fields[1], err)
		}
	}
	if err := r.lines.Err(); err != nil {
		return b.finish(), fmt.Errorf("reading the machine's report: %w", err)
	}
	return b.finish(), errors.New("the machine's report is cut short")
}

type reportBuilder struct {
	report  Report
	numbers map[string]int64
}

func (b *reportBuilder) add(kind string, args []string) error {
	r := &b.report
	switch kind {
	case "state":
		r.State = strings.Join(args, " ")
	case "secureboot":
		r.SecureBoot = strings.Join(args, " ")
	case "probe":
		r.Probe = strings.Join(args, " ")
	case "job":
		r.Jobs = append(r.Jobs, strings.Join(args, " "))
	case "controls":
		return decode(args, &r.Controls)
	case "controlslog":
		return decode(args, &r.ControlsLog)
	case "servicelog":
		return decode(args, &r.Service.Log)
	case "failed":
		return b.failed(args)
	case "command":
		return b.command(args)
	case "manager", "service", "memory":
		b.property(kind, strings.Join(args, " "))
	}
	return nil
}

func decode[T []byte | string](args []string, to *T) error {
	if len(args) > 1 {
		return fmt.Errorf("%d fields", len(args))
	}
	data, err := base64.StdEncoding.DecodeString(strings.Join(args, ""))
	*to = T(data)
	return err
}

func (b *reportBuilder) failed(args []string) error {
	if len(args) == 0 || len(args) > 2 {
		return fmt.Errorf("%d fields", len(args))
	}
	unit := Unit{Name: args[0]}
	if len(args) == 2 {
		log, err := base64.StdEncoding.DecodeString(args[1])
		if err != nil {
			return err
		}
		unit.Log = string(log)
	}
	b.report.Failed = append(b.report.Failed, unit)
	return nil
}

func (b *reportBuilder) command(args []string) error {
	if len(args) != 2 && len(args) != 3 {
		return fmt.Errorf("%d fields", len(args))
	}
	number, err := strconv.Atoi(args[0])
	if err != nil {
		return err
	}
	exit, err := strconv.Atoi(args[1])
	if err != nil {
		return err
	}
	outcome := Outcome{Exit: exit}
	if len(args) == 3 {
		if outcome.Output, err = base64.StdEncoding.DecodeString(args[2]); err != nil {
			return err
		}
	}
	b.report.Commands[number] = outcome
	return nil
}

// property keeps numbers; systemd writes "[not set]" for those it lacks.
func (b *reportBuilder) property(kind, text string) {
	key, value, ok := strings.Cut(text, "=")
	if kind == "memory" {
		key, value, ok = strings.Cut(text, ":")
	}
	if !ok {
		return
	}
	switch {
	case kind == "service" && key == "ActiveState":
		b.report.Service.State = value
	case kind == "service" && key == "Ends":
		b.report.Service.Ends = value
	}
	if n, err := strconv.ParseInt(value, 10, 64); err == nil && n >= 0 {
		b.numbers[key] = n
	}
}

// exited is waitid's code of a program that ended by itself (CLD_EXITED).
const exited = 1

func (b *reportBuilder) finish() Report {
	n, r := b.numbers, b.report
	if n["FinishTimestampMonotonic"] > 0 {
		// The firmware's stamp counts back from the kernel's start.
		r.Boot = time.Duration(n["FirmwareTimestampMonotonic"]+n["FinishTimestampMonotonic"]) * time.Microsecond
	}
	r.MemoryBytes = max(0, n["MemTotal"]-n["MemAvailable"]) << 10
	r.Service.MemoryBytes, r.Service.Restarts, r.Service.Exit = n["MemoryPeak"], n["NRestarts"], n["ExecMainStatus"]
	if n["ExecMainCode"] > exited {
		r.Service.Exit += 128
	}
	return r
}
