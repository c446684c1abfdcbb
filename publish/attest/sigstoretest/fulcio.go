package sigstoretest

import (
	"crypto"
	"crypto/rand"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/asn1"
	"encoding/base64"
	"encoding/json"
	"encoding/pem"
	"math/big"
	"net/http"
	"strings"
	"time"

	"github.com/sigstore/sigstore-go/pkg/fulcio/certificate"
)

// Audience is whom Fulcio takes tokens for.
const Audience = "sigstore"

// Claims are what a token says.
type Claims struct {
	Subject  string `json:"sub"`
	Issuer   string `json:"iss"`
	Audience string `json:"aud"`
	// Expires is in seconds since 1970.
	Expires int64 `json:"exp"`
	// Repository, Workflow and Commit are of a run of CI, as URLs and a hash;
	// the certificate repeats them.
	Repository string `json:"repository,omitempty"`
	Workflow   string `json:"workflow,omitempty"`
	Commit     string `json:"sha,omitempty"`
}

// Token is an OIDC token for Fulcio that holds for ten minutes. Nobody here
// checks its signature.
func Token(subject, issuer string) string {
	return Claims{Subject: subject, Issuer: issuer, Audience: Audience, Expires: time.Now().Add(10 * time.Minute).Unix()}.Token()
}

// Token writes the claims as a token.
func (c Claims) Token() string {
	text, err := json.Marshal(struct {
		Claims
		Email         string `json:"email"`
		EmailVerified bool   `json:"email_verified"`
	}{c, c.Subject, true})
	if err != nil {
		panic(err) // texts and numbers alone
	}
	encode := base64.RawURLEncoding.EncodeToString
	return encode([]byte(`{"alg":"RS256"}`)) + "." + encode(text) + "." + encode([]byte("secret of "+c.Subject))
}

// claimed reads and checks a token as Fulcio does, but for its signature.
func claimed(r *http.Request) (Claims, error) {
	var c Claims
	parts := strings.Split(strings.TrimPrefix(r.Header.Get("Authorization"), "Bearer "), ".")
	if len(parts) != 3 {
		return c, refusal{http.StatusBadRequest, "malformed token"}
	}
	body, err := base64.RawURLEncoding.DecodeString(parts[1])
	if err != nil || json.Unmarshal(body, &c) != nil {
		return c, refusal{http.StatusBadRequest, "malformed token"}
	}
	// Fulcio says no more than this of either (pkg/server/grpc_server.go).
	if c.Audience != Audience || time.Now().After(time.Unix(c.Expires, 0)) {
		return c, refusal{http.StatusUnauthorized, "There was an error processing the identity token"}
	}
	return c, nil
}

// leaf is the certificate that Fulcio gives for a token (its docs/oid-info.md).
func (s *Sigstore) leaf(c Claims, public crypto.PublicKey) ([]byte, error) {
	from := time.Now().Add(-s.Age)
	template := &x509.Certificate{
		SerialNumber: big.NewInt(1), EmailAddresses: []string{c.Subject}, NotBefore: from, NotAfter: from.Add(10 * time.Minute),
		KeyUsage: x509.KeyUsageDigitalSignature, ExtKeyUsage: []x509.ExtKeyUsage{x509.ExtKeyUsageCodeSigning},
		ExtraExtensions: []pkix.Extension{{Id: certificate.OIDIssuer, Value: []byte(c.Issuer)}},
	}
	for _, e := range []struct {
		id   asn1.ObjectIdentifier
		text string
	}{
		{certificate.OIDSourceRepositoryURI, c.Repository}, {certificate.OIDSourceRepositoryDigest, c.Commit},
		{certificate.OIDBuildConfigURI, c.Workflow}, {certificate.OIDBuildSignerURI, c.Workflow},
	} {
		if e.text == "" {
			continue
		}
		value, err := asn1.MarshalWithParams(e.text, "utf8")
		if err != nil {
			return nil, err
		}
		template.ExtraExtensions = append(template.ExtraExtensions, pkix.Extension{Id: e.id, Value: value})
	}
	return x509.CreateCertificate(rand.Reader, template, s.fulcio, public, s.fulcioKey)
}

// certify is Fulcio.
func (s *Sigstore) certify(body []byte, r *http.Request) (answer, error) {
	claims, err := claimed(r)
	if err != nil {
		return answer{}, err
	}
	public, err := requestedKey(body)
	if err != nil {
		return answer{}, err
	}
	leaf, err := s.leaf(claims, public)
	if err != nil {
		return answer{}, err
	}
	s.certificates.Add(1)
	text := string(pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: leaf}))
	return asJSON(http.StatusOK, map[string]any{
		"signedCertificateEmbeddedSct": map[string]any{"chain": map[string]any{"certificates": []string{text}}},
	})
}

func requestedKey(body []byte) (crypto.PublicKey, error) {
	var request struct {
		PublicKeyRequest struct {
			PublicKey struct{ Content string }
		}
	}
	if err := json.Unmarshal(body, &request); err != nil {
		return nil, refusal{http.StatusBadRequest, "bad request"}
	}
	block, _ := pem.Decode([]byte(request.PublicKeyRequest.PublicKey.Content))
	if block == nil {
		return nil, refusal{http.StatusBadRequest, "bad key"}
	}
	return x509.ParsePKIXPublicKey(block.Bytes)
}

// actions is the address where GitHub Actions gives out tokens.
func (s *Sigstore) actions(_ []byte, r *http.Request) (answer, error) {
	if s.Bearer == "" || r.Header.Get("Authorization") != "Bearer "+s.Bearer || r.URL.Query().Get("audience") != Audience {
		return answer{}, refusal{http.StatusUnauthorized, "no token for you"}
	}
	return asJSON(http.StatusOK, map[string]string{"value": s.Token})
}

func asJSON(status int, value any) (answer, error) {
	text, err := json.Marshal(value)
	return answer{status, http.Header{"Content-Type": {"application/json"}}, text}, err
}
