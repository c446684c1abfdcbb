package test

import (
	"context"
	"net/http"
	"net/http/httputil"
	"net/url"
	"os"
	"os/exec"
	"strings"
	"testing"
	"time"

	"github.com/bakelite/bakelite/distro/debian"
)

// archives are the names of those that the example is made from.
func archives() []string { return []string{"debian", "debian-security"} }

// needs skips the test, or fails it in continuous integration, where this
// machine cannot run the real thing.
func needs(t *testing.T) {
	t.Helper()
	if testing.Short() {
		t.Skip("end-to-end tests take minutes")
	}
	if os.Geteuid() != 0 {
		lacking(t, "root")
	}
	for _, program := range []string{"runc", "qemu-system-x86_64", "qemu-img", "sfdisk"} {
		if _, err := exec.LookPath(program); err != nil {
			lacking(t, program)
		}
	}
	for _, name := range archives() {
		if err := reach(mirror(t, name)); err != nil {
			lacking(t, "a mirror of the archive "+name+" that answers: "+err.Error())
		}
	}
}

func lacking(t *testing.T, what string) {
	t.Helper()
	if os.Getenv("CI") != "" {
		t.Fatalf("this machine lacks %s, and CI is set", what)
	}
	t.Skipf("SKIPPED, NOT PASSED: this machine lacks %s", what)
}

// mirror returns the base URL of an archive's mirror: of the environment, else
// of the machine's apt sources.
func mirror(t *testing.T, name string) string {
	t.Helper()
	variable := "BAKELITE_MIRRORS_" + strings.ToUpper(strings.ReplaceAll(name, "-", "_"))
	urls := append(strings.Fields(os.Getenv(variable)), debian.MachineMirrors(os.DirFS("/"))[name]...)
	if len(urls) == 0 {
		lacking(t, "a mirror of the archive "+name)
	}
	return urls[0]
}

func reach(base string) error {
	ctx, cancel := context.WithTimeout(context.Background(), 30*time.Second)
	defer cancel()
	request, err := http.NewRequestWithContext(ctx, http.MethodHead, base+"/", nil)
	if err != nil {
		return err
	}
	response, err := http.DefaultClient.Do(request)
	if err != nil {
		return err
	}
	return response.Body.Close()
}

// throughMirror passes the requests below an archive's root on to its mirror.
func throughMirror(t *testing.T, name string) http.Handler {
	t.Helper()
	base, err := url.Parse(mirror(t, name))
	if err != nil {
		t.Fatal(err)
	}
	return &httputil.ReverseProxy{
		Rewrite: func(r *httputil.ProxyRequest) {
			r.SetURL(base)
			r.Out.Host = base.Host
		},
		// The default one prints; askers that were stopped are no news.
		ErrorHandler: func(w http.ResponseWriter, _ *http.Request, _ error) { w.WriteHeader(http.StatusBadGateway) },
	}
}
