package test

import (
	"io"
	"net/http"
	"os"
	"regexp"
	"strings"
	"testing"
)

// TestRunAndBoot starts the container and the machine as a person does,
// fetches the page and stops them by Ctrl-C.
func TestRunAndBoot(t *testing.T) {
	s := firstBake(t).site
	for name, ready := range map[string]string{"run": `^container is healthy`, "boot": `^disk is healthy`} {
		t.Run(name, func(t *testing.T) {
			s.t = t
			c := s.start(name, "web")
			c.until(ready)
			urls := regexp.MustCompile(`(?m)^http://\S+`).FindAllString(c.stdout.String(), -1)
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
