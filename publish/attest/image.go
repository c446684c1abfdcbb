package attest

import (
	"bytes"
	"context"
	"encoding/base64"
	"encoding/json"

	"github.com/bakelite/bakelite/internal/fault"
	"github.com/bakelite/bakelite/publish/intoto"
)

// Classic is a signature as cosign made it before version 3: a layer of the
// image with the tag sha256-<hex>.sig.
type Classic struct {
	// Payload is the layer, in the form of "simple signing".
	Payload []byte
	// Signature is the layer's annotation dev.cosignproject.cosign/signature,
	// in base64.
	Signature string
}

// maxClassic bounds the payload of a classic signature, in bytes.
const maxClassic = 1 << 20

// VerifyImage checks that one of want's signers signed a base image: with a
// bundle that holds cosign's signature predicate, or, for keys alone, with a
// classic signature. Others' signatures do no harm. It returns who signed.
func VerifyImage(ctx context.Context, bundles [][]byte, classic []Classic, want Want) (Identity, error) {
	if err := intoto.CheckDigest(want.Digest); err != nil {
		return Identity{}, err
	}
	if len(bundles)+len(classic) > MaxBundles {
		return Identity{}, fault.New(fault.Policy, "%s has %d signatures, more than %d", want.Digest, len(bundles)+len(classic), MaxBundles)
	}
	trusted, err := newTrust(ctx, want.Signers, want.Dir, want.TUF)
	if err != nil {
		return Identity{}, err
	}
	r := &refusal{}
	for i, text := range bundles {
		who, err := trusted.signedImage(text, want)
		if err == nil {
			return who, nil
		}
		r.add(fault.KindOf(err), "bundle %d: %v", i+1, err)
	}
	for i, c := range classic {
		who, err := trusted.signedClassic(c, want.Digest)
		if err == nil {
			return who, nil
		}
		r.add(fault.KindOf(err), "classic signature %d: %v", i+1, err)
	}
	if len(r.reasons) == 0 {
		r.add(fault.Policy, "it has no signature")
	}
	return Identity{}, r.err(want.Digest, "take an image that an allowed signer signed, or add its signer to bases.images.signedBy")
}

// signedImage passes a bundle only where it is a signature: cosign itself
// does not look at the predicate type, so an attestation would do.
func (t trust) signedImage(text []byte, want Want) (Identity, error) {
	o, err := openBundle(text)
	if err != nil {
		return Identity{}, err
	}
	if o.Kind != intoto.SignatureType {
		return Identity{}, fault.New(fault.Policy, "it states %.100q and is no signature", o.Kind)
	}
	v, err := t.verify(o, want.Digest, want.Now)
	return v.Identity, err
}

// simpleSigning is what counts in a classic payload
// (containers/image, docs/containers-signature.5.md).
type simpleSigning struct {
	Critical struct {
		Image struct {
			Digest string `json:"docker-manifest-digest"`
		} `json:"image"`
		Type string `json:"type"`
	} `json:"critical"`
}

const classicType = "cosign container image signature"

func (t trust) signedClassic(c Classic, digest string) (Identity, error) {
	if len(c.Payload) > maxClassic || len(c.Signature) > maxClassic {
		return Identity{}, fault.New(fault.Policy, "it is larger than %d bytes", maxClassic)
	}
	sig, err := base64.StdEncoding.DecodeString(c.Signature)
	if err != nil {
		return Identity{}, fault.New(fault.Integrity, "the signature is not base64")
	}
	var p simpleSigning
	if err := json.Unmarshal(c.Payload, &p); err != nil {
		return Identity{}, fault.New(fault.Integrity, "reading the payload: %w", err)
	}
	if p.Critical.Type != classicType || p.Critical.Image.Digest != digest {
		return Identity{}, fault.New(fault.Policy, "it is about another image")
	}
	for _, a := range t {
		if a.public != nil && a.check.VerifySignature(bytes.NewReader(sig), bytes.NewReader(c.Payload)) == nil {
			return a.identity, nil
		}
	}
	return Identity{}, fault.New(fault.Policy, noSuchKey)
}
