package machine

import (
	"fmt"
	"os"
	"os/exec"
	"reflect"
	"strings"
	"testing"
	"time"

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
	got, err := readReport(strings.NewReader(goodReport))
	want := Report{
		State: "degraded", Boot: 3500 * time.Millisecond, MemoryBytes: 600 << 10, Service: "active", Probe: "active",
		Failed: []Unit{{"a.service", "log\n"}, {"b.service", ""}}, Jobs: []string{"c.service start running"},
		Commands: map[int]Outcome{2: {7, []byte("out")}},
	}
	if err != nil || !reflect.DeepEqual(got, want) {
		t.Errorf("error %v\ngot  %+v\nwant %+v", err, got, want)
	}
}

// TestServiceThatDoesNotStay tells why: systemd starts it again and again, and
// no unit ever fails.
func TestServiceThatDoesNotStay(t *testing.T) {
	for records, want := range map[string]string{
		"bakelite service ActiveState=active\nbakelite service NRestarts=0\n":                                   "active",
		"bakelite service ActiveState=activating\nbakelite service NRestarts=9\nbakelite servicelog d2h5Cg==\n": "saw state \"activating\", wanted \"active\"; its log:\nwhy",
		"bakelite service ActiveState=active\nbakelite service NRestarts=2\nbakelite servicelog d2h5Cg==\n":     "it ended and was started again, 2 times; its log:\nwhy",
		"bakelite service ActiveState=inactive\n":                                                               "saw state \"inactive\", wanted \"active\"",
	} {
		report, err := readReport(strings.NewReader(records + "bakelite end\n"))
		if err != nil {
			t.Fatal(err)
		}
		if r := judgeService(report); r.Detail != want || r.Passed != (want == "active") {
			t.Errorf("%v: %s", r.Passed, r.Detail)
		}
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
		if _, err := readReport(strings.NewReader(text)); err == nil {
			t.Errorf("%s: no error", name)
		}
	}
}

func FuzzReadReport(f *testing.F) {
	f.Add(goodReport)
	f.Add("bakelite command -1 -1 \nbakelite end")
	f.Fuzz(func(t *testing.T, text string) {
		r, _ := readReport(strings.NewReader(text))
		if r.MemoryBytes < 0 || r.Commands == nil {
			t.Errorf("%+v", r)
		}
	})
}

func FuzzParseConnections(f *testing.F) {
	f.Add("  TCP[HOST_FORWARD]   8  127.0.0.1 35113  10.0.2.15  80  0  0\r\n")
	f.Fuzz(func(_ *testing.T, text string) { parseConnections(text) })
}

func TestParseConnections(t *testing.T) {
	text := "Hub -1 (n):\r\n  Protocol[State]    FD  Source Address  Port   Dest. Address  Port RecvQ SendQ\r\n" +
		"  TCP[ESTABLISHED]   9  127.0.0.1 35113  10.0.2.15  80  0  0\r\n  UDP[HOST_FORWARD]   3  127.0.0.1 41935  10.0.2.15  53  0  0\r\n"
	want := []connection{{"tcp", "ESTABLISHED", 35113, 80}, {"udp", "HOST_FORWARD", 41935, 53}}
	if got := parseConnections(text); !reflect.DeepEqual(got, want) {
		t.Errorf("got %+v", got)
	}
}

func TestEstablishedWaitsForTheMachine(t *testing.T) {
	c := func(states ...string) (all []connection) {
		for _, s := range states {
			all = append(all, connection{"tcp", s, 1, 80})
		}
		return all
	}
	tests := []struct {
		all  []connection
		want bool
	}{
		{c("HOST_FORWARD"), false}, {c("HOST_FORWARD", "SYN_SENT"), false}, {c("ESTABLISHED", "SYN_SENT"), false},
		{c("HOST_FORWARD", "ESTABLISHED"), true}, {nil, false}, {[]connection{{"tcp", "ESTABLISHED", 1, 81}}, false},
	}
	for _, tt := range tests {
		if got := established(tt.all, 80); got != tt.want {
			t.Errorf("%+v: %v", tt.all, got)
		}
	}
}

// TestScriptOnThisMachine runs the report's script with a real shell: what it
// cannot ask (systemd) stays empty, commands really run.
func TestScriptOnThisMachine(t *testing.T) {
	dir := t.TempDir()
	out := dir + "/report"
	a := app.App{Name: "x", Service: app.Service{
		Environment: map[string]string{"A": "it's"},
		Health: &app.Health{
			Check: app.Check{Command: &app.CommandCheck{Run: []string{"/bin/sleep", "3"}}}, Timeout: units.Duration(time.Second), Retries: 1,
		},
	}}
	for _, c := range []app.CommandCheck{
		{Run: []string{"/bin/sh", "-c", `printf "<$A>"; exit 3`}, Exit: 3},
		{Run: []string{"/bin/echo", "a'b", `$c "d"`}, Contains: `a'b $c "d"`},
		{Run: []string{"/usr/bin/head", "-c", "100000000", "/dev/zero"}},
		{Run: []string{"/nowhere"}},
		{Run: []string{"/bin/cat"}},
	} {
		a.Tests = append(a.Tests, app.Test{Check: app.Check{Command: &c}, Within: 1})
	}
	cmd := exec.CommandContext(t.Context(), "/bin/sh", "-s")
	cmd.Stdin = strings.NewReader(script(Options{App: a, Inspector: Inspector{Program: []byte("x")}}, out, accelKVM))
	cmd.Env = []string{"PATH=/usr/sbin:/usr/bin:/sbin:/bin", "RUNTIME_DIRECTORY=" + dir}
	if err := cmd.Run(); err != nil {
		t.Fatal(err)
	}
	f, err := os.Open(out)
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	r, err := readReport(f)
	if err != nil {
		t.Fatal(err)
	}
	if exit := r.Commands[0].Exit; exit != 124 {
		t.Errorf("a check that takes longer than its timeout gives exit code %d, want that of timeout", exit)
	}
	c := map[int]Outcome{}
	for number, outcome := range r.Commands {
		c[number-1] = outcome
	}
	if string(c[0].Output) != "<it's>" || c[0].Exit != 3 || string(c[1].Output) != "a'b $c \"d\"\n" || c[1].Exit != 0 {
		t.Errorf("commands %+v", c)
	}
	if c[2].Exit == 0 || len(c[2].Output) > 4096 || c[3].Exit != 127 || c[4].Exit != 0 {
		t.Errorf("exit codes %d, %d, %d; %d bytes", c[2].Exit, c[3].Exit, c[4].Exit, len(c[2].Output))
	}
	if len(r.Controls) != 0 || r.ControlsLog == "" { // nobody here starts units for us
		t.Errorf("the program answered %q, and it failed with %q", r.Controls, r.ControlsLog)
	}
	if r.MemoryBytes <= 0 {
		t.Errorf("memory %d", r.MemoryBytes)
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
		line        string
	}{
		{o, accelKVM, limitKVM, limitKVM + 105*time.Second + 5*time.Second + 3*time.Minute + 30*time.Second + 60*time.Second, "check '0' '105' '5' "},
		{o, accelTCG, limitTCG, limitTCG + 105*time.Second + 30*time.Second + 3*time.Minute + 30*time.Second + 60*time.Second, "check '0' '105' '30' "},
		{slow, accelTCG, limitTCG, limitTCG + 2*time.Minute + time.Second, "check '0' '61' '60' "},
		{limited, accelTCG, time.Minute, time.Minute, "check '3' '30' '30' "},
	} {
		if got := tt.o.limit(tt.accel); got != tt.total {
			t.Errorf("%s: a limit of %s, want %s", tt.accel, got, tt.total)
		}
		text := script(tt.o, "port", tt.accel)
		for _, want := range []string{"\n" + tt.line, fmt.Sprintf("\nstart 'port' %d\n", int((tt.boot - reportMargin).Seconds()))} {
			if !strings.Contains(text, want) {
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
