package machine

import (
	"fmt"
	"os"
	"os/exec"
	"reflect"
	"strings"
	"testing"
	"time"

	"github.com/bakelite/bakelite/runners/machine/qemu"

	"golang.org/x/sys/unix"

	"github.com/bakelite/bakelite/internal/app"
	"github.com/bakelite/bakelite/internal/fault"
	"github.com/bakelite/bakelite/internal/units"
	"github.com/bakelite/bakelite/runners/probe"
)

const goodReport = "noise\r\nbakelite begin\r\nbakelite state degraded\r\n" +
	"bakelite manager FirmwareTimestampMonotonic=1000000\r\nbakelite manager FinishTimestampMonotonic=2500000\r\n" +
	"bakelite failed a.service bG9nCg==\r\nbakelite failed b.service\r\nbakelite job c.service start running\r\n" +
	"bakelite memory MemTotal:1000\r\nbakelite memory MemAvailable:400\r\n" +
	"bakelite service ActiveState=active\r\nbakelite service MemoryPeak=[not set]\r\nbakelite probe active\r\n" +
	"bakelite command 2 7 b3V0\r\nbakelite future thing\r\nbakelite end\r\nbakelite state late\r\n"

func TestReadReport(t *testing.T) {
	got, err := newReports(strings.NewReader(goodReport)).next()
	want := Report{
		State: "degraded", Boot: 3500 * time.Millisecond, MemoryBytes: 600 << 10, Service: Service{State: "active"}, Probe: "active",
		Failed: []Unit{{"a.service", "log\n"}, {"b.service", ""}}, Jobs: []string{"c.service start running"},
		Commands: map[int]Outcome{2: {7, []byte("out")}},
	}
	if err != nil || !reflect.DeepEqual(got, want) {
		t.Errorf("error %v\ngot  %+v\nwant %+v", err, got, want)
	}
}

// TestReportsFollowEachOther: what is asked for later has its own answer.
func TestReportsFollowEachOther(t *testing.T) {
	all := newReports(strings.NewReader("bakelite service ActiveState=active\nbakelite end\nlook\nbakelite service ActiveState=failed\nbakelite end\n"))
	for _, want := range []string{"active", "failed"} {
		if got, err := all.next(); err != nil || got.Service.State != want {
			t.Errorf("%+v, %v", got, err)
		}
	}
}

// TestServiceThatDoesNotStay tells why: systemd starts it again and again, and
// no unit ever fails.
func TestServiceThatDoesNotStay(t *testing.T) {
	a := app.App{Service: app.Service{Resources: app.Resources{Memory: 64 << 20}}}
	for records, want := range map[string]string{
		"ActiveState=active\nNRestarts=0":                                     "active",
		"ActiveState=activating\nNRestarts=9":                                 "it ended and was started again, 9 times",
		"ActiveState=active\nNRestarts=2\nEnds=oom-kill":                      "it ended and was started again, 2 times; the kernel killed it for want of memory: service.resources.memory is 64M",
		"ActiveState=inactive\nExecMainCode=1\nExecMainStatus=0\nNRestarts=0": "it ended with exit code 0 and is not started again: " + probe.Forked,
		"ActiveState=deactivating":                                            "saw state \"deactivating\", wanted \"active\"",
	} {
		report, err := newReports(strings.NewReader("bakelite service " + strings.ReplaceAll(records, "\n", "\nbakelite service ") + "\nbakelite end\n")).next()
		if err != nil {
			t.Fatal(err)
		}
		if r := judgeService("x", report.Service, a); r.Detail != want || r.Passed != (want == "active") {
			t.Errorf("%v: %s", r.Passed, r.Detail)
		}
	}
}

// TestSignalsAreExitCodes tells a killed program as a shell does.
func TestSignalsAreExitCodes(t *testing.T) {
	r, err := newReports(strings.NewReader("bakelite service ExecMainCode=2\nbakelite service ExecMainStatus=9\nbakelite end\n")).next()
	if err != nil || r.Service.Exit != 137 {
		t.Errorf("%+v, %v", r.Service, err)
	}
}

func TestReadReportRefuses(t *testing.T) {
	tests := map[string]string{
		"cut short":      "bakelite begin\nbakelite state running\n",
		"bad number":     "bakelite command x 0\nbakelite end\n",
		"bad base64":     "bakelite failed u ***\nbakelite end\n",
		"endless line":   "bakelite " + strings.Repeat("x", 2*lineLimit) + "\nbakelite end\n",
		"endless report": strings.Repeat("noise\n", reportLimit/6+1) + "bakelite end\n",
	}
	for name, text := range tests {
		if _, err := newReports(strings.NewReader(text)).next(); err == nil {
			t.Errorf("%s: no error", name)
		}
	}
}

func FuzzReadReport(f *testing.F) {
	f.Add(goodReport)
	f.Add("bakelite command -1 -1 \nbakelite end")
	f.Fuzz(func(t *testing.T, text string) {
		r, _ := newReports(strings.NewReader(text)).next()
		if r.MemoryBytes < 0 || r.Commands == nil {
			t.Errorf("%+v", r)
		}
	})
}

func TestEstablishedWaitsForTheMachine(t *testing.T) {
	c := func(states ...string) (all []qemu.Connection) {
		for _, s := range states {
			all = append(all, qemu.Connection{Protocol: "tcp", State: s, SourcePort: 1, Port: 80})
		}
		return all
	}
	tests := []struct {
		all  []qemu.Connection
		want bool
	}{
		{c("HOST_FORWARD"), false}, {c("HOST_FORWARD", "SYN_SENT"), false}, {c("ESTABLISHED", "SYN_SENT"), false},
		{c("HOST_FORWARD", "ESTABLISHED"), true}, {nil, false}, {[]qemu.Connection{{Protocol: "tcp", State: "ESTABLISHED", SourcePort: 1, Port: 81}}, false},
	}
	for _, tt := range tests {
		if got := established(tt.all, 80); got != tt.want {
			t.Errorf("%+v: %v", tt.all, got)
		}
	}
}

// terminal is a pair of ends of a terminal, which is what the machine's port
// is to its script.
func terminal(t *testing.T) (port *os.File, name string) {
	t.Helper()
	port, err := os.OpenFile("/dev/ptmx", os.O_RDWR, 0)
	if err != nil {
		t.Skip(err)
	}
	t.Cleanup(func() { port.Close() })
	number, err := unix.IoctlGetUint32(int(port.Fd()), unix.TIOCGPTN)
	if err == nil {
		err = unix.IoctlSetPointerInt(int(port.Fd()), unix.TIOCSPTLCK, 0)
	}
	if err != nil {
		t.Fatal(err)
	}
	return port, fmt.Sprintf("/dev/pts/%d", number)
}

// TestScriptOnThisMachine runs the report's script with a real shell on a real
// terminal: what it cannot ask (systemd) stays empty, and it answers as often
// as it is asked.
func TestScriptOnThisMachine(t *testing.T) {
	port, name := terminal(t)
	hold, err := os.OpenFile(name, os.O_RDWR|unix.O_NOCTTY, 0) // a terminal that nobody holds gives no more
	if err != nil {
		t.Fatal(err)
	}
	defer hold.Close()
	a := app.App{Name: "x"}
	cmd := exec.CommandContext(t.Context(), "/bin/sh", "-s")
	cmd.Stdin = strings.NewReader(script(Options{App: a, Inspector: Inspector{Program: []byte("x")}}, name, qemu.KVM))
	cmd.Env = []string{"PATH=/usr/sbin:/usr/bin:/sbin:/bin", "RUNTIME_DIRECTORY=" + t.TempDir()}
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	all := newReports(port)
	r, err := all.next()
	if err != nil {
		t.Fatal(err)
	}
	if len(r.Controls) != 0 || r.ControlsLog == "" || r.MemoryBytes <= 0 { // nobody here starts units for us
		t.Errorf("%+v", r)
	}
	for range 2 {
		if _, err := port.WriteString("look\n"); err != nil {
			t.Fatal(err)
		}
		if again, err := all.next(); err != nil || again.MemoryBytes != 0 {
			t.Errorf("%+v, %v", again, err)
		}
	}
	_ = cmd.Process.Kill()
	_ = cmd.Wait()
}

// TestCommandsRunAsTheService: a command's unit is made of the service's, and
// no word of it is one of the shell's.
func TestCommandsRunAsTheService(t *testing.T) {
	a := app.App{Name: "x", Service: app.Service{User: "web"}, Tests: []app.Test{
		{Check: app.Check{Command: &app.CommandCheck{Run: []string{"/bin/echo", "it's", `$c "d"`, "%n"}, Contains: `a'b $c`}}, Within: units.Duration(time.Second)},
	}}
	text := script(Options{App: a}, "port", qemu.KVM)
	for _, want := range []string{
		`command '0' '30' 'web' '/bin/echo "it'\''s" "$c \"d\"" %%n'` + "\n", "systemctl daemon-reload\n", `check '0' '1' '0' 'a'\''b $c'` + "\n",
	} {
		if !strings.Contains(text, want) {
			t.Errorf("%q is not in:\n%s", want, text[len(reportScript):])
		}
	}
}

// TestTimeOfCommands wants a report to have the time that its commands may
// take after the boot, and a container's timeout to be too short for emulation.
func TestTimeOfCommands(t *testing.T) {
	check := app.Check{Command: &app.CommandCheck{Run: []string{"/bin/false"}}}
	o := Options{Report: true, App: app.App{
		Service: app.Service{Health: &app.Health{
			Check: check, Interval: units.Duration(30 * time.Second), Timeout: units.Duration(5 * time.Second), Retries: 3,
		}},
		Tests: []app.Test{
			{Check: check, Within: units.Duration(3 * time.Minute)},
			{Check: app.Check{TCP: &app.TCPCheck{}}, Within: units.Duration(time.Hour)},
			{Check: check, On: probe.Container},
			{Check: check},
		},
	}}
	slow, limited := o, o
	slow.App.Service.Health = &app.Health{Check: check, Interval: units.Duration(time.Second), Timeout: units.Duration(time.Minute), Retries: 1}
	slow.App.Tests = nil
	limited.Limit, limited.Report = time.Minute, false
	for _, tt := range []struct {
		o           Options
		accel       string
		boot, total time.Duration
		lines       []string
	}{
		{o, qemu.KVM, limitKVM, limitKVM + 105*time.Second + 5*time.Second + 3*time.Minute + 30*time.Second + 60*time.Second, []string{"command '0' '5' ", "check '0' '105' "}},
		{o, qemu.TCG, limitTCG, limitTCG + 105*time.Second + 30*time.Second + 3*time.Minute + 30*time.Second + 60*time.Second, []string{"command '0' '30' ", "check '0' '105' "}},
		{slow, qemu.TCG, limitTCG, limitTCG + 2*time.Minute + time.Second, []string{"command '0' '60' ", "check '0' '61' "}},
		{limited, qemu.TCG, time.Minute, time.Minute, []string{"command '3' '30' ", "check '3' '30' "}},
	} {
		if got := tt.o.limit(tt.accel); got != tt.total {
			t.Errorf("%s: a limit of %s, want %s", tt.accel, got, tt.total)
		}
		text := script(tt.o, "port", tt.accel)
		for _, want := range append(tt.lines, fmt.Sprintf("start 'port' %d ", int((tt.boot-reportMargin).Seconds()))) {
			if !strings.Contains(text, "\n"+want) {
				t.Errorf("%s: %q is not in:\n%s", tt.accel, want, text)
			}
		}
	}
}

func TestProbePortIsNotDeclared(t *testing.T) {
	s := app.Service{Ports: []app.Port{{Number: firstProbePort}, {Number: firstProbePort + 1}}}
	if got := ProbePort(s); got != firstProbePort+2 {
		t.Errorf("port %d", got)
	}
}

func TestLongCommandsAreRefused(t *testing.T) {
	_, err := writeCredentials(t.TempDir(), map[string]string{"x": strings.Repeat("x", credentialLimit)})
	if fault.KindOf(err) != fault.Invalid || fault.HintOf(err) == "" {
		t.Errorf("%v", err)
	}
}
