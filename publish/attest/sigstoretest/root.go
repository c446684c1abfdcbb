package sigstoretest

import (
	"crypto"
	"crypto/ecdsa"
	"crypto/sha256"
	"crypto/x509"
	"encoding/hex"
	"time"

	trustroot "github.com/sigstore/protobuf-specs/gen/pb-go/trustroot/v1"
	"github.com/sigstore/sigstore-go/pkg/root"
)

// validity is when everything in this instance holds.
func validity() (start, end time.Time) {
	now := time.Now()
	return now.Add(-5 * time.Hour), now.Add(time.Hour)
}

// TrustedRoot is the instance's trusted root, as JSON.
func (s *Sigstore) TrustedRoot() ([]byte, error) {
	start, end := validity()
	logs, err := s.logs()
	if err != nil {
		return nil, err
	}
	made, err := root.NewTrustedRoot(root.TrustedRootMediaType01,
		[]root.CertificateAuthority{&root.FulcioCertificateAuthority{
			Root: s.root, Intermediates: []*x509.Certificate{s.fulcio}, ValidityPeriodStart: start, ValidityPeriodEnd: end, URI: s.URL(),
		}}, nil,
		[]root.TimestampingAuthority{&root.SigstoreTimestampingAuthority{
			Root: s.root, Intermediates: []*x509.Certificate{s.tsa}, Leaf: s.stamp, ValidityPeriodStart: start, ValidityPeriodEnd: end, URI: s.URL(),
		}}, logs)
	if err != nil {
		return nil, err
	}
	return made.MarshalJSON()
}

func (s *Sigstore) logs() (map[string]*root.TransparencyLog, error) {
	start, end := validity()
	logs := map[string]*root.TransparencyLog{}
	for id, log := range s.log.RekorLogs() {
		raw, err := hex.DecodeString(id)
		if err != nil {
			return nil, err
		}
		log.ID = raw
		logs[id] = log
	}
	id, err := logID(s.logV2)
	logs[hex.EncodeToString(id)] = &root.TransparencyLog{
		BaseURL: "https://" + originV2, ID: id, HashFunc: crypto.SHA256, SignatureHashFunc: crypto.SHA256,
		PublicKey: s.logV2.Public(), ValidityPeriodStart: start, ValidityPeriodEnd: end,
	}
	return logs, err
}

// SigningConfig says where the instance is and which version of Rekor to use,
// in the form that TUF gives it out in, as JSON.
func (s *Sigstore) SigningConfig(rekorVersion uint32) ([]byte, error) {
	start, end := validity()
	at := func(url string, version uint32) []root.Service {
		return []root.Service{{URL: url, MajorAPIVersion: version, ValidityPeriodStart: start, ValidityPeriodEnd: end, Operator: "test"}}
	}
	anyOf := root.ServiceConfiguration{Selector: trustroot.ServiceSelector_ANY}
	made, err := root.NewSigningConfig(root.SigningConfigMediaType02, at(s.URL(), 1), nil,
		at(s.URL(), rekorVersion), anyOf, at(s.TimestampURL(), 1), anyOf)
	if err != nil {
		return nil, err
	}
	return made.MarshalJSON()
}

func logID(key *ecdsa.PrivateKey) ([]byte, error) {
	der, err := x509.MarshalPKIXPublicKey(key.Public())
	sum := sha256.Sum256(der)
	return sum[:], err
}
