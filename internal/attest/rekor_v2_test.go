package attest_test

import (
	"context"
	"crypto"
	"io"
	"net/http"

	"github.com/cyberphone/json-canonicalization/go/src/webpki.org/jsoncanonicalizer"
	common "github.com/sigstore/protobuf-specs/gen/pb-go/common/v1"
	rekorv1 "github.com/sigstore/protobuf-specs/gen/pb-go/rekor/v1"
	tiles "github.com/sigstore/rekor-tiles/v2/pkg/generated/protobuf"
	rekornote "github.com/sigstore/rekor-tiles/v2/pkg/note"
	"github.com/sigstore/sigstore-go/pkg/tlog"
	"github.com/sigstore/sigstore/pkg/signature"
	checkpoint "github.com/transparency-dev/formats/log"
	"github.com/transparency-dev/merkle/rfc6962"
	"golang.org/x/mod/sumdb/note"
	"google.golang.org/protobuf/encoding/protojson"
)

const originV2 = "tiles.localhost"

func payload(body string, at, index int64, id string) tlog.RekorPayload {
	return tlog.RekorPayload{Body: body, IntegratedTime: at, LogIndex: index, LogID: id}
}

// enterV2 is Rekor's second version: a log of one entry.
func (v *virtual) enterV2(w http.ResponseWriter, r *http.Request) {
	text, _ := io.ReadAll(r.Body)
	var request tiles.CreateEntryRequest
	if err := protojson.Unmarshal(text, &request); err != nil {
		http.Error(w, err.Error(), http.StatusBadRequest)
		return
	}
	entry, err := v.entryV2(r.Context(), request.GetHashedRekordRequestV002())
	if err != nil {
		http.Error(w, err.Error(), http.StatusInternalServerError)
		return
	}
	answer, _ := protojson.Marshal(entry)
	w.WriteHeader(http.StatusCreated)
	_, _ = w.Write(answer)
}

func (v *virtual) entryV2(ctx context.Context, asked *tiles.HashedRekordRequestV002) (*rekorv1.TransparencyLogEntry, error) {
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
	signer, err := signature.LoadECDSASignerVerifier(v.logV2, crypto.SHA256)
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
	return &rekorv1.TransparencyLogEntry{
		LogId: &common.LogId{KeyId: logID(v.logV2)}, KindVersion: &rekorv1.KindVersion{Kind: "hashedrekord", Version: "0.0.2"},
		InclusionProof: &rekorv1.InclusionProof{
			TreeSize: 1, RootHash: leaf, Checkpoint: &rekorv1.Checkpoint{Envelope: string(signed)},
		},
		CanonicalizedBody: body,
	}, nil
}
