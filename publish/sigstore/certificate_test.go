package sigstore_test

import (
	"context"
	"crypto/x509"
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/bakelite/bakelite/internal/fault"
	"github.com/bakelite/bakelite/publish/attest/sigstoretest"
	"github.com/bakelite/bakelite/publish/sigstore"
)

// opened is an instance that signs with Rekor's version 1.
func opened(t *testing.T, s *sigstoretest.Sigstore) sigstore.Instance {
	t.Helper()
	i, err := sigstore.Services{Fulcio: s.URL(), Rekor: s.URL(), Root: rootOf(t, s)}.Open(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	return i
}

// TestOneCertificateForAllStatements: the key that it names is asked for once
// and signs all.
func TestOneCertificateForAllStatements(t *testing.T) {
	s := start(t)
	c, err := opened(t, s).Certify(t.Context(), sigstoretest.Token("robot@git.example", "https://issuer.example"))
	if err != nil {
		t.Fatal(err)
	}
	cert, err := x509.ParseCertificate(c.DER)
	if err != nil || len(cert.EmailAddresses) != 1 || cert.EmailAddresses[0] != "robot@git.example" {
		t.Errorf("the certificate is of %+v (%v)", cert, err)
	}
	for range 3 {
		o := c.Options(t.Context())
		der, err := o.CertificateProvider.GetCertificate(t.Context(), c.Pair, o.CertificateProviderOptions)
		if err != nil || string(der) != string(c.DER) || len(o.TransparencyLogs) != 1 || len(o.TimestampAuthorities) != 0 {
			t.Errorf("another certificate, or options %+v (%v)", o, err)
		}
	}
	if n := s.Certificates(); n != 1 {
		t.Errorf("Fulcio gave %d certificates", n)
	}
}

// TestRefusedTokenIsExplained: Fulcio gives no reason, the hint does.
func TestRefusedTokenIsExplained(t *testing.T) {
	soon := time.Now().Add(time.Minute).Unix()
	for name, tt := range map[string]struct{ token, want string }{
		"expired":           {sigstoretest.Claims{Subject: "x", Issuer: "https://i", Audience: "sigstore", Expires: 1e9}.Token(), "expired at 2001-09-09"},
		"another audience":  {sigstoretest.Claims{Subject: "x", Issuer: "https://i", Audience: "vault", Expires: soon}.Token(), `for the audience ["vault"]`},
		"an unknown issuer": {sigstoretest.Claims{Subject: "x", Issuer: "https://i", Audience: "sigstore", Expires: soon}.Token(), `tokens of the issuer "https://i"`},
		"no token":          {"secret", "three parts"},
		"no claims":         {"a.b.c", "three parts"},
	} {
		s := start(t)
		s.Fail = func(path string) (int, bool) { return http.StatusForbidden, path == sigstoretest.FulcioPath }
		_, err := opened(t, s).Certify(t.Context(), tt.token)
		if fault.KindOf(err) != fault.Policy || !strings.Contains(fault.HintOf(err), tt.want) {
			t.Errorf("%s: kind %d, hint %q, %v", name, fault.KindOf(err), fault.HintOf(err), err)
		}
		if n := len(s.Received(sigstoretest.FulcioPath)); n > 1 {
			t.Errorf("%s: Fulcio was asked %d times", name, n)
		}
	}
}

// TestFulcioOutOfReach: it is asked four times, and once where the user has
// given up.
func TestFulcioOutOfReach(t *testing.T) {
	for name, tt := range map[string]struct {
		cancelled bool
		kind      fault.Kind
		times     int
	}{"out of order": {false, fault.Network, 4}, "cancelled": {true, fault.Cancelled, 1}} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			s := start(t)
			i := opened(t, s)
			ctx, cancel := context.WithCancel(t.Context())
			defer cancel()
			s.Fail = func(string) (int, bool) {
				if tt.cancelled {
					cancel()
				}
				return http.StatusServiceUnavailable, true
			}
			_, err := i.Certify(ctx, sigstoretest.Token("x", "https://i"))
			if n := len(s.Received(sigstoretest.FulcioPath)); fault.KindOf(err) != tt.kind || n != tt.times {
				t.Errorf("kind %d, asked %d times, %v", fault.KindOf(err), n, err)
			}
		})
	}
}
