package test

import (
	"net/http"
	"os"
	"sync/atomic"
	"testing"

	"github.com/bakelite/bakelite/internal/registry"
	"github.com/bakelite/bakelite/test/harness"
)

// TestKilledPublisher kills the publisher at one moment after the other while
// it sends to a registry. No tag ever leads to what is not signed, and
// the next publisher finishes.
func TestKilledPublisher(t *testing.T) {
	s := harness.OpenShop(t)
	for name, kind := range harness.Registries() {
		t.Run(name, func(t *testing.T) {
			s.T = t
			r := harness.Serve(t, kind(t))
			s.Sold("--registry", r.Host+"/whole", "--version", "1.0")
			total := r.Requests.Load()
			const kills = 5
			for i := range int64(kills) {
				killedAt(s, kind, 1+i*(total-2)/(kills-1))
			}
		})
	}
}

// killedAt kills a publisher when the registry gets a request, which it does
// not serve, nor those that come with it.
func killedAt(s harness.Shop, kind func(*testing.T) http.Handler, at int64) {
	s.T.Helper()
	r := harness.Serve(s.T, kind(s.T))
	var count atomic.Int64
	reached, ended := make(chan struct{}), make(chan struct{})
	r.Before = func(*http.Request) {
		n := count.Add(1)
		if n == at {
			close(reached)
		}
		select {
		case <-ended: // this is the next publisher
			return
		default:
		}
		if n >= at {
			<-ended
			panic(http.ErrAbortHandler)
		}
	}
	c := s.Start(s.Publishing("--registry", r.Host+"/team", "--version", "1.0")...)
	select {
	case <-reached:
		c.Signal(os.Kill)
	case <-c.Ended:
	}
	o := c.Wait()
	close(ended)
	if o.Code != -1 {
		s.T.Fatalf("at request %d the publisher ended with exit code %d:\n%s", at, o.Code, harness.Last(o.Stderr, 2<<10))
	}
	ref := r.Host + "/team/web"
	for _, tag := range []string{"1.0", "latest"} {
		store, _ := harness.Open(s.T, ref)
		if _, err := registry.Resolve(s.T.Context(), store, tag); err != nil {
			continue
		}
		s.Verify("--public-key", s.Public, ref+":"+tag).Want(s.T, 0)
	}
	p := s.Sold("--registry", r.Host+"/team", "--version", "1.0")
	if p.Again {
		s.T.Errorf("killed at request %d, and the next publisher found nothing to do", at)
	}
	for _, tag := range []string{"1.0", "latest"} {
		s.Verify("--public-key", s.Public, ref+":"+tag).Want(s.T, 0).Says(s.T, p.Digest)
	}
}
