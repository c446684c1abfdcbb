package main

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/url"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"time"
)

// localRegistry is Debian's docker-registry on this machine's loopback.
type localRegistry struct {
	address string
	process *exec.Cmd
}

const registryConfig = `version: 0.1
log: {level: error, accesslog: {disabled: true}}
storage: {filesystem: {rootdirectory: %s}}
http: {addr: %s}
`

// startTime is how long a registry may take until it listens.
const startTime = 10 * time.Second

func (b *bench) startRegistry() (*localRegistry, error) {
	address, err := freeAddress(b.ctx)
	if err != nil {
		return nil, err
	}
	file := filepath.Join(b.work, "registry.yaml")
	if err := os.WriteFile(file, fmt.Appendf(nil, registryConfig, filepath.Join(b.work, "registry"), address), 0o644); err != nil {
		return nil, err
	}
	r := &localRegistry{address: address, process: exec.CommandContext(b.ctx, "docker-registry", "serve", file)}
	if err := r.process.Start(); err != nil {
		return nil, fmt.Errorf("starting a registry: %w", err)
	}
	for end := time.Now().Add(startTime); time.Now().Before(end); time.Sleep(20 * time.Millisecond) {
		if a, err := r.do(b.ctx, http.MethodGet, r.url("/v2/"), "", nil); err == nil && a.code == http.StatusOK {
			return r, nil
		}
	}
	r.close()
	return nil, fmt.Errorf("the registry does not answer within %s", startTime)
}

func freeAddress(ctx context.Context) (string, error) {
	l, err := (&net.ListenConfig{}).Listen(ctx, "tcp", "127.0.0.1:0")
	if err != nil {
		return "", err
	}
	defer l.Close()
	return l.Addr().String(), nil
}

func (r *localRegistry) close() {
	_ = r.process.Process.Kill()
	_ = r.process.Wait()
}

func (r *localRegistry) url(path string) string { return "http://" + r.address + path }

// answer is what is looked at of a registry's.
type answer struct {
	code     int
	status   string
	location *url.URL // nil where the answer names none
}

// do sends a request and reads its answer to the end.
func (r *localRegistry) do(ctx context.Context, method, to, mediaType string, body []byte) (answer, error) {
	req, err := http.NewRequestWithContext(ctx, method, to, bytes.NewReader(body))
	if err != nil {
		return answer{}, err
	}
	req.Header.Set("Content-Type", mediaType)
	resp, err := http.DefaultClient.Do(req)
	if err != nil {
		return answer{}, err
	}
	defer resp.Body.Close()
	a := answer{code: resp.StatusCode, status: resp.Status}
	a.location, _ = resp.Location()
	_, err = io.Copy(io.Discard, resp.Body)
	return a, err
}

// push sends a layout's one image, as a program of its own would.
func (b *bench) push(r *localRegistry, layout, repository string) error {
	digest, err := onlyManifest(layout)
	if err != nil {
		return err
	}
	text, err := os.ReadFile(blobPath(layout, digest))
	if err != nil {
		return err
	}
	var manifest struct {
		MediaType string
		Config    struct{ Digest string }
		Layers    []struct{ Digest string }
	}
	if err := json.Unmarshal(text, &manifest); err != nil {
		return fmt.Errorf("reading manifest: %w", err)
	}
	for _, blob := range append(manifest.Layers, manifest.Config) {
		if err := b.pushBlob(r, layout, repository, blob.Digest); err != nil {
			return err
		}
	}
	return created(r.do(b.ctx, http.MethodPut, r.url("/v2/"+repository+"/manifests/"+digest), manifest.MediaType, text))
}

func (b *bench) pushBlob(r *localRegistry, layout, repository, digest string) error {
	body, err := os.ReadFile(blobPath(layout, digest))
	if err != nil {
		return err
	}
	a, err := r.do(b.ctx, http.MethodPost, r.url("/v2/"+repository+"/blobs/uploads/"), "", nil)
	if err != nil {
		return err
	}
	to := a.location
	if to == nil {
		return fmt.Errorf("the registry takes no blob: %s", a.status)
	}
	query := to.Query()
	query.Set("digest", digest)
	at := url.URL{Scheme: to.Scheme, Host: to.Host, Path: to.Path, RawQuery: query.Encode()}
	return created(r.do(b.ctx, http.MethodPut, at.String(), "application/octet-stream", body))
}

func created(a answer, err error) error {
	if err == nil && a.code != http.StatusCreated {
		err = fmt.Errorf("the registry says %s", a.status)
	}
	return err
}

func blobPath(layout, digest string) string {
	algorithm, hex, _ := strings.Cut(digest, ":")
	return filepath.Join(layout, "blobs", algorithm, hex)
}
