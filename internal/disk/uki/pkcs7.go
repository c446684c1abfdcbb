package uki

import (
	"crypto/sha256"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/asn1"
	"fmt"
	"math/big"

	"github.com/bakelite/bakelite/internal/fault"
)

// The object identifiers of RFC 2315, RFC 8017, NIST's hash functions and
// Microsoft's "Windows Authenticode Portable Executable Signature Format".
var (
	oidSignedData   = asn1.ObjectIdentifier{1, 2, 840, 113549, 1, 7, 2}
	oidRSA          = asn1.ObjectIdentifier{1, 2, 840, 113549, 1, 1, 1}
	oidSHA256       = asn1.ObjectIdentifier{2, 16, 840, 1, 101, 3, 4, 2, 1}
	oidIndirectData = asn1.ObjectIdentifier{1, 3, 6, 1, 4, 1, 311, 2, 1, 4}
	oidPEImageData  = asn1.ObjectIdentifier{1, 3, 6, 1, 4, 1, 311, 2, 1, 15}
)

// signedData is PKCS #7's (RFC 2315, 9.1) without revocation lists.
type signedData struct {
	Version          int
	DigestAlgorithms []pkix.AlgorithmIdentifier `asn1:"set"`
	Content          contentInfo
	Certificates     asn1.RawValue
	SignerInfos      []signerInfo `asn1:"set"`
}

type contentInfo struct {
	Type    asn1.ObjectIdentifier
	Content asn1.RawValue // explicit 0
}

// signerInfo has no attributes, so the signature is over the content itself
// and nothing holds a time.
type signerInfo struct {
	Version   int
	Signer    issuerAndSerial
	Digest    pkix.AlgorithmIdentifier
	Algorithm pkix.AlgorithmIdentifier
	Signature []byte
}

type issuerAndSerial struct {
	Issuer asn1.RawValue
	Serial *big.Int
}

// indirectData is SpcIndirectDataContent: what Authenticode signs.
type indirectData struct {
	Data   peImage
	Digest digestInfo
}

type peImage struct {
	Type  asn1.ObjectIdentifier
	Value peImageData
}

// peImageData has no flags and an empty file name, as all of its readers
// ignore both.
type peImageData struct {
	Flags asn1.BitString
	File  asn1.RawValue
}

type digestInfo struct {
	Algorithm pkix.AlgorithmIdentifier
	Digest    []byte
}

// emptyFile is an SpcLink to a file with an empty Unicode name.
func emptyFile() asn1.RawValue {
	return explicit(0, []byte{0xA2, 2, 0x80, 0})
}

func explicit(tag int, content []byte) asn1.RawValue {
	return asn1.RawValue{Class: asn1.ClassContextSpecific, Tag: tag, IsCompound: true, Bytes: content}
}

func algorithm(oid asn1.ObjectIdentifier) pkix.AlgorithmIdentifier {
	return pkix.AlgorithmIdentifier{Algorithm: oid, Parameters: asn1.NullRawValue}
}

// encodeContent returns the content in DER, and the part of it that is
// signed: the value without tag and length (RFC 2315, 9.3).
func encodeContent(digest [sha256.Size]byte) (whole, signed []byte, err error) {
	whole, err = asn1.Marshal(indirectData{
		Data:   peImage{oidPEImageData, peImageData{File: emptyFile()}},
		Digest: digestInfo{algorithm(oidSHA256), digest[:]},
	})
	if err != nil {
		return nil, nil, fault.As(fault.Internal, fmt.Errorf("encoding digest: %w", err))
	}
	var value asn1.RawValue
	if _, err := asn1.Unmarshal(whole, &value); err != nil {
		return nil, nil, fault.As(fault.Internal, fmt.Errorf("encoding digest: %w", err))
	}
	return whole, value.Bytes, nil
}

// encodeSignature wraps a finished signature of the content by a certificate.
func encodeSignature(content []byte, cert *x509.Certificate, signature []byte) ([]byte, error) {
	inner, err := asn1.Marshal(signedData{
		Version:          1,
		DigestAlgorithms: []pkix.AlgorithmIdentifier{algorithm(oidSHA256)},
		Content:          contentInfo{oidIndirectData, explicit(0, content)},
		Certificates:     explicit(0, cert.Raw),
		SignerInfos: []signerInfo{{
			Version: 1, Signer: issuerAndSerial{asn1.RawValue{FullBytes: cert.RawIssuer}, cert.SerialNumber},
			Digest: algorithm(oidSHA256), Algorithm: algorithm(oidRSA), Signature: signature,
		}},
	})
	if err != nil {
		return nil, fault.As(fault.Internal, fmt.Errorf("encoding signature: %w", err))
	}
	whole, err := asn1.Marshal(contentInfo{oidSignedData, explicit(0, inner)})
	if err != nil {
		return nil, fault.As(fault.Internal, fmt.Errorf("encoding signature: %w", err))
	}
	return whole, nil
}
