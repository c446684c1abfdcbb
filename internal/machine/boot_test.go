package machine

import (
	"os"
	"path/filepath"
	"testing"
	"time"

	"github.com/bakelite/bakelite/internal/app"
)

func nginx() app.App {
	return app.App{
		Name:    "nginx",
		Service: app.Service{User: "www-data", Ports: []app.Port{{Number: 80, Protocol: "tcp"}}},
		Tests: []app.Test{
			{Check: app.Check{HTTP: &app.HTTPCheck{Contains: "nginx"}}},
			{Check: app.Check{TCP: &app.TCPCheck{}}},
			{Check: app.Check{Command: &app.CommandCheck{Run: []string{"/usr/bin/id", "-un"}, Contains: "www-data"}}},
			{Check: app.Check{Command: &app.CommandCheck{Run: []string{"/bin/false"}}}, Within: app.Duration(time.Second)},
		},
	}
}

func TestScratch(t *testing.T) {
	dir := os.Getenv("BAKELITE_TEST_DISK")
	if dir == "" || testing.Short() {
		t.Skip()
	}
	o := Options{Disk: filepath.Join(dir, os.Getenv("D")), App: nginx(), State: t.TempDir(), direct: &directKernel{
		filepath.Join(dir, "vmlinuz"), filepath.Join(dir, "initrd"), "root=/dev/vda console=ttyS0 no_timer_check",
	}}
	results, record, err := Test(t.Context(), o)
	for _, r := range results {
		t.Logf("%+v", r)
	}
	t.Logf("%+v %v", record, err)
}
