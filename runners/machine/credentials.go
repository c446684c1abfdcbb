package machine

import (
	"fmt"
	"os"
	"path/filepath"

	"cmp"
	_ "embed"
	"encoding/base64"
	"maps"
	"sort"
	"strconv"
	"strings"
	"time"

	"github.com/bakelite/bakelite/internal/app"
	"github.com/bakelite/bakelite/internal/fault"
	"github.com/bakelite/bakelite/internal/profile"
	"github.com/bakelite/bakelite/internal/profile/form"
	"github.com/bakelite/bakelite/runners/machine/qemu"

	"github.com/bakelite/bakelite/internal/shell"
	"github.com/bakelite/bakelite/runners/probe"
)

//go:embed report.sh
var reportScript string

const (
	reportUnit = "bakelite-report.service"
	probeUnit  = "bakelite-probe.socket"
	// firstProbePort is where the closed port is looked for; IANA assigns
	// nothing there.
	firstProbePort = 47321
	// credentialLimit bounds one credential: with the others it must fit the
	// 64 KiB that SMBIOS 2 tables may take.
	credentialLimit = 40 << 10
	// commandAttempt bounds one attempt of a command, and is the least that an
	// emulated machine, which is slow, gives it.
	commandAttempt = 30 * time.Second
	// reportMargin is kept of a boot's limit for the report itself.
	reportMargin = 30 * time.Second
)

// credentials are the units of one boot by credential name
// (systemd.system-credentials(7), systemd-debug-generator(8), systemd 256).
func credentials(o Options, device, accel string) map[string]string {
	a := o.App
	all := map[string]string{}
	if len(o.Environment) > 0 {
		all["systemd.unit-dropin."+a.Unit()] = "[Service]\nEnvironment=" + form.Words(o.Environment) + "\n"
	}
	if !o.Report {
		return all
	}
	maps.Copy(all, map[string]string{
		"systemd.extra-unit." + reportUnit: reportService(script(o, device, accel)),
		"systemd.extra-unit." + probeUnit: "[Unit]\nDescription=A port that the firewall must keep closed\n" +
			"DefaultDependencies=no\nConditionPathExists=!/etc/initrd-release\n" +
			fmt.Sprintf("[Socket]\nListenStream=%d\nAccept=yes\n", ProbePort(a.Service)),
		"systemd.extra-unit.bakelite-probe@.service": "[Service]\nExecStart=/bin/echo open\nStandardOutput=socket\n",
		"systemd.unit-dropin.sysinit.target":         "[Unit]\nWants=" + reportUnit + " " + probeUnit + "\n",
	})
	if o.Inspector.Program != nil {
		all["systemd.extra-unit."+inspectorUnit] = inspectorService(device)
	}
	return all
}

// reportService starts before the boot is complete and orders nothing after
// itself: a boot that hangs must be reported too.
func reportService(script string) string {
	return "[Unit]\nDescription=Report to Bakelite\nDefaultDependencies=no\nAfter=sysinit.target\n" +
		"ConditionPathExists=!/etc/initrd-release\n" +
		"[Service]\nType=exec\nExecStart=/bin/sh -s\nRuntimeDirectory=bakelite-report\n" +
		"StandardInput=data\nStandardInputData=" + base64.StdEncoding.EncodeToString([]byte(script)) +
		"\nStandardOutput=null\nStandardError=null\n"
}

// script is report.sh, then one line for each thing to do.
func script(o Options, device, accel string) string {
	a := o.App
	var b strings.Builder
	b.WriteString(reportScript)
	b.WriteString("main() {\n")
	fmt.Fprintf(&b, "start %s %d %s\n", shell.Quote(device), int(max(o.bootLimit(accel)-reportMargin, reportMargin).Seconds()), shell.Quote(a.Unit()))
	fmt.Fprintf(&b, "probe %s\n", shell.Quote(probeUnit))
	commands := o.commands(accel)
	for _, c := range commands {
		fmt.Fprintln(&b, c.unit())
	}
	if len(commands) > 0 {
		b.WriteString("systemctl daemon-reload\n")
	}
	for _, c := range commands {
		fmt.Fprintln(&b, c.check())
	}
	b.WriteString("sleep 2\nservice\n")
	if o.Inspector.Program != nil {
		fmt.Fprintf(&b, "controls %s\n", shell.Quote(inspectorUnit))
	}
	b.WriteString("finish\n}\nmain </dev/null\n")
	return b.String()
}

// command is a command test by its number among the disk's tests. Its last
// attempt may begin at the end of within.
type command struct {
	number          int
	run             app.CommandCheck
	user            string
	within, attempt time.Duration
}

func (o Options) commands(accel string) []command {
	var all []command
	for i, p := range probe.For(probe.Disk, o.App) {
		if p.Test.Command == nil {
			continue
		}
		c := command{
			number: i, run: *p.Test.Command, user: p.Service.User,
			within: cmp.Or(time.Duration(p.Test.Within), probe.DefaultWithin), attempt: cmp.Or(p.Attempt, commandAttempt),
		}
		if accel == qemu.TCG {
			c.attempt = max(c.attempt, commandAttempt)
		}
		all = append(all, c)
	}
	return all
}

// unit calls the script's command.
func (c command) unit() string {
	return call("command", strconv.Itoa(c.number), seconds(c.attempt), c.user, form.Words(c.run.Run))
}

// check calls the script's check.
func (c command) check() string {
	return call("check", strconv.Itoa(c.number), seconds(c.within), strconv.Itoa(c.run.Exit), c.run.Contains)
}

func call(function string, words ...string) string {
	for _, w := range words {
		function += " " + shell.Quote(w)
	}
	return function
}

// seconds are whole, and at least one.
func seconds(d time.Duration) string {
	return strconv.Itoa(int(max(d, time.Second).Seconds()))
}

// ProbePort is a port that the service does not declare, on which a test boot
// listens: only the firewall keeps it closed.
func ProbePort(s app.Service) int {
	port := firstProbePort
	for declares(s, port) {
		port++
	}
	return port
}

func declares(s app.Service, port int) bool {
	for _, p := range s.Ports {
		if p.Number == port {
			return true
		}
	}
	return false
}

// writeCredentials writes each as a file with one SMBIOS string.
func writeCredentials(dir string, all map[string]string) ([]string, error) {
	names := make([]string, 0, len(all))
	for name := range all {
		names = append(names, name)
	}
	sort.Strings(names)
	files := make([]string, 0, len(names))
	for i, name := range names {
		text := "io.systemd.credential.binary:" + name + "=" + base64.StdEncoding.EncodeToString([]byte(all[name]))
		if len(text) > credentialLimit {
			return nil, fault.Hint(fault.New(fault.Invalid, "the command tests take %d bytes, %d fit", len(text), credentialLimit),
				"move long commands into a script in the image")
		}
		file := filepath.Join(dir, fmt.Sprintf("credential-%d", i))
		if err := os.WriteFile(file, []byte(text), 0o600); err != nil {
			return nil, fmt.Errorf("writing credentials: %w", err)
		}
		files = append(files, file)
	}
	return files, nil
}

// writeGiven writes secrets and settings into files that QEMU hands over by its
// fw_cfg device, whose values, unlike those of the SMBIOS tables, may be as
// large as systemd takes them. They stand in no argument.
func writeGiven(o Options) (map[string]string, error) {
	files, total := map[string]string{}, 0
	for i, g := range profile.Of(o.App).Given {
		value, ok := o.Values[g.Name]
		if !ok {
			continue
		}
		if total += len(value); total > app.MaxGiven {
			return nil, fault.Hint(fault.New(fault.Invalid, "the secrets and settings take more than %d bytes, which is what systemd takes of them together", app.MaxGiven),
				"put what is large into a folder of service.state")
		}
		file := filepath.Join(o.State, fmt.Sprintf("given-%d", i))
		if err := os.WriteFile(file, value, 0o600); err != nil {
			return nil, fmt.Errorf("writing secrets and settings: %w", err)
		}
		files[form.Credential(g)] = file
	}
	return files, nil
}
