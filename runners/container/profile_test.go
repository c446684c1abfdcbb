package container_test

import (
	"bytes"
	"encoding/json"
	"strings"
	"testing"

	"github.com/bakelite/bakelite/internal/app"
	"github.com/bakelite/bakelite/internal/fault"
	"github.com/bakelite/bakelite/runners/container"
)

func TestCapabilitiesFollowThePorts(t *testing.T) {
	for port, want := range map[int]int{80: 1, 1023: 1, 1024: 0, 8080: 0} {
		got := container.ProfileOf(app.App{Service: app.Service{Ports: []app.Port{{Number: port}}}})
		if len(got.Capabilities) != want {
			t.Errorf("port %d: %v", port, got.Capabilities)
		}
	}
}

func TestSpecConfines(t *testing.T) {
	a := webApp()
	s := container.ProfileOf(a).Spec(container.Identity{UID: 7, GID: 8}, "/r")
	if !s.Root.Readonly || !s.Process.NoNewPrivileges || s.Process.User.UID != 7 || s.Process.User.GID != 8 {
		t.Errorf("spec %+v", s.Process)
	}
	if len(s.Linux.Namespaces) != 5 || *s.Linux.Resources.Memory.Limit != 64<<20 || *s.Linux.Resources.Pids.Limit != 40 {
		t.Errorf("linux %+v", s.Linux)
	}
	for _, m := range s.Mounts {
		if m.Destination == "/data" {
			if got := strings.Join(m.Options, ","); got != "nosuid,nodev,noexec,size=67108864,mode=0755,uid=7,gid=8,tmpcopyup" {
				t.Errorf("data: %s", got)
			}
			return
		}
	}
	t.Error("no mount for /data")
}

func TestRunProfileIsStableJSON(t *testing.T) {
	a := webApp()
	a.Service.Environment = map[string]string{"B": "2", "A": "1", "C": "3"}
	first, err := container.RunProfile(a)
	if err != nil {
		t.Fatal(err)
	}
	for range 20 {
		if again, _ := container.RunProfile(a); !bytes.Equal(first, again) {
			t.Fatal("two calls differ")
		}
	}
	var got struct {
		Docker     []string
		Kubernetes struct {
			Container struct{ SecurityContext map[string]any }
		}
	}
	if err := json.Unmarshal(first, &got); err != nil {
		t.Fatal(err)
	}
	flags := strings.Join(got.Docker, " ")
	for _, want := range []string{"--read-only", "--cap-drop=ALL --cap-add=NET_BIND_SERVICE", "--security-opt=no-new-privileges",
		"--user=web", "--memory=67108864 --memory-swap=67108864", "--cpus=1", "--pids-limit=40", "--tmpfs=/data:", "--publish=80:80/tcp"} {
		if !strings.Contains(flags, want) {
			t.Errorf("no %q in %s", want, flags)
		}
	}
	if c := got.Kubernetes.Container.SecurityContext; c["runAsNonRoot"] != true || c["allowPrivilegeEscalation"] != false {
		t.Errorf("security context %v", c)
	}
}

func TestRunProfileRefusesRootAsWritable(t *testing.T) {
	for _, path := range []string{"/", "/proc", "relative", ""} {
		a := webApp()
		a.Service.Writable = []string{path}
		if _, err := container.RunProfile(a); fault.KindOf(err) != fault.Invalid {
			t.Errorf("%q: %v", path, err)
		}
	}
}
