package test

import (
	"io"
	"net"
	"net/http"
	"os"
	"strconv"
	"strings"
	"testing"

	"github.com/bakelite/bakelite/test/harness"
)

// TestRunAndBoot starts the container and the machine as a person does,
// fetches the page and stops them by Ctrl-C.
func TestRunAndBoot(t *testing.T) {
	for _, tt := range []struct {
		harness.Site
		verb, ready string
	}{{onFreePort(t), "run", `^container is healthy`}, {harness.FirstBake(t).Site, "boot", `^disk is healthy`}} {
		t.Run(tt.verb, func(t *testing.T) {
			tt.T = t
			c := tt.Start(tt.verb, "web")
			c.Until(tt.ready)
			urls := c.Prints(`^http://\S+`)
			url := urls[len(urls)-1] // a disk that was booted again has new ports
			if page := fetch(t, url); !strings.Contains(page, "<title>Baked with Bakelite</title>") {
				t.Errorf("%s gives %q", url, page)
			}
			c.Signal(os.Interrupt)
			if o := c.Wait(); o.Code != 0 {
				t.Errorf("exit code %d:\n%s", o.Code, o.Stderr)
			}
			harness.LeavesNothing(t)
		})
	}
}

// onFreePort bakes the example's container for a port that is free: bakelite
// run gives it this machine's network. The archive beside it changes nothing.
func onFreePort(t *testing.T) harness.Site {
	t.Helper()
	s := harness.NewSite(t)
	listener, err := net.Listen("tcp", ":0")
	if err != nil {
		t.Fatal(err)
	}
	port := strconv.Itoa(listener.Addr().(*net.TCPAddr).Port)
	s.Replace("app.yaml", "8080", port)
	s.Replace("nginx.conf", "8080", port)
	s.Replace("app.yaml", "\nservice:", "\ncontainer: {format: archive}\nservice:")
	s.Run("build", "--skip-tests", "--target", "container", "web").Want(t, 0)
	if err := listener.Close(); err != nil {
		t.Fatal(err)
	}
	return s
}

func fetch(t *testing.T, url string) string {
	t.Helper()
	response, err := http.Get(url)
	if err != nil {
		t.Error(err)
		return ""
	}
	defer response.Body.Close()
	page, err := io.ReadAll(io.LimitReader(response.Body, 1<<20))
	if err != nil {
		t.Error(err)
	}
	return string(page)
}
