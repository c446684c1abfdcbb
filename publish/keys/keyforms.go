package keys

import (
	"crypto"
	"crypto/rand"
	"crypto/x509"
	"encoding/pem"

	"github.com/secure-systems-lab/go-securesystemslib/encrypted"
	"github.com/youmark/pkcs8"

	"github.com/bakelite/bakelite/internal/fault"
)

// The PEM types of keys that cosign encrypts; the second is that of cosign
// before 2.0.
const (
	encryptedPEM    = "ENCRYPTED SIGSTORE PRIVATE KEY"
	encryptedPEMOld = "ENCRYPTED COSIGN PRIVATE KEY"
)

// curvePEM is what openssl's ecparam writes before a key.
const curvePEM = "EC PARAMETERS"

// Parse reads a private key in PEM: PKCS #8, plain or encrypted (PBES2),
// PKCS #1, SEC 1, or as cosign encrypts it. For an encrypted one passphrase is
// asked.
func Parse(text []byte, passphrase Passphrase) (Key, error) {
	if len(text) > MaxSize {
		return Key{}, fault.New(fault.Invalid, "the signing key is larger than %d bytes", MaxSize)
	}
	block, rest := pem.Decode(text)
	if block != nil && block.Type == curvePEM {
		block, _ = pem.Decode(rest)
	}
	if block == nil {
		return Key{}, keyError("the signing key is not PEM")
	}
	defer clear(block.Bytes)
	if block.Headers["DEK-Info"] != "" {
		return Key{}, fault.Hint(fault.New(fault.Invalid, "the signing key is encrypted in the old way of OpenSSL, which is not read"),
			"encrypt it anew: openssl pkcs8 -topk8 -in KEY -out NEW")
	}
	parsed, err := parseBlock(block, passphrase)
	if err != nil {
		return Key{}, err
	}
	return keyOf(parsed)
}

// parseBlock reads a key of one of the forms. What x509 says about a key that
// it can't read is left out, since it may quote it.
func parseBlock(block *pem.Block, passphrase Passphrase) (parsed any, err error) {
	var form string
	switch block.Type {
	case encryptedPEM, encryptedPEMOld:
		return decrypt(block.Bytes, passphrase, openCosign)
	case "ENCRYPTED PRIVATE KEY":
		return decrypt(block.Bytes, passphrase, openPKCS8)
	case "PRIVATE KEY":
		form = "PKCS #8"
		parsed, err = x509.ParsePKCS8PrivateKey(block.Bytes)
	case "RSA PRIVATE KEY":
		form = "PKCS #1"
		parsed, err = x509.ParsePKCS1PrivateKey(block.Bytes)
	case "EC PRIVATE KEY":
		form = "SEC 1"
		parsed, err = x509.ParseECPrivateKey(block.Bytes)
	default:
		return nil, keyError("the signing key is of the type %q, which is not read", block.Type)
	}
	if err != nil {
		return nil, keyError("the signing key is not %s", form)
	}
	return parsed, nil
}

func keyOf(parsed any) (Key, error) {
	signer, ok := parsed.(crypto.Signer)
	if !ok {
		return Key{}, keyError("the signing key cannot sign")
	}
	if err := Check(signer.Public()); err != nil {
		return Key{}, err
	}
	return Key{
		public: signer.Public(),
		sign: func(data []byte, hash crypto.Hash) ([]byte, error) {
			return signer.Sign(rand.Reader, data, hash)
		},
	}, nil
}

func keyError(format string, args ...any) error {
	return fault.Hint(fault.New(fault.Invalid, format, args...),
		"give a key in PEM, as openssl genpkey, bakelite keygen or cosign make it")
}

// decrypt asks for the passphrase of a key and opens it.
func decrypt(box []byte, passphrase Passphrase, open func(box, secret []byte) (any, error)) (any, error) {
	if passphrase == nil {
		return nil, fault.Hint(fault.New(fault.Invalid, "the signing key is encrypted and no passphrase was given"),
			"set the passphrase beside the key")
	}
	secret, err := passphrase()
	if err != nil {
		return nil, fault.As(fault.Invalid, err)
	}
	defer clear(secret)
	parsed, err := open(box, secret)
	if err != nil {
		return nil, fault.Hint(fault.New(fault.Invalid, "the signing key does not open with this passphrase"),
			"check the passphrase; of encrypted PKCS #8 the forms of openssl since 1.1 are read (PBES2 with AES or triple DES)")
	}
	return parsed, nil
}

func openCosign(box, secret []byte) (any, error) {
	plain, err := encrypted.Decrypt(box, secret)
	if err != nil {
		return nil, err
	}
	defer clear(plain)
	return x509.ParsePKCS8PrivateKey(plain)
}

// openPKCS8 takes the library's panics, which a key that was cut brings about,
// for errors.
func openPKCS8(box, secret []byte) (parsed any, err error) {
	defer func() {
		if recover() != nil {
			err = fault.New(fault.Invalid, "the key is cut or damaged")
		}
	}()
	if len(secret) == 0 {
		return nil, fault.New(fault.Invalid, "the passphrase is empty")
	}
	parsed, _, err = pkcs8.ParsePrivateKey(box, secret)
	return parsed, err
}
