package test

import (
	"net/http"
	"os"
	"sync/atomic"
	"testing"

	"github.com/bakelite/bakelite/internal/registry"
)

// TestKilledPublisher kills the publisher at one moment after the other while
// it sends to a registry. No tag ever leads to what is not signed, and
// the next publisher finishes.
func TestKilledPublisher(t *testing.T) {
	s := openShop(t)
	for name, kind := range registries() {
		t.Run(name, func(t *testing.T) {
			s.t = t
			r := serve(t, kind(t))
			s.sold("--registry", r.host+"/whole", "--version", "1.0")
			total := r.requests.Load()
			const kills = 5
			for i := range int64(kills) {
				s.killedAt(kind, 1+i*(total-2)/(kills-1))
			}
		})
	}
}

// killedAt kills a publisher when the registry gets a request, which it does
// not serve, nor those that come with it.
func (s shop) killedAt(kind func(*testing.T) http.Handler, at int64) {
	s.t.Helper()
	r := serve(s.t, kind(s.t))
	var count atomic.Int64
	reached, ended := make(chan struct{}), make(chan struct{})
	r.before = func(*http.Request) {
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
	c := s.start(s.publishing("--registry", r.host+"/team", "--version", "1.0")...)
	select {
	case <-reached:
		c.signal(os.Kill)
	case <-c.ended:
	}
	o := c.wait()
	close(ended)
	if o.code != -1 {
		s.t.Fatalf("at request %d the publisher ended with exit code %d:\n%s", at, o.code, last(o.stderr, 2<<10))
	}
	ref := r.host + "/team/web"
	for _, tag := range []string{"1.0", "latest"} {
		store, _ := open(s.t, ref)
		if _, err := registry.Resolve(s.t.Context(), store, tag); err != nil {
			continue
		}
		s.verify("--public-key", s.public, ref+":"+tag).want(s.t, 0)
	}
	p := s.sold("--registry", r.host+"/team", "--version", "1.0")
	if p.Again {
		s.t.Errorf("killed at request %d, and the next publisher found nothing to do", at)
	}
	for _, tag := range []string{"1.0", "latest"} {
		s.verify("--public-key", s.public, ref+":"+tag).want(s.t, 0).says(s.t, p.Digest)
	}
}
