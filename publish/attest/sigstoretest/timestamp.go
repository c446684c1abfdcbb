package sigstoretest

import (
	"crypto"
	"encoding/asn1"
	"net/http"
	"time"

	"github.com/digitorus/timestamp"
)

// timestamp is the timestamp authority.
func (s *Sigstore) timestamp(body []byte, _ *http.Request) (answer, error) {
	request, err := timestamp.ParseRequest(body)
	if err != nil {
		return answer{}, refusal{http.StatusBadRequest, "bad request"}
	}
	made := timestamp.Timestamp{
		HashAlgorithm: request.HashAlgorithm, HashedMessage: request.HashedMessage, Time: time.Now(),
		// The policy of Sigstore's own timestamp authority.
		Policy: asn1.ObjectIdentifier{1, 3, 6, 1, 4, 1, 57264, 2}, ExtraExtensions: request.Extensions,
	}
	text, err := made.CreateResponseWithOpts(s.stamp, s.stampKey, crypto.SHA256)
	return answer{status: http.StatusCreated, body: text}, err
}
