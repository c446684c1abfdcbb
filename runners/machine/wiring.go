package machine

import (
	"context"
	"fmt"
	"os"
	"path/filepath"
	"runtime"
	"slices"

	"github.com/bakelite/bakelite/runners/machine/qemu"

	"maps"
	"strconv"
	"strings"
)

// wiring is everything that the arguments of QEMU are made of.
type wiring struct {
	platform   qemu.Platform
	options    Options // filled
	accel      string
	format     string
	code, vars string // firmware files; empty for a direct kernel
	ports      []forward
	// credentials are files, each with one SMBIOS string.
	credentials []string
	inspector   string // a drive's file; empty for none
	// given are the files of secrets and settings, by credential name.
	given       map[string]string
	qmp, report int // file descriptors in QEMU
}

// forward is a port of the machine that this machine's loopback reaches.
type forward struct {
	protocol string
	port     int
}

func (w wiring) arguments() []string {
	args := []string{
		"-name", "bakelite", "-machine", w.platform.Machine, "-accel", w.accelArgument(),
		"-cpu", w.platform.CPU(w.accel), "-smp", strconv.Itoa(processors),
		"-m", fmt.Sprintf("%dk", int64(w.options.App.VM.Memory)>>10),
		"-nodefaults", "-no-user-config", "-display", "none", "-no-reboot",
		"-sandbox", "on,obsolete=deny,elevateprivileges=deny,spawn=deny,resourcecontrol=deny",
		"-chardev", fmt.Sprintf("socket,id=qmp,fd=%d", w.qmp), "-mon", "chardev=qmp,mode=control",
		"-chardev", "stdio,id=console,signal=off", "-serial", "chardev:console",
		"-drive", fmt.Sprintf("if=none,id=disk,file=%s,format=%s,snapshot=on", escape(w.options.Disk), w.format),
		"-device", "virtio-blk-pci,drive=disk,bootindex=1",
		"-netdev", w.network(), "-device", "virtio-net-pci,netdev=net,romfile=",
		"-object", "rng-random,id=rng,filename=/dev/urandom", "-device", "virtio-rng-pci,rng=rng",
	}
	args = append(args, w.platform.Extra...)
	args = append(args, w.boot()...)
	if w.options.Report {
		args = append(args, "-chardev", fmt.Sprintf("socket,id=report,fd=%d", w.report))
		args = append(args, w.platform.Report...)
	}
	if w.inspector != "" {
		args = append(args, "-drive", fmt.Sprintf("if=none,id=check,file=%s,format=raw,readonly=on", escape(w.inspector)),
			"-device", "virtio-blk-pci,drive=check,serial="+inspectorSerial)
	}
	for _, file := range w.credentials {
		args = append(args, "-smbios", "type=11,path="+escape(file))
	}
	for _, name := range slices.Sorted(maps.Keys(w.given)) {
		args = append(args, "-fw_cfg", "name=opt/io.systemd.credentials/"+name+",file="+escape(w.given[name]))
	}
	return args
}

func (w wiring) accelArgument() string {
	if w.accel == qemu.TCG {
		return "tcg,thread=multi"
	}
	return w.accel
}

func (w wiring) boot() []string {
	if d := w.options.direct; d != nil {
		return []string{"-kernel", d.kernel, "-initrd", d.initrd, "-append", d.append}
	}
	return []string{
		"-drive", fmt.Sprintf("if=pflash,unit=0,format=raw,readonly=on,file=%s", escape(w.code)),
		"-drive", fmt.Sprintf("if=pflash,unit=1,format=raw,file=%s", escape(w.vars)),
	}
}

// network lets QEMU choose the ports of the loopback, so that two machines
// never want the same one.
func (w wiring) network() string {
	var b strings.Builder
	b.WriteString("user,id=net,restrict=on")
	for _, f := range w.ports {
		fmt.Fprintf(&b, ",hostfwd=%s:127.0.0.1:0-:%d", f.protocol, f.port)
	}
	return b.String()
}

// escape doubles the commas that would end a QEMU option.
func escape(file string) string { return strings.ReplaceAll(file, ",", ",,") }

// wire finds everything that the machine is made of.
func wire(ctx context.Context, o Options) (wiring, string, error) {
	p, err := qemu.PlatformOf(o.Arch)
	if err != nil {
		return wiring{}, "", err
	}
	if o.SecureBoot != nil {
		p = p.Secured()
	}
	binary, err := p.Find()
	if err != nil {
		return wiring{}, "", err
	}
	if o, err = o.absolute(); err != nil {
		return wiring{}, "", err
	}
	w := wiring{platform: p, options: o, accel: o.wantedAccelerator(), qmp: 3, report: 4}
	if w.format, err = diskFormat(o.Disk); err != nil {
		return wiring{}, "", err
	}
	if err := os.MkdirAll(o.State, 0o700); err != nil {
		return wiring{}, "", fmt.Errorf("making the machine's folder: %w", err)
	}
	if o.direct == nil {
		if w.code, w.vars, err = p.PrivateFirmware(o.State, o.SecureBoot); err != nil {
			return wiring{}, "", err
		}
	}
	if w.accel == "" {
		w.accel = qemu.TCG
		if o.Arch == runtime.GOARCH {
			w.accel = p.Accelerator(ctx, binary, o.State)
		}
	}
	w.ports = forwards(o)
	if w.credentials, err = writeCredentials(o.State, credentials(o, p.ReportFile, w.accel)); err != nil {
		return wiring{}, "", err
	}
	if w.given, err = writeGiven(o); err != nil {
		return wiring{}, "", err
	}
	if o.Report && o.Inspector.Program != nil {
		w.inspector, err = o.Inspector.writeDrive(o.State)
	}
	return w, binary, err
}

// absolute returns o with paths that hold in QEMU's own working folder.
func (o Options) absolute() (Options, error) {
	for _, path := range []*string{&o.Disk, &o.State} {
		whole, err := filepath.Abs(*path)
		if err != nil {
			return o, fmt.Errorf("finding %s: %w", *path, err)
		}
		*path = whole
	}
	return o, nil
}

func forwards(o Options) []forward {
	var all []forward
	for _, p := range o.App.Service.Ports {
		protocol := p.Protocol
		if protocol == "" {
			protocol = "tcp"
		}
		all = append(all, forward{protocol, p.Number})
	}
	if o.Report {
		all = append(all, forward{"tcp", ProbePort(o.App.Service)})
	}
	if login := (forward{"tcp", sshPort}); o.App.VM.Admin != nil && !slices.Contains(all, login) {
		all = append(all, login)
	}
	return all
}
