package app_test

import (
	"crypto/ed25519"
	"crypto/rand"
	"crypto/rsa"
	"encoding/pem"
	"math"
	"math/big"
	"reflect"
	"strings"
	"testing"
	"time"

	"golang.org/x/crypto/ssh"

	"github.com/bakelite/bakelite/internal/app"
)

// valid returns an App that uses every part of the format.
func valid() app.App {
	return app.App{
		APIVersion: app.APIVersion, Name: "web",
		Base:     app.Base{Debian: "trixie"},
		Packages: []string{"nginx"},
		Files:    []app.File{{Content: "x", To: "/srv/x"}},
		Steps:    []app.Step{{Run: "\n  true\nfalse"}},
		Service: app.Service{
			Command: []string{"/bin/web"}, User: "web",
			Ports:    []app.Port{{Number: 53, Protocol: "udp"}, {Number: 8080, Protocol: "tcp"}},
			Writable: []string{"/var/lib/web"}, Environment: map[string]string{"A": "b"},
			Resources: app.Resources{Memory: 128 << 20, CPUs: 1, PIDs: 64},
			Health:    &app.Health{Check: app.Check{HTTP: &app.HTTPCheck{}}},
		},
		Container: app.Container{Labels: map[string]string{"org.example.team": "x"}},
		VM:        app.VM{Packages: []string{"chrony"}},
		Tests:     []app.Test{{Check: app.Check{TCP: &app.TCPCheck{}}, On: "disk"}},
	}
}

func TestValidIsValid(t *testing.T) {
	if problems := app.Validate(valid()); len(problems) > 0 {
		t.Fatal(problems)
	}
}

func TestValidate(t *testing.T) {
	const digest = "@sha256:0123456789abcdef0123456789abcdef0123456789abcdef0123456789abcdef"
	file := func(f app.File) func(*app.App) { return func(a *app.App) { a.Files = []app.File{f} } }
	image := func(ref string) func(*app.App) { return func(a *app.App) { a.Base = app.Base{Image: ref} } }
	user := func(name string) func(*app.App) { return func(a *app.App) { a.Service.User = name } }
	right := func(r app.Right) func(*app.App) { return func(a *app.App) { a.Rights = []app.Right{r} } }
	dir := func(p string) func(*app.App) { return func(a *app.App) { a.Service.Dir = p } }
	writable := func(p string) func(*app.App) { return func(a *app.App) { a.Service.Writable = []string{p} } }
	secrets := func(names ...string) func(*app.App) { return func(a *app.App) { a.Service.Secrets = names } }
	prepare := func(p app.Prepare) func(*app.App) {
		return func(a *app.App) { a.Service.Prepare, a.Service.State = &p, []string{"/var/lib/kept"} }
	}
	test := func(t app.Test) func(*app.App) { return func(a *app.App) { a.Tests = []app.Test{t} } }
	http := func(h app.HTTPCheck) func(*app.App) { return test(app.Test{Check: app.Check{HTTP: &h}}) }
	run := func(c app.CommandCheck) func(*app.App) { return test(app.Test{Check: app.Check{Command: &c}}) }
	tests := []struct {
		change func(*app.App)
		want   string // "" means valid, else the key and part of the message
	}{
		{func(a *app.App) { a.APIVersion = "" }, "apiVersion: is missing"},
		{func(a *app.App) { a.APIVersion = "v2" }, "apiVersion: \"v2\" is another version"},
		{func(a *app.App) { a.Name = "" }, "name: is empty"},
		{func(a *app.App) { a.Name = "-a" }, "name: \"-a\" is not a DNS label"},
		{func(a *app.App) { a.Name = strings.Repeat("a", 63) }, ""},
		{func(a *app.App) { a.Name = "web-disk" }, "name: \"web-disk\" is where the disk of an app \"web\" is published"},
		{func(a *app.App) { a.Name = "web-containerdisk" }, "name: \"web-containerdisk\" is where the disk of an app \"web\" is published"},
		{func(a *app.App) { a.Name = "web-disks" }, ""},
		{func(a *app.App) { a.Name = strings.Repeat("a", 64) }, "name: has 64 characters"},
		{func(a *app.App) { a.Base = app.Base{} }, "base: give debian"},
		{func(a *app.App) { a.Base.Image = "x" + digest }, "base: give debian or image, not both"},
		{func(a *app.App) { a.Base.Debian = "trixi" }, "base.debian: \"trixi\" is not known here; use one of trixie; did you mean \"trixie\"?"},
		{func(a *app.App) { a.Base.Debian = "bookworm" }, "base.debian: bookworm has an older systemd than the 256 that a disk needs; use trixie"},
		{image("registry.example/a/b" + digest), ""},
		{image("registry.example/a/b:1" + digest), ""},
		{image("registry.example/A/b"), "base.image: \"registry.example/A/b\" is not an image reference"},
		{image("oci:base"), ""},
		{image("oci:"), "base.image: oci: needs the path"},
		{func(a *app.App) { a.Packages = []string{"nginx=1.2"} }, "packages[0]: \"nginx=1.2\": give the name alone"},
		{func(a *app.App) { a.Packages = []string{"n"} }, "packages[0]: \"n\" is not a package name"},
		{func(a *app.App) { a.Packages = []string{"g++", "libstdc++6", "python3.13"} }, ""},
		{func(a *app.App) { a.VM.Packages = []string{"-rf"} }, "vm.packages[0]: \"-rf\" is not a package name"},
		{func(a *app.App) { a.Packages = make([]string, 1001) }, "packages: has 1001 entries"},
		{file(app.File{To: "/a"}), "files[0]: give exactly one"},
		{file(app.File{From: "a", Content: "b", To: "/a"}), "files[0]: give exactly one"},
		{file(app.File{From: "./", To: "/a"}), "files[0].from: the app's whole folder"},
		{file(app.File{Content: "x"}), "files[0].to: is empty"},
		{file(app.File{Content: "x", To: "/"}), "files[0].to: name a path below /"},
		{file(app.File{Content: "x", To: "/a/../b"}), "files[0].to: \"/a/../b\" is not in its shortest form; write /b"},
		{file(app.File{Content: "x", To: "/a\nb"}), "files[0].to: \"/a\\nb\" holds a control character"},
		{file(app.File{Content: "x", To: "/run/x"}), "files[0].to: nothing can be put in /run"},
		{file(app.File{Content: "x", To: "/proc"}), "files[0].to: nothing can be put in /proc"},
		{file(app.File{Content: "x", To: "/runner/x"}), ""},
		{file(app.File{Content: "x", To: "/tmp/x"}), "files[0].to: nothing can be put in /tmp: it is empty when the image runs"},
		{file(app.File{Content: "x", To: "/var/tmp/x"}), "files[0].to: nothing can be put in /var/tmp"},
		{file(app.File{Content: "x", To: "/var/run/x"}), "files[0].to: nothing can be put in /var/run"},
		{file(app.File{Content: "x", To: "/var/lock/x"}), "files[0].to: nothing can be put in /var/lock"},
		{file(app.File{Content: "x", To: "/var/lib/web/seed"}), ""},
		{file(app.File{Content: "x", To: "/var/lib/dpkg/.wh.status"}), "files[0].to: \"/var/lib/dpkg/.wh.status\" cannot be in an image: a name that begins with .wh."},
		{file(app.File{Content: "x", To: "/usr/.wh..wh..opq/x"}), "files[0].to: \"/usr/.wh..wh..opq/x\" cannot be in an image"},
		{file(app.File{Content: "x", To: "/usr/.what/a.wh.b"}), ""},
		{file(app.File{Content: "x", To: "/srv/" + strings.Repeat("n", 255)}), ""},
		{file(app.File{Content: "x", To: "/srv/" + strings.Repeat("n", 256)}), "a name has 256 bytes, and file systems take 255"},
		{file(app.File{Content: "x", To: "/srv/caf\xe9"}), "files[0].to: \"/srv/caf\\xe9\" cannot be in an image: a name is not UTF-8"},
		{file(app.File{Content: "x", To: `/etc/systemd/system/a\x2db.mount`}), ""},
		{file(app.File{Content: "x", To: "/a", Mode: "0755"}), ""},
		{file(app.File{Content: "x", To: "/a", Mode: "1777"}), ""},
		{file(app.File{Content: "x", To: "/a", Mode: "2755"}), "files[0].mode: \"2755\" sets the set-uid"},
		{file(app.File{Content: "x", To: "/a", Mode: "0888"}), "files[0].mode: \"0888\" is not an octal mode"},
		{file(app.File{Content: "x", To: "/a", Mode: "10644"}), "files[0].mode: \"10644\" is not an octal mode"},
		{file(app.File{Content: "x", To: "/a", Owner: "www-data:0"}), ""},
		{file(app.File{Content: "x", To: "/a", Owner: "a:"}), "files[0].owner: \"a:\" is not user"},
		{file(app.File{Content: "x", To: "/a", Owner: "4294967295"}), "files[0].owner: \"4294967295\" is not user"},
		{func(a *app.App) { a.Steps[0].Run = " \n" }, "steps[0].run: is empty"},
		{func(a *app.App) { a.Service.Command = nil }, "service.command: is empty"},
		{func(a *app.App) { a.Service.Command = []string{"web"} }, "service.command[0]: \"web\" is not absolute"},
		{func(a *app.App) { a.Service.Command = []string{"/web", "\x00"} }, "service.command[1]: holds a NUL"},
		{user(""), "service.user: is empty"},
		{user("root"), "service.user: the service never runs as root"},
		{user("0"), "service.user: the service never runs as root"},
		{user("00"), "service.user: the service never runs as root"},
		{user("1000"), "service.user: give a name, not the number 1000"},
		{user("Web"), "service.user: \"Web\" is not a user name"},
		{user(strings.Repeat("a", 33)), "is not a user name"},
		{user("operator"), "service.user: operator is a group of every Debian, whose rights the service would get"},
		{user("www-data"), ""},
		{func(a *app.App) { a.Service.UID = 10001 }, ""},
		{func(a *app.App) { a.Service.UID = 4294967293 }, ""},
		{func(a *app.App) { a.Service.UID = -1 }, "service.uid: -1 is not between 100 and 4294967294"},
		{func(a *app.App) { a.Service.UID = 33 }, "service.uid: 33: numbers below 100 are Debian's own"},
		{func(a *app.App) { a.Service.UID = 65534 }, "service.uid: 65534 stands for nobody at all"},
		{right(app.Right{Path: "/usr/bin/ping", Capabilities: []string{"net_raw", "net_admin"}}), ""},
		{right(app.Right{Path: "/usr/bin/mount", SetUID: true, On: "disk"}), ""},
		{right(app.Right{Path: "usr", SetGID: true}), "rights[0].path: \"usr\" is not absolute"},
		{right(app.Right{Path: "/usr/bin/ping"}), "rights[0]: gives nothing; add capabilities"},
		{right(app.Right{Path: "/x", Capabilities: []string{"net_rw"}}), "rights[0].capabilities[0]: \"net_rw\" is not known here"},
		{right(app.Right{Path: "/x", Capabilities: []string{"CAP_NET_RAW"}}), "rights[0].capabilities[0]: \"CAP_NET_RAW\": write it in lower case and without cap_"},
		{right(app.Right{Path: "/x", Capabilities: []string{"bpf", "bpf"}}), "rights[0].capabilities[1]: stands here twice"},
		{right(app.Right{Path: "/x", SetUID: true, On: "vm"}), "rights[0].on: \"vm\" is not known here"},
		{func(a *app.App) { a.Service.Ports = append(a.Service.Ports, app.Port{Number: 8080}) }, "service.ports[2]: stands here twice"},
		{func(a *app.App) { a.Service.Ports = append(a.Service.Ports, app.Port{Number: 8080, Protocol: "udp"}) }, ""},
		{func(a *app.App) { a.Service.Ports = append(a.Service.Ports, app.Port{Number: 70000, Protocol: "udp"}) }, "service.ports[2]: port 70000"},
		{func(a *app.App) { a.Service.Ports = append(a.Service.Ports, app.Port{Number: 7, Protocol: "x"}) }, "service.ports[2]: the protocol"},
		{secrets("db-password", "tls.key"), ""},
		{secrets("Password"), "service.secrets[0]: \"Password\" is not the name of a file"},
		{secrets("../x"), "service.secrets[0]: \"../x\" is not the name of a file"},
		{secrets("a."), "is not the name of a file"},
		{secrets(strings.Repeat("a", 24)), ""},
		{secrets(strings.Repeat("a", 25)), "service.secrets[0]: \"aaaaaaaaaaaaaaaaaaaaaaaaa\" is not the name of a file: at most 24"},
		{secrets("a", "a"), "service.secrets[1]"},
		{func(a *app.App) { a.Service.Secrets, a.Service.Config = []string{"a"}, []string{"b", "a"} }, "service.config[1]: \"a\" stands in service.secrets too"},
		{func(a *app.App) {
			a.Service.Config = []string{"app.env"}
			a.TestValues = map[string]string{"app.env": "A=b"}
		}, ""},
		{func(a *app.App) { a.TestValues = map[string]string{"app.env": "A=b"} }, "testValues.app.env: the service has no secret and no setting of that name"},
		{func(a *app.App) {
			a.Service.Config, a.TestValues = []string{"a"}, map[string]string{"a": strings.Repeat("x", app.MaxGiven+1)}
		}, "testValues: hold 1048577 bytes"},
		{prepare(app.Prepare{Run: [][]string{{"/bin/init"}}}), ""},
		{prepare(app.Prepare{Run: [][]string{{"/bin/init"}}, When: "update"}), ""},
		{prepare(app.Prepare{Run: [][]string{{"/bin/init"}}, When: "always"}), "service.prepare.when: \"always\""},
		{prepare(app.Prepare{}), "service.prepare.run: is empty"},
		{prepare(app.Prepare{Run: [][]string{{"/bin/init"}, {"init"}}}), "service.prepare.run[1][0]: \"init\" is not absolute"},
		{prepare(app.Prepare{Run: [][]string{{}}}), "service.prepare.run[0]: is empty"},
		{func(a *app.App) { a.Service.Prepare = &app.Prepare{Run: [][]string{{"/bin/init"}}} }, "service.prepare: what it makes would be gone at the next start"},
		{writable("/"), "service.writable[0]: / is too wide"},
		{writable("/var"), "service.writable[0]: /var is too wide"},
		{writable("/run/web"), ""},
		{writable("/usr/local"), "service.writable[0]: /usr belongs to the system"},
		{writable("/etc"), "service.writable[0]: /etc belongs to the system"},
		{writable("/run/systemd/system"), "service.writable[0]: /run/systemd belongs to the system"},
		{func(a *app.App) { a.Service.State = []string{"/var/spool/cron/crontabs"} }, "service.state[0]: /var/spool/cron belongs to the system"},
		{func(a *app.App) { a.Service.State = []string{"/var/lib/systemd"} }, "service.state[0]: /var/lib/systemd belongs to the system"},
		{writable("/srv/a b"), "service.writable[0]: \"/srv/a b\": use letters"},
		{writable("/srv/%h"), "service.writable[0]: \"/srv/%h\": use letters"},
		{writable("srv"), "service.writable[0]: \"srv\" is not absolute"},
		{func(a *app.App) { a.Service.Environment = map[string]string{"1A": ""} }, "service.environment.1A: \"1A\" is not a variable's name"},
		{dir("x"), "service.dir: \"x\" is not absolute"},
		{dir("/srv/a\nUser=root"), "service.dir: \"/srv/a\\nUser=root\" holds a control character"},
		{dir("/srv/a\\"), "service.dir: \"/srv/a\\\\\" ends with a space or a backslash"},
		{dir("/srv/a "), "service.dir: \"/srv/a \" ends with a space or a backslash"},
		{dir("/srv/a b\\c"), ""},
		{func(a *app.App) { a.Service.Resources.Memory = 5 << 20 }, "service.resources.memory: 5M is too little"},
		{func(a *app.App) { a.Service.Allow, a.Service.Writable = []string{app.AllowExec}, nil }, "service.allow[0]: there is no folder that it is about"},
		{func(a *app.App) { a.Service.Resources.CPUs = 0.001 }, "service.resources.cpus: 0.001 is not between 0.01 and 4096"},
		{func(a *app.App) { a.Service.Resources.CPUs = math.NaN() }, "service.resources.cpus: NaN is not between"},
		{func(a *app.App) { a.Service.Resources.CPUs = 0.01 }, ""},
		{func(a *app.App) { a.Service.Resources.CPUs = -1 }, "service.resources.cpus: -1 is not between"},
		{func(a *app.App) { a.Service.Resources.PIDs = -1 }, "service.resources.pids: -1 is not between"},
		{func(a *app.App) { a.Service.Health = &app.Health{} }, "service.health: give exactly one"},
		{func(a *app.App) { a.Service.Health.TCP = &app.TCPCheck{} }, "service.health: give exactly one"},
		{func(a *app.App) { a.Service.Health.Interval = -1 }, "service.health.interval: must be more than 0"},
		{func(a *app.App) { a.Service.Health.Retries = -1 }, "service.health.retries: must be at least 1"},
		{func(a *app.App) { a.Container.Format = "tar" }, "container.format: \"tar\" is not known"},
		{func(a *app.App) { a.Container.Labels = map[string]string{"org.opencontainers.image.base.name": "x"} }, "container.labels.org.opencontainers.image.base.name: Bakelite sets"},
		{func(a *app.App) { a.Container.Labels = map[string]string{"org.opencontainers.image.created": "x"} }, "created: Bakelite sets"},
		{func(a *app.App) { a.Container.Labels = map[string]string{"dev.bakelite.lock": "x"} }, "dev.bakelite.lock: Bakelite sets"},
		{func(a *app.App) { a.Container.Labels = map[string]string{"org.opencontainers.image.source": "x"} }, ""},
		{func(a *app.App) { a.Container.Labels = map[string]string{" ": "x"} }, "is not an annotation's key"},
		{func(a *app.App) { a.VM.Formats = []string{"raw", "raw"} }, "vm.formats[1]: stands here twice"},
		{func(a *app.App) { a.VM.Formats = []string{"iso"} }, "vm.formats[0]: \"iso\" is not known"},
		{func(a *app.App) { a.VM.Size = 100 << 20 }, "vm.size: 100M is not between 512M"},
		{func(a *app.App) { a.VM.Memory = 100 << 20 }, "vm.memory: 100M is too little"},
		{func(a *app.App) { a.VM.Kernel = "vmlinuz" }, "vm.kernel: \"vmlinuz\" is not a kernel package"},
		{func(a *app.App) { a.VM.Modules = []string{"nfsv4", "dm-crypt", "nfsv4"} }, "vm.modules[2]: stands here twice"},
		{func(a *app.App) { a.VM.Modules = []string{"nfsv4; reboot"} }, "vm.modules[0]: \"nfsv4; reboot\" is not the name of a kernel module"},
		{func(a *app.App) { a.VM.Kernel, a.VM.Modules = "linux-image-amd64", []string{"nfsv4"} }, "vm.modules: the kernel linux-image-amd64 keeps all"},
		{func(a *app.App) { a.Hardening.Level = 3 }, "hardening.level: there is no level 3"},
		{func(a *app.App) { a.Hardening.Level = 2 }, ""},
		{func(a *app.App) { a.VM.Admin = &app.Admin{} }, "vm.admin.sshKeys: is empty"},
		{test(app.Test{}), "tests[0]: give exactly one"},
		{test(app.Test{On: "vm", Check: app.Check{TCP: &app.TCPCheck{}}}), "tests[0].on: \"vm\" is not known"},
		{test(app.Test{Check: app.Check{TCP: &app.TCPCheck{Port: 53}}}), "tests[0].tcp.port: 53 is not one of the service's TCP ports"},
		{test(app.Test{Within: -1, Check: app.Check{TCP: &app.TCPCheck{}}}), "tests[0].within: must be more than 0"},
		{http(app.HTTPCheck{Path: "x"}), "tests[0].http.path: \"x\" is not a path"},
		{http(app.HTTPCheck{Path: "/a b"}), "tests[0].http.path: \"/a b\" is not a path: start it with / and escape spaces as %20"},
		{http(app.HTTPCheck{Status: 99}), "tests[0].http.status: 99 is not a status code"},
		{http(app.HTTPCheck{Port: 80}), "tests[0].http.port: 80 is not one"},
		{run(app.CommandCheck{}), "tests[0].command.run: is empty"},
		{run(app.CommandCheck{Run: []string{"x"}}), "tests[0].command.run[0]: \"x\" is not absolute"},
		{run(app.CommandCheck{Run: []string{"/x"}, Exit: 256}), "tests[0].command.exit: 256 is not an exit code"},
		{func(a *app.App) { a.Service.Ports, a.Service.Health = nil, nil }, "tests[0].tcp.port: the service has no TCP port"},
	}
	for _, tt := range tests {
		a := valid()
		tt.change(&a)
		problems := app.Validate(a)
		if (len(problems) == 0) != (tt.want == "") || len(problems) > 0 && !strings.Contains(problems.Error(), tt.want) {
			t.Errorf("got %q\nwant %q", problems.Error(), tt.want)
		}
		for _, p := range problems {
			if tt.want != "" && !strings.HasPrefix(tt.want, "is not") && len(problems) > 1 && !strings.Contains(tt.want, "1001") {
				t.Errorf("more than %q: %v", tt.want, p)
			}
		}
	}
}

func TestValidateSSHKeys(t *testing.T) {
	public, private, err := ed25519.GenerateKey(rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	key, err := ssh.NewPublicKey(public)
	if err != nil {
		t.Fatal(err)
	}
	good := strings.TrimSpace(string(ssh.MarshalAuthorizedKey(key)))
	block, err := ssh.MarshalPrivateKey(private, "")
	if err != nil {
		t.Fatal(err)
	}
	secret := string(pem.EncodeToMemory(block))
	weak, err := ssh.NewPublicKey(&rsa.PublicKey{N: rsaModulus(), E: 65537})
	if err != nil {
		t.Fatal(err)
	}
	a := valid()
	a.VM.Admin = &app.Admin{User: a.Service.User, SSHKeys: []string{good}}
	if got := app.Validate(a).Error(); !strings.HasPrefix(got, "vm.admin.user: web runs the service") {
		t.Errorf("the service's user as administrator gave %q", got)
	}
	for _, user := range []string{"backup", "sudo", "_apt"} { // who logs in is none of the system's own
		a.VM.Admin = &app.Admin{User: user, SSHKeys: []string{good}}
		if got := app.Validate(a).Error(); !strings.HasPrefix(got, "vm.admin.user: "+user+" is a user or group of every Debian") {
			t.Errorf("%s as administrator gave %q", user, got)
		}
	}
	for line, want := range map[string]string{
		good: "", good + " me@example": "", `from="10.0.0.0/8" ` + good: "",
		secret: "this is a private key", "ssh-ed25519 AAAA": "is not one line", "": "is not one line", good + "\n" + good: "is not one line",
		string(ssh.MarshalAuthorizedKey(weak)): "the RSA key has 1024 bits",
	} {
		a := valid()
		a.VM.Admin = &app.Admin{SSHKeys: []string{line}}
		got := app.Validate(a).Error()
		if (got == "") != (want == "") || !strings.Contains(got, want) {
			t.Errorf("%.30q gave %q, not %q", line, got, want)
		}
		if body := strings.Split(secret, "\n")[1]; strings.Contains(got, body) {
			t.Error("the message repeats the private key")
		}
	}
}

func TestWithDefaultsChangesNothing(t *testing.T) {
	a, untouched := valid(), valid()
	a.VM.Admin, untouched.VM.Admin = &app.Admin{}, &app.Admin{}
	a.Tests = append(a.Tests, app.Test{Check: app.Check{HTTP: &app.HTTPCheck{}}}, app.Test{Check: app.Check{Command: &app.CommandCheck{Run: []string{"/a", "b"}}}})
	untouched.Tests = append(untouched.Tests, app.Test{Check: app.Check{HTTP: &app.HTTPCheck{}}}, app.Test{Check: app.Check{Command: &app.CommandCheck{Run: []string{"/a", "b"}}}})
	filled := app.WithDefaults(a)
	if !reflect.DeepEqual(a, untouched) {
		t.Errorf("the argument changed: %+v", a)
	}
	h := filled.Service.Health
	if h.HTTP.Path != "/" || h.HTTP.Port != 8080 || h.HTTP.Status != 200 || h.Interval.Std() != 30*time.Second || h.Timeout.Std() != 5*time.Second || h.Retries != 3 {
		t.Errorf("health is %+v %+v", h, h.HTTP)
	}
	if filled.Files[0].Owner != "root:root" || filled.Steps[0].Name != "true" || filled.VM.Admin.User != "admin" {
		t.Errorf("got %+v", filled)
	}
	for i, want := range []string{"tcp 8080 accepts", "http 8080/ answers 200", "/a b exits with 0"} {
		if filled.Tests[i].Name != want || filled.Tests[i].Within.Std() != 30*time.Second {
			t.Errorf("test %d is %+v", i, filled.Tests[i])
		}
	}
	if again := app.WithDefaults(filled); !reflect.DeepEqual(again, filled) {
		t.Errorf("filling twice differs: %+v", again)
	}
}

// rsaModulus returns a number of 1024 bits; nobody needs its factors.
func rsaModulus() *big.Int {
	n := new(big.Int).Lsh(big.NewInt(1), 1023)
	return n.Add(n, big.NewInt(1))
}
