package test

import (
	"bytes"
	"compress/gzip"
	"encoding/base64"
	"errors"
	"fmt"
	"io"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"testing"

	"github.com/bakelite/bakelite/internal/registry"
	"github.com/bakelite/bakelite/publish"
	"github.com/bakelite/bakelite/publish/attest"
	"github.com/bakelite/bakelite/test/harness"
)

// basic asks everybody for a name and a password.
func basic(next http.Handler, user, password string) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if u, p, ok := r.BasicAuth(); !ok || u != user || p != password {
			w.Header().Set("WWW-Authenticate", `Basic realm="of a test"`)
			w.WriteHeader(http.StatusUnauthorized)
			return
		}
		next.ServeHTTP(w, r)
	})
}

// TestSecretsStayInTheProcess publishes with an encrypted key to a registry
// that asks for a password. While it does, no other process has them in its
// arguments or environment, the engine and the scanner included; afterwards
// they are in nothing that was written, shown or sent.
func TestSecretsStayInTheProcess(t *testing.T) {
	s := harness.Branch(t)
	const phrase, password = "phrase-6Jq2vX", "password-Zt81mK"
	dir := harness.Folder(t)
	s.Key, s.Public = filepath.Join(dir, "sealed.key"), filepath.Join(dir, "sealed.pub")
	s.Env = []string{"BAKELITE_KEY_PASSPHRASE=" + phrase, "DOCKER_CONFIG=" + dir}
	s.Run("keygen", "--name", filepath.Join(dir, "sealed")).Want(t, 0)
	host := harness.Serve(t, basic(harness.MemoryRegistry(t), "robot", password)).Host
	login := base64.StdEncoding.EncodeToString([]byte("robot:" + password))
	secrets := []string{phrase, password, login, strings.Split(harness.Read(t, s.Key), "\n")[1]}

	s.Publish("--registry", host+"/team").Want(t, 4, "docker login", "next:")
	harness.WriteFile(t, filepath.Join(dir, "config.json"), fmt.Sprintf(`{"auths": {%q: {"auth": %q}}}`, host, login))
	s.Run("engine", "stop").Want(t, 0) // the next one starts with this environment
	s.Replace("site/index.html", "<title>", "<title >")
	s.Replace("app.yaml", "<title>", "<title >")
	c := s.Start(append([]string{"--progress", "plain"}, s.Publishing("--registry", host+"/team")...)...)
	seen, leaks := watch(c, secrets)
	o := c.Wait()
	p := o.Result(t).Published[0]
	for _, name := range []string{"bakelite-scan", "engine serve", "runc"} {
		if !slices.ContainsFunc(seen, func(line string) bool { return strings.Contains(line, name) }) {
			t.Errorf("%s was not seen among %d processes", name, len(seen))
		}
	}
	if len(leaks) > 0 {
		t.Errorf("secrets are in\n%s", strings.Join(leaks, "\n"))
	}
	s.Verify("--public-key", s.Public, p.Ref).Want(t, 0)
	t.Setenv("DOCKER_CONFIG", dir)
	for _, secret := range secrets {
		for what, text := range map[string]string{"stdout": o.Stdout, "stderr": o.Stderr, "what was published": everything(t, p.Ref)} {
			if strings.Contains(text, secret) {
				t.Errorf("%.8s… is in %s", secret, what)
			}
		}
		out, err := exec.Command("grep", "-rlFa", "--devices=skip", "-e", secret, s.Out, s.State, s.Dir).Output()
		if exit := (*exec.ExitError)(nil); err != nil && !errors.As(err, &exit) {
			t.Fatal(err)
		}
		if len(out) > 0 {
			t.Errorf("%.8s… is in files:\n%s", secret, out)
		}
	}

	s.Env = slices.DeleteFunc(s.Env, func(v string) bool { return strings.HasPrefix(v, "BAKELITE_KEY") })
	s.Publish("--registry", host+"/else").Want(t, 3, "no passphrase", "BAKELITE_KEY_PASSPHRASE")
	s.Env = append(s.Env, "BAKELITE_KEY_PASSPHRASE=wrong")
	s.Publish("--registry", host+"/else").Want(t, 2, "next:")
	s.Run("engine", "stop").Want(t, 0) // others have another environment
}

// watch looks at all processes until a command ends: it returns the command
// lines of those that came up, and which of them have a text in their
// arguments or environment. The command itself is passed over, and what has
// its very arguments: a fork of it that has not become a program yet.
func watch(c *harness.Command, secrets []string) (lines, leaks []string) {
	before := map[string]bool{}
	own := strings.Join(c.Cmd.Args, " ") + " "
	found := map[string]bool{}
	for first := true; ; first = false {
		entries, _ := filepath.Glob("/proc/[0-9]*")
		for _, entry := range entries {
			line, _ := os.ReadFile(filepath.Join(entry, "cmdline"))
			if first && !strings.Contains(string(line), "bakelite") {
				before[entry] = true
			}
			pid, _ := strconv.Atoi(filepath.Base(entry))
			if before[entry] || pid == c.Cmd.Process.Pid || pid == os.Getpid() || len(line) == 0 {
				continue
			}
			environ, _ := os.ReadFile(filepath.Join(entry, "environ"))
			text := string(bytes.ReplaceAll(line, []byte{0}, []byte{' '}))
			if text == own {
				continue
			}
			found[text] = true
			for _, secret := range secrets {
				if strings.Contains(text+string(environ), secret) {
					leaks = append(leaks, text)
				}
			}
		}
		select {
		case <-c.Ended:
			for line := range found {
				lines = append(lines, line)
			}
			slices.Sort(leaks)
			return lines, slices.Compact(leaks)
		default:
		}
	}
}

// everything is all that a reference leads to, uncompressed and decoded.
func everything(t *testing.T, ref string) string {
	t.Helper()
	store, at := harness.Open(t, ref)
	m, err := registry.Resolve(t.Context(), store, at)
	if err != nil {
		t.Fatal(err)
	}
	all := string(m.Content)
	statements, _, err := publish.ReadBundles(t.Context(), store, m.Digest)
	if err != nil || len(statements) == 0 {
		t.Fatalf("%d bundles (%v)", len(statements), err)
	}
	for _, b := range statements {
		v, err := attest.Unverified(b)
		if err != nil {
			t.Fatal(err)
		}
		all += string(b) + string(v.Predicate)
	}
	for _, d := range harness.Descriptors(t, m) {
		blob, err := store.Blob(t.Context(), d)
		if err != nil {
			t.Fatal(err)
		}
		content, err := io.ReadAll(blob)
		_ = blob.Close()
		if err != nil {
			t.Fatal(err)
		}
		if strings.HasSuffix(d.MediaType, "gzip") {
			z, err := gzip.NewReader(bytes.NewReader(content))
			if err != nil {
				t.Fatal(err)
			}
			if content, err = io.ReadAll(z); err != nil {
				t.Fatal(err)
			}
		}
		all += string(content)
	}
	if !strings.Contains(all, "Baked with Bakelite") {
		t.Error("what was published was not unpacked: the page is not in it")
	}
	return all
}
