package uki

import (
	"crypto"
	"crypto/ecdsa"
	"crypto/ed25519"
	"crypto/rsa"
	"crypto/x509"
	"encoding/pem"
	"fmt"
	"io"
	"strings"
	"time"

	"github.com/bakelite/bakelite/internal/fault"
)

// The lengths in bits of the RSA keys that firmware takes (edk2, CryptoPkg);
// longer ones are refused by some firmware, shorter ones are weak.
const (
	minKey = 2048
	maxKey = 4096
)

// MaxPEM is the largest key or certificate file in bytes.
const MaxPEM = 64 << 10

// Signer is a key for Secure Boot and its certificate, which firmware enrolls.
// It formats as the certificate's name, never as the key.
type Signer struct {
	Certificate *x509.Certificate
	// Key is an RSA key of 2048 to 4096 bits.
	Key crypto.Signer `json:"-"`
}

// Format implements fmt.Formatter for every verb.
func (s Signer) Format(f fmt.State, _ rune) {
	if s.Certificate == nil {
		_, _ = io.WriteString(f, "no signer")
		return
	}
	_, _ = io.WriteString(f, "signer "+s.Certificate.Subject.String())
}

// LoadSigner reads an unencrypted RSA key (PKCS #8 or PKCS #1) and its one
// certificate from PEM. Whatever firmware would not take, a key and a
// certificate that are not of each other, and a certificate that is not valid
// at now are errors of kind Invalid with a hint; none shows any of the key.
func LoadSigner(key, cert []byte, now time.Time) (*Signer, error) {
	s, err := loadSigner(key, cert)
	if err == nil {
		err = s.checkTime(now)
	}
	if err != nil {
		return nil, fault.Hint(fmt.Errorf("loading Secure Boot key: %w", err), "%s", makeHint)
	}
	return s, nil
}

// makeHint is the command of docs/secure-boot.md.
const makeHint = "make both anew: openssl req -new -x509 -newkey rsa:2048 -sha256 -nodes -days 3650 -subj \"/CN=Secure Boot of NAME/\" " +
	"-keyout secure-boot.key -out secure-boot.crt"

func loadSigner(key, cert []byte) (*Signer, error) {
	if len(key) > MaxPEM || len(cert) > MaxPEM {
		return nil, fault.New(fault.Invalid, "key or certificate is larger than %d bytes", MaxPEM)
	}
	parsed, err := parseKey(key)
	if err != nil {
		return nil, err
	}
	s := &Signer{Key: parsed}
	if s.Certificate, err = ParseCertificate(cert); err != nil {
		return nil, err
	}
	return s, s.check()
}

// parseKey hides the parser's words: they may quote what they read.
func parseKey(text []byte) (crypto.Signer, error) {
	for block, rest := pem.Decode(text); block != nil; block, rest = pem.Decode(rest) {
		if block.Type == "ENCRYPTED PRIVATE KEY" || strings.Contains(block.Headers["Proc-Type"], "ENCRYPTED") {
			return nil, fault.Hint(fault.New(fault.Invalid, "the key is encrypted, and nobody is there to type its passphrase"),
				"decrypt it into a file that only you can read: (umask 077; openssl pkey -in KEY -out secure-boot.key)")
		}
		switch block.Type {
		case "PRIVATE KEY":
			return signerOf(x509.ParsePKCS8PrivateKey(block.Bytes))
		case "RSA PRIVATE KEY":
			key, err := x509.ParsePKCS1PrivateKey(block.Bytes)
			return signerOf(key, err)
		case "EC PRIVATE KEY":
			return nil, errKind("EC")
		}
	}
	return nil, fault.New(fault.Invalid, "the key's file holds no private key in PEM")
}

func signerOf(key any, err error) (crypto.Signer, error) {
	if err != nil {
		return nil, fault.New(fault.Invalid, "the key is damaged")
	}
	switch key := key.(type) {
	case *rsa.PrivateKey:
		return key, nil
	case *ecdsa.PrivateKey:
		return nil, errKind("EC")
	case ed25519.PrivateKey:
		return nil, errKind("Ed25519")
	}
	return nil, errKind("unknown")
}

func errKind(kind string) error {
	return fault.New(fault.Invalid, "the key is of kind %s; firmware takes RSA", kind)
}

// ParseCertificate reads the one certificate of a PEM file, whose key must be
// one that firmware takes; its errors are of kind Invalid.
func ParseCertificate(text []byte) (*x509.Certificate, error) {
	var cert *x509.Certificate
	for block, rest := pem.Decode(text); block != nil; block, rest = pem.Decode(rest) {
		if block.Type != "CERTIFICATE" {
			continue
		}
		if cert != nil {
			return nil, fault.New(fault.Invalid, "the certificate's file holds more than one; give the one of the key alone")
		}
		var err error
		if cert, err = x509.ParseCertificate(block.Bytes); err != nil {
			return nil, fault.New(fault.Invalid, "the certificate is damaged: %w", err)
		}
	}
	if cert == nil {
		return nil, fault.New(fault.Invalid, "the certificate's file holds no certificate in PEM")
	}
	_, err := firmwareKey(cert)
	return cert, err
}

// firmwareKey returns the certificate's key where firmware takes it.
func firmwareKey(cert *x509.Certificate) (*rsa.PublicKey, error) {
	key, ok := cert.PublicKey.(*rsa.PublicKey)
	if !ok {
		return nil, fault.New(fault.Invalid, "the certificate's key is of kind %s; firmware takes RSA", cert.PublicKeyAlgorithm)
	}
	if n := key.N.BitLen(); n < minKey || n > maxKey {
		return nil, fault.New(fault.Invalid, "the key has %d bits; firmware takes %d to %d", n, minKey, maxKey)
	}
	return key, nil
}

// check refuses a key that is not the certificate's.
func (s Signer) check() error {
	if s.Certificate == nil || s.Key == nil {
		return fault.New(fault.Invalid, "no key or no certificate")
	}
	public, err := firmwareKey(s.Certificate)
	if err != nil {
		return err
	}
	if !public.Equal(s.Key.Public()) {
		return fault.New(fault.Invalid, "the certificate is not of this key")
	}
	return nil
}

// checkTime keeps an old key from being used by mistake; firmware itself has
// no trustworthy clock and ignores the dates.
func (s Signer) checkTime(now time.Time) error {
	c := s.Certificate
	if now.Before(c.NotBefore) || now.After(c.NotAfter) {
		return fault.New(fault.Invalid, "the certificate is valid from %s to %s, not on %s",
			c.NotBefore.Format(time.DateOnly), c.NotAfter.Format(time.DateOnly), now.Format(time.DateOnly))
	}
	return nil
}
