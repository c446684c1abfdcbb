package engine

import (
	"io"
	"net"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/moby/buildkit/client"
	"github.com/moby/buildkit/session/grpchijack"
	"github.com/moby/buildkit/worker/label"

	"github.com/bakelite/bakelite/builders/progress"
)

// dockerd serves Docker's upgrades of /grpc and /session on a socket, in
// front of a real BuildKit, as dockerd does (moby: daemon/server/router).
func dockerd(t *testing.T, e *Engine, buildkit string) string {
	t.Helper()
	mux := http.NewServeMux()
	mux.HandleFunc("POST /grpc", func(w http.ResponseWriter, r *http.Request) {
		backend, err := net.Dial("unix", buildkit)
		if err != nil {
			http.Error(w, err.Error(), http.StatusInternalServerError)
			return
		}
		splice(t, w, r, backend)
	})
	mux.HandleFunc("POST /session", func(w http.ResponseWriter, r *http.Request) {
		meta := map[string][]string{}
		for name, values := range r.Header {
			if strings.HasPrefix(name, "X-Docker-Expose-Session-") {
				meta[name] = values
			}
		}
		backend, err := grpchijack.Dialer(e.client.ControlClient())(t.Context(), r.Header.Get("Upgrade"), meta)
		if err != nil {
			http.Error(w, err.Error(), http.StatusInternalServerError)
			return
		}
		splice(t, w, r, backend)
	})
	return serveDocker(t, mux)
}

func serveDocker(t *testing.T, handler http.Handler) string {
	t.Helper()
	path := filepath.Join(t.TempDir(), "docker.sock")
	listener, err := net.Listen("unix", path)
	if err != nil {
		t.Fatal(err)
	}
	server := &http.Server{Handler: handler}
	go func() { _ = server.Serve(listener) }()
	t.Cleanup(func() { _ = server.Close() })
	return "unix://" + path
}

func splice(t *testing.T, w http.ResponseWriter, r *http.Request, backend net.Conn) {
	conn, buffered, err := http.NewResponseController(w).Hijack()
	if err != nil {
		t.Errorf("hijacking: %v", err)
		return
	}
	_, _ = io.WriteString(conn, "HTTP/1.1 101 UPGRADED\r\nConnection: Upgrade\r\nUpgrade: "+r.Header.Get("Upgrade")+"\r\n\r\n")
	go func() {
		_, _ = io.Copy(backend, buffered)
		_ = backend.Close()
	}()
	_, _ = io.Copy(conn, backend)
	_ = conn.Close()
}

func TestDocker(t *testing.T) {
	needEngine(t)
	state := t.TempDir()
	behind := open(t, state)
	host := dockerd(t, behind, filepath.Join(state, "engine", "sock"))
	t.Setenv("DOCKER_HOST", host)
	e, err := Open(t.Context(), Options{State: filepath.Join(state, "unused")})
	if err != nil || !strings.HasPrefix(e.Origin, "Docker at ") {
		t.Fatalf("got %+v, %v, want Docker's engine", e, err)
	}
	defer e.Close()
	k, _ := newSession(t, e, progress.Quiet)
	if got := run(t, k, "echo", "cat /bin/busybox | dd of=/out/copy; echo docked > /out/text"); got != "docked" {
		t.Errorf("got %q", got)
	}
	layout := t.TempDir()
	digest, err := k.Solve(t.Context(), Job{Graph: graphOf(shell("echo", "echo docked > /out/text")), Image: &Image{Config: func(ReadFile) ([]byte, error) {
		return []byte(`{"os":"linux","architecture":"amd64","rootfs":{"type":"layers"}}`), nil
	}, Layout: layout}})
	if err != nil || !strings.HasPrefix(digest, "sha256:") {
		t.Fatalf("got %q, %v", digest, err)
	}
	if _, err := os.Stat(filepath.Join(layout, "blobs/sha256", strings.TrimPrefix(digest, "sha256:"))); err != nil {
		t.Error(err)
	}
}

func TestDockerThatCannotServe(t *testing.T) {
	for name, c := range map[string]struct {
		host string
		want string
	}{
		"refuses":    {serveDocker(t, http.NotFoundHandler()), "unexpected answer 404"},
		"no socket":  {"unix:///nowhere", ""},
		"over ssh":   {"ssh://example.invalid", ""},
		"nonsense":   {"docker.sock", ""},
		"not docker": {serveDocker(t, http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) { splice(t, w, r, silent{}) })), "Docker at"},
	} {
		t.Run(name, func(t *testing.T) {
			e, skipped := docker(t.Context(), c.host)
			if e != nil || !strings.Contains(strings.Join(skipped, "\n"), c.want) || (c.want == "") != (skipped == nil) {
				t.Errorf("got %v, %q, want a reason with %q", e, skipped, c.want)
			}
		})
	}
}

func TestDockerNeedsTheContainerdStore(t *testing.T) {
	plain := &client.WorkerInfo{Labels: map[string]string{"org.mobyproject.buildkit.worker.moby.host-gateway-ip": "172.17.0.1"}}
	store := &client.WorkerInfo{Labels: map[string]string{label.Snapshotter: "overlayfs"}}
	if why := dockerLacks([]*client.WorkerInfo{plain}); !strings.Contains(why, "containerd image store") {
		t.Errorf("got %q", why)
	}
	if why := dockerLacks([]*client.WorkerInfo{plain, store}); why != "" {
		t.Errorf("got %q, want nothing", why)
	}
}

// silent is a connection whose other side hangs up after the upgrade.
type silent struct{ net.Conn }

func (silent) Read([]byte) (int, error)    { return 0, io.EOF }
func (silent) Write(p []byte) (int, error) { return len(p), nil }
func (silent) Close() error                { return nil }
