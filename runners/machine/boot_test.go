package machine

import (
	"bytes"
	"errors"
	"io"
	"net"
	"os"
	"path/filepath"
	"runtime"
	"strings"
	"testing"
	"time"

	"github.com/bakelite/bakelite/runners/machine/qemu"

	"github.com/bakelite/bakelite/internal/app"
	"github.com/bakelite/bakelite/internal/fault"
	"github.com/bakelite/bakelite/internal/program"
	"github.com/bakelite/bakelite/internal/units"
	"github.com/bakelite/bakelite/runners/probe"
)

func needQEMU(t *testing.T) {
	t.Helper()
	if testing.Short() {
		t.Skip("boots a machine")
	}
	if _, err := qemu.Program(runtime.GOARCH); err != nil {
		t.Skip(err)
	}
}

// TestEmptyDisk boots a disk with nothing on it through the real firmware.
func TestEmptyDisk(t *testing.T) {
	needQEMU(t)
	if _, err := qemu.Firmware(runtime.GOARCH); err != nil {
		t.Skip(err)
	}
	dir := t.TempDir()
	disk := filepath.Join(dir, "a,b.raw")
	if err := os.WriteFile(disk, make([]byte, 1<<20), 0o600); err != nil {
		t.Fatal(err)
	}
	a := nginx()
	results, record, err := Test(t.Context(), Options{Disk: disk, App: a, State: dir})
	if err != nil {
		t.Fatal(err)
	}
	if results[0].Passed || !strings.Contains(results[0].Detail, "nothing to boot") || len(results) != 1+len(a.Tests) {
		t.Errorf("results %+v", results)
	}
	if record.Accel == "" || record.BootSeconds != 0 {
		t.Errorf("record %+v", record)
	}
}

func nginx() app.App {
	return app.App{
		Name:    "nginx",
		Service: app.Service{User: "www-data", Ports: []app.Port{{Number: 80, Protocol: "tcp"}}},
		Tests: []app.Test{
			{Check: app.Check{HTTP: &app.HTTPCheck{Contains: "nginx"}}},
			{Check: app.Check{TCP: &app.TCPCheck{}}},
			{Check: app.Check{Command: &app.CommandCheck{Run: []string{"/usr/bin/id", "-un"}, Contains: "www-data"}}},
			{Name: "no", Check: app.Check{Command: &app.CommandCheck{Run: []string{"/bin/false"}}}, Within: units.Duration(time.Second)},
			{Name: "quotes", Check: app.Check{Command: &app.CommandCheck{Run: []string{"/bin/echo", `it's $HOME "\n`}, Contains: `it's $HOME "\n`}}},
		},
	}
}

// TestDisk boots disks from the folder that BAKELITE_TEST_DISKS names: a
// machine with nginx as app-nginx.service, whose firewall lets port 80 through
// in good.qcow2, the same with a firewall that fails in bad.raw, their kernel
// and initrd beside.
func TestDisk(t *testing.T) {
	dir := os.Getenv("BAKELITE_TEST_DISKS")
	if dir == "" {
		t.Skip("BAKELITE_TEST_DISKS is not set")
	}
	needQEMU(t)
	common := "+boots to its target|%no failed units|+the service is active|+http GET / on 80 gives \"nginx\"|+tcp connect to 80|" +
		"+command /usr/bin/id -un gives \"www-data\"|-no|+quotes|%closed port is closed|+still runs"
	for disk, mark := range map[string]string{"good.qcow2": "+", "bad.raw": "-"} {
		t.Run(disk, func(t *testing.T) {
			before := modified(t, filepath.Join(dir, disk))
			results, record, err := Test(t.Context(), Options{
				Disk: filepath.Join(dir, disk), App: nginx(), State: t.TempDir(),
				direct: &directKernel{filepath.Join(dir, "vmlinuz"), filepath.Join(dir, "initrd"), "root=/dev/vda console=ttyS0 no_timer_check"},
			})
			if err != nil {
				t.Fatal(err)
			}
			if got, want := marks(results), strings.ReplaceAll(common, "%", mark); got != want {
				t.Errorf("got  %s\nwant %s\n%+v", got, want, results)
			}
			if record.BootSeconds <= 0 || record.MemoryBytes <= 0 || record.ServiceMemoryBytes <= 0 {
				t.Errorf("record %+v", record)
			}
			if !modified(t, filepath.Join(dir, disk)).Equal(before) {
				t.Error("the disk was changed")
			}
		})
	}
}

func modified(t *testing.T, file string) time.Time {
	t.Helper()
	info, err := os.Stat(file)
	if err != nil {
		t.Fatal(err)
	}
	return info.ModTime()
}

func marks(results []probe.Result) string {
	var all []string
	for _, r := range results {
		mark := "-"
		if r.Passed {
			mark = "+"
		}
		all = append(all, mark+r.Name)
	}
	return strings.Join(all, "|")
}

func TestConsoleVerdicts(t *testing.T) {
	tests := []struct{ text, want string }{
		{"[    1.0] Kernel panic - not syncing: VFS\r\n", "the kernel panicked"},
		{"Kernel panic - not syncing: Fatal exception in interrupt\n", "the kernel met an exception"},
		{"device-mapper: verity: 254:2: data block 7 is corrupted\n", "the root filesystem does not match its hash"},
		{"Kernel panic - not syncing: dm-verity device corrupted\n", "the root filesystem does not match its hash"},
		{"You are in emergency mode. After logging in\n", "the boot ended in emergency mode"},
		{`BdsDxe: failed to load Boot0001 "UEFI Misc Device" from PciRoot(0x0): Access Denied` + "\n", "the firmware refused the boot loader's signature"},
		{"Access Denied\n", ""},
		{"the journal is corrupted\n", ""},
		{"Kernel pan\nic - not syncing\n", ""},
		{"Kernel panic - not syncing", ""}, // the line may go on
	}
	for _, tt := range tests {
		c := newConsole(io.Discard)
		for _, b := range []byte(tt.text) {
			_, _ = c.Write([]byte{b})
		}
		if c.verdict != tt.want {
			t.Errorf("%q: got %q, want %q", tt.text, c.verdict, tt.want)
		}
	}
}

// TestNoRoomOnTheHost blames the host, not the disk, where QEMU paused a
// machine for want of room for its changes.
func TestNoRoomOnTheHost(t *testing.T) {
	for _, tt := range []struct {
		status  string
		kind    fault.Kind
		starved bool
	}{
		{"io-error", fault.Build, true},
		{"guest-panicked", fault.Policy, false},
	} {
		process, err := program.Start(t.Context(), program.Command{Path: "/bin/sleep", Args: []string{"600"}})
		if err != nil {
			t.Fatal(err)
		}
		report, theirs, err := qemu.Pair("report")
		if err != nil {
			t.Fatal(err)
		}
		m := &Machine{
			options: Options{State: "/state/machine/test-1"}, limit: time.Minute,
			process: process, report: report, reports: newReports(report), console: newConsole(io.Discard),
		}
		m.onStop(func() { report.Close(); theirs.Close() })
		defer m.Stop()
		m.console.fail(m.pauseVerdict(tt.status))
		process.Stop(0)
		_, err = m.Wait(t.Context())
		if fault.KindOf(err) != tt.kind || strings.Contains(fault.HintOf(err), "/state/machine,") != tt.starved {
			t.Errorf("%s: kind %d, hint %q: %v", tt.status, fault.KindOf(err), fault.HintOf(err), err)
		}
		if err := m.starved(); (err != nil) != tt.starved {
			t.Errorf("%s: after the report: %v", tt.status, err)
		}
	}
}

func TestConsoleLogIsBounded(t *testing.T) {
	var log bytes.Buffer
	c := newConsole(&log)
	for range 5 {
		_, _ = c.Write(make([]byte, 1<<20))
	}
	if log.Len() != consoleLimit {
		t.Errorf("log of %d bytes", log.Len())
	}
}

func TestDialKnowsOnlyForwardedPorts(t *testing.T) {
	m := &Machine{forwards: map[forward]int{{"tcp", 80}: 1}}
	for _, address := range []string{"127.0.0.1:81", "nonsense", "127.0.0.1:x"} {
		if _, err := m.Dial(t.Context(), "tcp", address); err == nil {
			t.Errorf("%s: no error", address)
		}
	}
	if _, err := m.Dial(t.Context(), "udp", "127.0.0.1:80"); err == nil {
		t.Error("a tcp port was dialed with udp")
	}
}

func TestPeekSeesARefusal(t *testing.T) {
	ours, theirs, err := qemu.Pair("test")
	if err != nil {
		t.Fatal(err)
	}
	defer ours.Close()
	if data, err := peek(ours); data || err != nil {
		t.Errorf("silent: %v, %v", data, err)
	}
	if _, err := theirs.Write([]byte("x")); err != nil {
		t.Fatal(err)
	}
	if data, err := peek(ours); !data || err != nil {
		t.Errorf("talking: %v, %v", data, err)
	}
	if _, err := ours.Read(make([]byte, 1)); err != nil {
		t.Fatal(err)
	}
	theirs.Close()
	if _, err := peek(ours); err == nil || errors.Is(err, net.ErrClosed) {
		t.Errorf("closed: %v", err)
	}
}
