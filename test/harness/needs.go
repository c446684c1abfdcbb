package harness

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

	"github.com/bakelite/bakelite/distro/debian/fetch"
)

// Archives are the names of those that the example is made from.
func Archives() []string { return []string{"debian", "debian-security"} }

// Needs skips the test, or fails it in continuous integration, where this
// machine cannot run the real thing.
func Needs(t *testing.T) {
	t.Helper()
	if testing.Short() {
		t.Skip("end-to-end tests take minutes")
	}
	if os.Geteuid() != 0 {
		Lacking(t, "root")
	}
	for _, program := range []string{"runc", "qemu-system-x86_64", "qemu-img", "sfdisk"} {
		if _, err := exec.LookPath(program); err != nil {
			Lacking(t, program)
		}
	}
	for _, name := range Archives() {
		if err := reach(Mirror(t, name)); err != nil {
			Lacking(t, "a mirror of the archive "+name+" that answers: "+err.Error())
		}
	}
}

// Lacking skips the test for what is not there, or fails it where CI is set.
func Lacking(t *testing.T, what string) {
	t.Helper()
	if os.Getenv("CI") != "" {
		t.Fatalf("this machine lacks %s, and CI is set", what)
	}
	t.Skipf("SKIPPED, NOT PASSED: this machine lacks %s", what)
}

// Mirror returns the base URL of an archive's mirror: of the environment, else
// of the machine's apt sources.
func Mirror(t *testing.T, name string) string {
	t.Helper()
	variable := "BAKELITE_MIRRORS_" + strings.ToUpper(strings.ReplaceAll(name, "-", "_"))
	urls := append(strings.Fields(os.Getenv(variable)), fetch.MachineMirrors(os.DirFS("/"))[name]...)
	if len(urls) == 0 {
		Lacking(t, "a mirror of the archive "+name)
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

// ThroughMirror passes the requests below an archive's root on to its mirror.
func ThroughMirror(t *testing.T, name string) http.Handler {
	t.Helper()
	base, err := url.Parse(Mirror(t, name))
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

// MirrorFlags are the arguments that name a mirror for each archive.
func MirrorFlags(urls map[string]string) []string {
	var args []string
	for _, name := range Archives() {
		args = append(args, "--mirror", name+"="+urls[name])
	}
	return args
}

// MirrorsAt are the arguments that name one mirror for all archives.
func MirrorsAt(url string) []string {
	var args []string
	for _, name := range Archives() {
		args = append(args, "--mirror", name+"="+url)
	}
	return args
}
