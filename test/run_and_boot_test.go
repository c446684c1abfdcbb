package test

import (
	"io"
	"net"
	"net/http"
	"os"
	"strconv"
	"strings"
	"testing"
)

// TestRunAndBoot starts the container and the machine as a person does,
// fetches the page and stops them by Ctrl-C.
func TestRunAndBoot(t *testing.T) {
	for _, tt := range []struct {
		site
		verb, ready string
	}{{onFreePort(t), "run", `^container is healthy`}, {firstBake(t).site, "boot", `^disk is healthy`}} {
		t.Run(tt.verb, func(t *testing.T) {
			tt.t = t
			c := tt.start(tt.verb, "web")
			c.until(tt.ready)
			urls := c.prints(`^http://\S+`)
			url := urls[len(urls)-1] // a disk that was booted again has new ports
			if page := fetch(t, url); !strings.Contains(page, "<title>Baked with Bakelite</title>") {
				t.Errorf("%s gives %q", url, page)
			}
			c.signal(os.Interrupt)
			if o := c.wait(); o.code != 0 {
				t.Errorf("exit code %d:\n%s", o.code, o.stderr)
			}
			leavesNothing(t)
		})
	}
}

// onFreePort bakes the example's container for a port that is free: bakelite
// run gives it this machine's network. The archive beside it changes nothing.
func onFreePort(t *testing.T) site {
	t.Helper()
	s := newSite(t)
	listener, err := net.Listen("tcp", ":0")
	if err != nil {
		t.Fatal(err)
	}
	port := strconv.Itoa(listener.Addr().(*net.TCPAddr).Port)
	s.replace("app.yaml", "8080", port)
	s.replace("nginx.conf", "8080", port)
	s.replace("app.yaml", "\nservice:", "\ncontainer: {format: archive}\nservice:")
	s.run("build", "--skip-tests", "--target", "container", "web").want(t, 0)
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
