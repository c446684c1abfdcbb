package attest_test

import (
	"crypto"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/sha256"
	"crypto/x509"
	"encoding/asn1"
	"encoding/base64"
	"encoding/hex"
	"encoding/json"
	"encoding/pem"
	"io"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/digitorus/timestamp"
	"github.com/secure-systems-lab/go-securesystemslib/dsse"
	"github.com/sigstore/rekor/pkg/generated/models"
	"github.com/sigstore/sigstore-go/pkg/root"
	"github.com/sigstore/sigstore-go/pkg/testing/ca"

	"github.com/bakelite/bakelite/internal/attest"
)

// virtual is a small Sigstore behind HTTP: Fulcio, Rekor (both versions) and a
// timestamp authority, with the certificates and log of sigstore-go's own
// virtual one.
type virtual struct {
	*httptest.Server
	log          *ca.VirtualSigstore
	logV2        *ecdsa.PrivateKey
	root         *x509.Certificate
	fulcio, tsa  *x509.Certificate
	fulcioKey    crypto.Signer
	stamp        *x509.Certificate
	stampKey     *ecdsa.PrivateKey
	certificates atomic.Int32                  // that Fulcio gave
	age          time.Duration                 // how old certificates are when given
	fail         func(path string) (int, bool) // a status to answer with instead
	echo         bool                          // Fulcio quotes the token when it refuses
}

func newVirtual(t *testing.T) *virtual {
	t.Helper()
	v := &virtual{}
	var err error
	must := func(e error) {
		t.Helper()
		if e != nil {
			t.Fatal(e)
		}
	}
	v.log, err = ca.NewVirtualSigstore()
	must(err)
	rootCert, rootKey, err := ca.GenerateRootCa()
	must(err)
	v.root = rootCert
	v.fulcio, v.fulcioKey, err = fulcio(rootCert, rootKey)
	must(err)
	tsa, tsaKey, err := ca.GenerateTSAIntermediate(rootCert, rootKey)
	must(err)
	v.tsa = tsa
	v.stampKey, err = ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	must(err)
	v.stamp, err = ca.GenerateTSALeafCert(time.Now().Add(-5*time.Minute), v.stampKey, tsa, tsaKey)
	must(err)
	v.logV2, err = ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	must(err)
	mux := http.NewServeMux()
	mux.HandleFunc("POST /api/v2/signingCert", v.certify)
	mux.HandleFunc("POST /api/v1/log/entries", v.enter)
	mux.HandleFunc("POST /api/v2/log/entries", v.enterV2)
	mux.HandleFunc("POST /api/v1/timestamp", v.timestamp)
	v.Server = httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if v.fail != nil {
			if status, ok := v.fail(r.URL.Path); ok {
				http.Error(w, "no "+echo(v.echo, r), status)
				return
			}
		}
		mux.ServeHTTP(w, r)
	}))
	t.Cleanup(v.Close)
	return v
}

func fulcio(root *x509.Certificate, key *ecdsa.PrivateKey) (*x509.Certificate, crypto.Signer, error) {
	cert, private, err := ca.GenerateFulcioIntermediate(root, key)
	return cert, private, err
}

func echo(on bool, r *http.Request) string {
	if on {
		return r.Header.Get("Authorization")
	}
	return ""
}

// sigstore returns what a user sets to sign with v.
func (v *virtual) sigstore(t *testing.T, rekorVersion uint32) attest.Sigstore {
	t.Helper()
	s := attest.Sigstore{Fulcio: v.URL, Rekor: v.URL, RekorVersion: rekorVersion, Timestamp: v.URL + "/api/v1/timestamp", Root: v.trustedRoot(t)}
	return s
}

func (v *virtual) trustedRoot(t *testing.T) []byte {
	t.Helper()
	start, end := time.Now().Add(-5*time.Hour), time.Now().Add(time.Hour)
	logs := map[string]*root.TransparencyLog{}
	for id, log := range v.log.RekorLogs() {
		log.ID, _ = hex.DecodeString(id)
		logs[id] = log
	}
	id := logID(v.logV2)
	logs[hex.EncodeToString(id)] = &root.TransparencyLog{
		BaseURL: "https://" + originV2, ID: id, HashFunc: crypto.SHA256, SignatureHashFunc: crypto.SHA256,
		PublicKey: v.logV2.Public(), ValidityPeriodStart: start, ValidityPeriodEnd: end,
	}
	made, err := root.NewTrustedRoot(root.TrustedRootMediaType01,
		[]root.CertificateAuthority{&root.FulcioCertificateAuthority{
			Root: v.root, Intermediates: []*x509.Certificate{v.fulcio}, ValidityPeriodStart: start, ValidityPeriodEnd: end, URI: v.URL,
		}}, nil,
		[]root.TimestampingAuthority{&root.SigstoreTimestampingAuthority{
			Root: v.root, Intermediates: []*x509.Certificate{v.tsa}, Leaf: v.stamp, ValidityPeriodStart: start, ValidityPeriodEnd: end, URI: v.URL,
		}}, logs)
	if err != nil {
		t.Fatal(err)
	}
	text, err := made.MarshalJSON()
	if err != nil {
		t.Fatal(err)
	}
	return text
}

// token is an OIDC token whose signature nobody here checks.
func token(subject, issuer string) string {
	claims, _ := json.Marshal(map[string]any{"sub": subject, "iss": issuer, "email": subject, "email_verified": true})
	return "e30." + base64.RawURLEncoding.EncodeToString(claims) + ".c2VjcmV0"
}

type publicOnly struct{ crypto.PublicKey }

func (p publicOnly) Public() crypto.PublicKey { return p.PublicKey }
func (publicOnly) Sign(io.Reader, []byte, crypto.SignerOpts) ([]byte, error) {
	panic("nobody signs with it")
}

// certify is Fulcio.
func (v *virtual) certify(w http.ResponseWriter, r *http.Request) {
	var request struct {
		PublicKeyRequest struct {
			PublicKey struct{ Content string }
		}
	}
	var claims struct{ Sub, Iss string }
	parts := strings.Split(strings.TrimPrefix(r.Header.Get("Authorization"), "Bearer "), ".")
	body, _ := base64.RawURLEncoding.DecodeString(parts[1])
	if json.Unmarshal(body, &claims) != nil || json.NewDecoder(r.Body).Decode(&request) != nil {
		http.Error(w, "bad request", http.StatusBadRequest)
		return
	}
	block, _ := pem.Decode([]byte(request.PublicKeyRequest.PublicKey.Content))
	public, err := x509.ParsePKIXPublicKey(block.Bytes)
	if err != nil {
		http.Error(w, "bad key", http.StatusBadRequest)
		return
	}
	leaf, err := ca.GenerateLeafCert(claims.Sub, claims.Iss, time.Now().Add(-v.age), publicOnly{public}, v.fulcio, v.fulcioKey)
	if err != nil {
		http.Error(w, err.Error(), http.StatusInternalServerError)
		return
	}
	v.certificates.Add(1)
	text := string(pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: leaf.Raw}))
	_ = json.NewEncoder(w).Encode(map[string]any{"signedCertificateEmbeddedSct": map[string]any{"chain": map[string]any{"certificates": []string{text}}}})
}

// enter is Rekor's first version.
func (v *virtual) enter(w http.ResponseWriter, r *http.Request) {
	var proposed struct {
		Spec struct {
			ProposedContent struct {
				Envelope  string
				Verifiers [][]byte
			}
		}
	}
	var envelope dsse.Envelope
	_ = json.NewDecoder(r.Body).Decode(&proposed)
	content := proposed.Spec.ProposedContent
	if json.Unmarshal([]byte(content.Envelope), &envelope) != nil || len(content.Verifiers) != 1 {
		http.Error(w, "bad entry", http.StatusBadRequest)
		return
	}
	block, _ := pem.Decode(content.Verifiers[0])
	cert, _ := x509.ParseCertificate(block.Bytes)
	sig, _ := base64.StdEncoding.DecodeString(envelope.Signatures[0].Sig)
	entry, err := v.log.GenerateTlogEntry(cert, &envelope, sig, time.Now().Unix(), true)
	if err != nil {
		http.Error(w, err.Error(), http.StatusInternalServerError)
		return
	}
	e := entry.TransparencyLogEntry()
	proof, _ := v.log.GetInclusionProof(e.CanonicalizedBody)
	id := hex.EncodeToString(e.LogId.KeyId)
	body := base64.StdEncoding.EncodeToString(e.CanonicalizedBody)
	set, _ := v.log.RekorSignPayload(payload(body, e.IntegratedTime, e.LogIndex, id))
	w.Header().Set("Content-Type", "application/json")
	w.Header().Set("ETag", "one")
	w.WriteHeader(http.StatusCreated)
	_ = json.NewEncoder(w).Encode(models.LogEntry{"one": models.LogEntryAnon{
		Body: body, IntegratedTime: &e.IntegratedTime, LogID: &id, LogIndex: &e.LogIndex,
		Verification: &models.LogEntryAnonVerification{InclusionProof: proof, SignedEntryTimestamp: set},
	}})
}

// timestamp is the timestamp authority.
func (v *virtual) timestamp(w http.ResponseWriter, r *http.Request) {
	text, _ := io.ReadAll(r.Body)
	request, err := timestamp.ParseRequest(text)
	if err != nil {
		http.Error(w, "bad request", http.StatusBadRequest)
		return
	}
	made := timestamp.Timestamp{
		HashAlgorithm: request.HashAlgorithm, HashedMessage: request.HashedMessage, Time: time.Now(),
		Policy: asn1.ObjectIdentifier{1, 3, 6, 1, 4, 1, 57264, 2}, ExtraExtensions: request.Extensions,
	}
	answer, err := made.CreateResponseWithOpts(v.stamp, v.stampKey, crypto.SHA256)
	if err != nil {
		http.Error(w, err.Error(), http.StatusInternalServerError)
		return
	}
	w.WriteHeader(http.StatusCreated)
	_, _ = w.Write(answer)
}

func logID(key *ecdsa.PrivateKey) []byte {
	der, _ := x509.MarshalPKIXPublicKey(key.Public())
	sum := sha256.Sum256(der)
	return sum[:]
}
