package sigstoretest

import (
	"crypto/x509"
	"encoding/base64"
	"encoding/hex"
	"encoding/json"
	"encoding/pem"
	"net/http"
	"time"

	"github.com/secure-systems-lab/go-securesystemslib/dsse"
	"github.com/sigstore/rekor/pkg/generated/models"
	"github.com/sigstore/sigstore-go/pkg/tlog"
)

// proposal is what Rekor's first version is asked to log.
type proposal struct {
	Spec struct {
		ProposedContent struct {
			Envelope  string
			Verifiers [][]byte
		}
	}
}

// Envelope is the DSSE envelope in what Rekor's first version was sent.
func Envelope(body []byte) (dsse.Envelope, error) {
	var proposed proposal
	var envelope dsse.Envelope
	if err := json.Unmarshal(body, &proposed); err != nil {
		return envelope, err
	}
	return envelope, json.Unmarshal([]byte(proposed.Spec.ProposedContent.Envelope), &envelope)
}

// enter is Rekor's first version.
func (s *Sigstore) enter(body []byte, _ *http.Request) (answer, error) {
	envelope, err := Envelope(body)
	if err != nil || len(envelope.Signatures) != 1 {
		return answer{}, refusal{http.StatusBadRequest, "bad entry"}
	}
	cert, err := verifierOf(body)
	if err != nil {
		return answer{}, err
	}
	sig, err := base64.StdEncoding.DecodeString(envelope.Signatures[0].Sig)
	if err != nil {
		return answer{}, refusal{http.StatusBadRequest, "bad signature"}
	}
	entry, err := s.log.GenerateTlogEntry(cert, &envelope, sig, time.Now().Unix(), true)
	if err != nil {
		return answer{}, err
	}
	return s.logged(entry)
}

func verifierOf(body []byte) (*x509.Certificate, error) {
	var proposed proposal
	if err := json.Unmarshal(body, &proposed); err != nil || len(proposed.Spec.ProposedContent.Verifiers) != 1 {
		return nil, refusal{http.StatusBadRequest, "bad verifier"}
	}
	block, _ := pem.Decode(proposed.Spec.ProposedContent.Verifiers[0])
	if block == nil {
		return nil, refusal{http.StatusBadRequest, "bad verifier"}
	}
	return x509.ParseCertificate(block.Bytes)
}

// logged is the answer of Rekor's first version.
func (s *Sigstore) logged(entry *tlog.Entry) (answer, error) {
	e := entry.TransparencyLogEntry()
	proof, err := s.log.GetInclusionProof(e.CanonicalizedBody)
	if err != nil {
		return answer{}, err
	}
	id := hex.EncodeToString(e.LogId.KeyId)
	body := base64.StdEncoding.EncodeToString(e.CanonicalizedBody)
	set, err := s.log.RekorSignPayload(tlog.RekorPayload{Body: body, IntegratedTime: e.IntegratedTime, LogIndex: e.LogIndex, LogID: id})
	if err != nil {
		return answer{}, err
	}
	a, err := asJSON(http.StatusCreated, models.LogEntry{"one": models.LogEntryAnon{
		Body: body, IntegratedTime: &e.IntegratedTime, LogID: &id, LogIndex: &e.LogIndex,
		Verification: &models.LogEntryAnonVerification{InclusionProof: proof, SignedEntryTimestamp: set},
	}})
	a.header.Set("ETag", "one")
	return a, err
}
