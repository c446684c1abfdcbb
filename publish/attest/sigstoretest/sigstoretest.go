// Package sigstoretest is a small Sigstore behind HTTP on this machine's
// loopback: Fulcio, Rekor in both versions, a timestamp authority, and the
// address where GitHub Actions gives out tokens. Its certificates and first
// log are those of sigstore-go's own virtual Sigstore. It refuses tokens that
// are expired or for another audience, but checks no token's signature.
package sigstoretest

import (
	"crypto"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/x509"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"sync"
	"sync/atomic"
	"time"

	"github.com/sigstore/sigstore-go/pkg/testing/ca"
)

// maxRequest bounds what a service reads, in bytes; a statement has 90 MiB at
// most, and Rekor version 1 is sent it in base64.
const maxRequest = 128 << 20

// Sigstore is a running instance; its fields are set before it is used.
type Sigstore struct {
	// Age is how old certificates are when they are given.
	Age time.Duration
	// Fail returns a status to answer a path with instead, where it says so.
	Fail func(path string) (int, bool)
	// Echo has refusals quote the token that was sent.
	Echo bool
	// Bearer is what ActionsPath asks for, and Token what it gives for it.
	Bearer, Token string

	server       *httptest.Server
	log          *ca.VirtualSigstore
	logV2        *ecdsa.PrivateKey
	root         *x509.Certificate
	fulcio, tsa  *x509.Certificate
	fulcioKey    crypto.Signer
	stamp        *x509.Certificate
	stampKey     *ecdsa.PrivateKey
	certificates atomic.Int32

	mu       sync.Mutex
	received []Request
}

// Request is what a service was sent.
type Request struct {
	Path string
	Body []byte
}

// The paths of the services.
const (
	FulcioPath    = "/api/v2/signingCert"
	RekorPath     = "/api/v1/log/entries"
	RekorV2Path   = "/api/v2/log/entries"
	TimestampPath = "/api/v1/timestamp"
	ActionsPath   = "/actions/token"
)

// New starts an instance with keys of its own; the caller closes it.
func New() (*Sigstore, error) {
	s := &Sigstore{}
	if err := s.makeKeys(); err != nil {
		return nil, fmt.Errorf("making the keys of a Sigstore: %w", err)
	}
	mux := http.NewServeMux()
	for path, service := range map[string]func([]byte, *http.Request) (answer, error){
		"POST " + FulcioPath: s.certify, "POST " + RekorPath: s.enter, "POST " + RekorV2Path: s.enterV2,
		"POST " + TimestampPath: s.timestamp, "GET " + ActionsPath: s.actions,
	} {
		mux.HandleFunc(path, s.serve(service))
	}
	s.server = httptest.NewServer(mux)
	return s, nil
}

// Close stops the instance.
func (s *Sigstore) Close() { s.server.Close() }

// URL is where Fulcio and both versions of Rekor are.
func (s *Sigstore) URL() string { return s.server.URL }

// TimestampURL is the timestamp authority's whole URL.
func (s *Sigstore) TimestampURL() string { return s.server.URL + TimestampPath }

// Certificates is how many Fulcio gave.
func (s *Sigstore) Certificates() int { return int(s.certificates.Load()) }

// Received is what the services at a path were sent, in order.
func (s *Sigstore) Received(path string) []Request {
	s.mu.Lock()
	defer s.mu.Unlock()
	var all []Request
	for _, r := range s.received {
		if r.Path == path {
			all = append(all, r)
		}
	}
	return all
}

func (s *Sigstore) makeKeys() error {
	var err error
	if s.log, err = ca.NewVirtualSigstore(); err != nil {
		return err
	}
	var rootKey, tsaKey *ecdsa.PrivateKey
	if s.root, rootKey, err = ca.GenerateRootCa(); err != nil {
		return err
	}
	if s.fulcio, s.fulcioKey, err = fulcio(s.root, rootKey); err != nil {
		return err
	}
	if s.tsa, tsaKey, err = ca.GenerateTSAIntermediate(s.root, rootKey); err != nil {
		return err
	}
	if s.stampKey, err = ecdsa.GenerateKey(elliptic.P256(), rand.Reader); err != nil {
		return err
	}
	if s.stamp, err = ca.GenerateTSALeafCert(time.Now().Add(-5*time.Minute), s.stampKey, s.tsa, tsaKey); err != nil {
		return err
	}
	s.logV2, err = ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	return err
}

// fulcio keeps the private key's type out of its callers.
func fulcio(root *x509.Certificate, key *ecdsa.PrivateKey) (*x509.Certificate, crypto.Signer, error) {
	cert, private, err := ca.GenerateFulcioIntermediate(root, key)
	return cert, private, err
}

// answer is what a service says where it does not refuse.
type answer struct {
	status int
	header http.Header
	body   []byte
}

// refusal is the error of a service that says no on purpose.
type refusal struct {
	status int
	text   string
}

func (r refusal) Error() string { return r.text }

// serve records what a service is sent, and writes what it says.
func (s *Sigstore) serve(service func([]byte, *http.Request) (answer, error)) http.HandlerFunc {
	return func(w http.ResponseWriter, r *http.Request) {
		body, err := io.ReadAll(http.MaxBytesReader(w, r.Body, maxRequest))
		if err != nil {
			http.Error(w, err.Error(), http.StatusRequestEntityTooLarge)
			return
		}
		s.mu.Lock()
		defer s.mu.Unlock() // the virtual log is not made for two at once
		s.received = append(s.received, Request{r.URL.Path, body})
		a, err := s.ask(service, body, r)
		if err != nil {
			s.refuse(w, r, err)
			return
		}
		for name, values := range a.header {
			w.Header()[name] = values
		}
		w.WriteHeader(a.status)
		_, _ = w.Write(a.body)
	}
}

func (s *Sigstore) ask(service func([]byte, *http.Request) (answer, error), body []byte, r *http.Request) (answer, error) {
	if s.Fail != nil {
		if status, ok := s.Fail(r.URL.Path); ok {
			return answer{}, refusal{status, "no"}
		}
	}
	return service(body, r)
}

func (s *Sigstore) refuse(w http.ResponseWriter, r *http.Request, err error) {
	status, text := http.StatusInternalServerError, err.Error()
	var no refusal
	if errors.As(err, &no) {
		status = no.status
	}
	if s.Echo {
		text += " " + r.Header.Get("Authorization")
	}
	http.Error(w, text, status)
}
