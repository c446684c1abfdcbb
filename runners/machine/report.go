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
	// reportLimit bounds a whole report, lineLimit one record of it.
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
	// Service is the state of the service's unit, "active" where it runs.
	Service string
	// ServiceRestarts is how often it ended and was started again, and
	// ServiceLog the end of its log where it did, or does not run.
	ServiceRestarts int64
	ServiceLog      string
	// ServiceMemoryBytes is the service's peak.
	ServiceMemoryBytes int64
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

// Unit is a failed unit.
type Unit struct{ Name, Log string }

// Outcome is what a command did.
type Outcome struct {
	Exit   int
	Output []byte
}

// readReport reads until the record "end"; anything that is not a record is
// skipped, a broken record is an error.
func readReport(r io.Reader) (Report, error) {
	b := &reportBuilder{report: Report{Commands: map[int]Outcome{}}, numbers: map[string]int64{}}
	lines := bufio.NewScanner(limit.Reader(r, reportLimit, "the machine's report"))
	lines.Buffer(nil, lineLimit)
	for lines.Scan() {
		fields := strings.Fields(lines.Text())
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
	if err := lines.Err(); err != nil {
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
		return decode(args, &r.ServiceLog)
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
	if kind == "service" && key == "ActiveState" {
		b.report.Service = value
	}
	if n, err := strconv.ParseInt(value, 10, 64); err == nil && n >= 0 {
		b.numbers[key] = n
	}
}

func (b *reportBuilder) finish() Report {
	n, r := b.numbers, b.report
	if n["FinishTimestampMonotonic"] > 0 {
		// The firmware's stamp counts back from the kernel's start.
		r.Boot = time.Duration(n["FirmwareTimestampMonotonic"]+n["FinishTimestampMonotonic"]) * time.Microsecond
	}
	r.MemoryBytes = max(0, n["MemTotal"]-n["MemAvailable"]) << 10
	r.ServiceMemoryBytes, r.ServiceRestarts = n["MemoryPeak"], n["NRestarts"]
	return r
}
