package publish_test

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"os"
	"os/exec"
	"strconv"
	"strings"
	"sync"
	"syscall"
	"testing"

	"github.com/opencontainers/go-digest"

	"github.com/bakelite/bakelite/internal/registry"
	"github.com/bakelite/bakelite/internal/registry/registrytest"
	"github.com/bakelite/bakelite/publish"
)

// TestMain is a publisher that kills itself where the environment says so.
func TestMain(m *testing.M) {
	if at := os.Getenv("TEST_KILL_AT"); at != "" {
		if err := publishUntil(at); err != nil {
			fmt.Fprintln(os.Stderr, err)
			os.Exit(1)
		}
		os.Exit(0)
	}
	os.Exit(m.Run())
}

// killer counts steps, each with a before and an after, and ends the process
// at one of them as kill -9 does.
type killer struct {
	mu     sync.Mutex
	at, is int
}

func (k *killer) step() {
	k.mu.Lock()
	defer k.mu.Unlock()
	if k.is++; k.is == k.at {
		_ = syscall.Kill(os.Getpid(), syscall.SIGKILL)
		select {}
	}
}

// killingTransport dies before a request is sent or when its answer is there.
type killingTransport struct{ *killer }

func (k killingTransport) RoundTrip(r *http.Request) (*http.Response, error) {
	k.step()
	defer k.step()
	return http.DefaultTransport.RoundTrip(r)
}

// killingStore dies before or after each step of a layout.
type killingStore struct {
	registry.Store
	*killer
}

func (k killingStore) HasBlob(ctx context.Context, d registry.Descriptor) (bool, error) {
	k.step()
	return k.Store.HasBlob(ctx, d)
}

func (k killingStore) PutBlob(ctx context.Context, b registry.Blob) error {
	k.step()
	defer k.step()
	return k.Store.PutBlob(ctx, b)
}

func (k killingStore) PutManifest(ctx context.Context, m registry.Manifest) (int64, error) {
	k.step()
	defer k.step()
	return k.Store.PutManifest(ctx, m)
}

func (k killingStore) Attach(ctx context.Context, d digest.Digest, all []registry.Descriptor) error {
	k.step()
	defer k.step()
	return k.Store.Attach(ctx, d, all)
}

func (k killingStore) SetTag(ctx context.Context, r registry.TagRequest) error {
	k.step()
	defer k.step()
	return k.Store.SetTag(ctx, r)
}

func publishUntil(at string) error {
	n, err := strconv.Atoi(at)
	if err != nil {
		return err
	}
	k := &killer{at: n}
	c, err := publish.Image(context.Background(), os.Getenv("TEST_LAYOUT"), os.Getenv("TEST_DIGEST"))
	if err != nil {
		return err
	}
	proof, err := sign(c, 7)
	if err != nil {
		return err
	}
	o := registrytest.Fast()
	ref := os.Getenv("TEST_REF")
	if !strings.HasPrefix(ref, registry.LayoutPrefix) {
		o.Transport = killingTransport{k}
	}
	s, _, err := registry.Open(ref, o)
	if err != nil {
		return err
	}
	if o.Transport == nil {
		s = killingStore{s, k}
	}
	_, err = publish.Publish(context.Background(), s, publish.Publication{Content: c, Signed: proof, Version: "1.0", Tags: []string{"latest"}})
	return err
}

// A publisher that is killed between any two steps leaves no tag that leads
// to something unsigned, and the next one finishes what it began.
func TestKilledBetweenAnyTwoSteps(t *testing.T) {
	if testing.Short() {
		t.Skip("starts a process for each step")
	}
	for _, k := range registrytest.Kinds()[:3] {
		t.Run(k.Name, func(t *testing.T) {
			dir, c := image(t, strings.Repeat("hello", 1000))
			steps := 0
			for finished := false; !finished; {
				steps++
				ref := k.Ref(t)
				finished = runPublisher(t, steps, dir, c, ref)
				s := registrytest.Open(t, ref, registrytest.Fast())
				version, latest := vouched(t, s, "1.0"), vouched(t, s, "latest")
				if latest && !version {
					t.Fatalf("killed at step %d: latest is there and the version is not", steps)
				}
				if finished {
					break
				}
				if _, err := publish.Publish(t.Context(), s, publish.Publication{Content: c, Signed: signed(t, c), Version: "1.0", Tags: []string{"latest"}}); err != nil {
					t.Fatalf("killed at step %d, the next publisher: %v", steps, err)
				}
				if !vouched(t, s, "1.0") || !vouched(t, s, "latest") {
					t.Fatalf("killed at step %d: the next publisher did not finish", steps)
				}
			}
			t.Logf("killed at %d steps", steps-1)
			if steps < 15 {
				t.Errorf("there were %d steps: want more of them", steps-1)
			}
		})
	}
}

// runPublisher returns false where the publisher was killed.
func runPublisher(t *testing.T, at int, dir string, c publish.Content, ref string) bool {
	t.Helper()
	command := exec.Command(os.Args[0])
	command.Env = append(os.Environ(), "TEST_KILL_AT="+strconv.Itoa(at), "TEST_LAYOUT="+dir, "TEST_DIGEST="+c.Manifest.Digest.String(), "TEST_REF="+ref)
	out, err := command.CombinedOutput()
	var exit *exec.ExitError
	if errors.As(err, &exit) && exit.Sys().(syscall.WaitStatus).Signal() == syscall.SIGKILL {
		return false
	}
	if err != nil {
		t.Fatalf("publisher: %v\n%s", err, out)
	}
	return true
}
