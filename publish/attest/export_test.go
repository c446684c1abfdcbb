package attest

import (
	"github.com/sigstore/sigstore-go/pkg/sign"
	"google.golang.org/protobuf/encoding/protojson"

	"github.com/bakelite/bakelite/publish/intoto"
	"github.com/bakelite/bakelite/publish/keys"
)

// SignAny signs a statement that Sign would not.
func SignAny(about intoto.Subject, s intoto.Statement, key keys.Signer) ([]byte, error) {
	pair, err := keys.NewPair(key)
	if err != nil {
		return nil, err
	}
	b, err := makeBundle(about, s, pair, sign.BundleOptions{})
	return b.JSON, err
}

// SignPayload signs any bytes as if they were a statement.
func SignPayload(payload []byte, kind string, key keys.Signer) ([]byte, error) {
	pair, err := keys.NewPair(key)
	if err != nil {
		return nil, err
	}
	b, err := sign.Bundle(&sign.DSSEData{Data: payload, PayloadType: kind}, pair, sign.BundleOptions{})
	if err != nil {
		return nil, err
	}
	return protojson.Marshal(b)
}
