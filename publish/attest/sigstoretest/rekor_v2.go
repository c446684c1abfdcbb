package sigstoretest

import (
	"context"
	"crypto"
	"net/http"

	"github.com/cyberphone/json-canonicalization/go/src/webpki.org/jsoncanonicalizer"
	common "github.com/sigstore/protobuf-specs/gen/pb-go/common/v1"
	rekorv1 "github.com/sigstore/protobuf-specs/gen/pb-go/rekor/v1"
	tiles "github.com/sigstore/rekor-tiles/v2/pkg/generated/protobuf"
	rekornote "github.com/sigstore/rekor-tiles/v2/pkg/note"
	"github.com/sigstore/sigstore/pkg/signature"
	checkpoint "github.com/transparency-dev/formats/log"
	"github.com/transparency-dev/merkle/rfc6962"
	"golang.org/x/mod/sumdb/note"
	"google.golang.org/protobuf/encoding/protojson"
)

// originV2 is the second log's name.
const originV2 = "tiles.localhost"

// enterV2 is Rekor's second version: a log of one entry.
func (s *Sigstore) enterV2(body []byte, r *http.Request) (answer, error) {
	var request tiles.CreateEntryRequest
	if err := protojson.Unmarshal(body, &request); err != nil {
		return answer{}, refusal{http.StatusBadRequest, err.Error()}
	}
	entry, err := s.entryV2(r.Context(), request.GetHashedRekordRequestV002())
	if err != nil {
		return answer{}, err
	}
	text, err := protojson.Marshal(entry)
	return answer{status: http.StatusCreated, body: text}, err
}

func (s *Sigstore) entryV2(ctx context.Context, asked *tiles.HashedRekordRequestV002) (*rekorv1.TransparencyLogEntry, error) {
	plain, err := protojson.Marshal(&tiles.Entry{
		ApiVersion: "0.0.2", Kind: "hashedrekord",
		Spec: &tiles.Spec{Spec: &tiles.Spec_HashedRekordV002{HashedRekordV002: &tiles.HashedRekordLogEntryV002{
			Data:      &common.HashOutput{Algorithm: common.HashAlgorithm_SHA2_256, Digest: asked.Digest},
			Signature: asked.Signature,
		}}},
	})
	if err != nil {
		return nil, err
	}
	body, err := jsoncanonicalizer.Transform(plain)
	if err != nil {
		return nil, err
	}
	signer, err := signature.LoadECDSASignerVerifier(s.logV2, crypto.SHA256)
	if err != nil {
		return nil, err
	}
	noteSigner, err := rekornote.NewNoteSigner(ctx, originV2, signer)
	if err != nil {
		return nil, err
	}
	leaf := rfc6962.DefaultHasher.HashLeaf(body)
	head := checkpoint.Checkpoint{Origin: originV2, Size: 1, Hash: leaf}.Marshal()
	signed, err := note.Sign(&note.Note{Text: string(head)}, noteSigner)
	if err != nil {
		return nil, err
	}
	id, err := logID(s.logV2)
	if err != nil {
		return nil, err
	}
	return &rekorv1.TransparencyLogEntry{
		LogId: &common.LogId{KeyId: id}, KindVersion: &rekorv1.KindVersion{Kind: "hashedrekord", Version: "0.0.2"},
		InclusionProof: &rekorv1.InclusionProof{
			TreeSize: 1, RootHash: leaf, Checkpoint: &rekorv1.Checkpoint{Envelope: string(signed)},
		},
		CanonicalizedBody: body,
	}, nil
}
