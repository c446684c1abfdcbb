package compose

import (
	"crypto/x509"
	"os"
	"time"

	"github.com/bakelite/bakelite/cmd/internal/settings"
	"github.com/bakelite/bakelite/internal/disk/uki"
	"github.com/bakelite/bakelite/internal/fault"
	"github.com/bakelite/bakelite/internal/limit"
)

// secureBoot reads who signs the disk's EFI program; nil where nobody does.
func secureBoot(s settings.SecureBoot) (*uki.Signer, error) {
	switch {
	case s.Key == "" && s.Certificate == "":
		return nil, nil
	case s.Key == "" || s.Certificate == "":
		return nil, fault.Hint(fault.New(fault.Invalid, "Secure Boot needs both a key and its certificate"), "set secure-boot.key and secure-boot.certificate")
	}
	key, err := readPEM(s.Key)
	if err != nil {
		return nil, err
	}
	info, err := os.Stat(s.Key)
	if err == nil && info.Mode().Perm()&0o077 != 0 {
		return nil, fault.Hint(fault.New(fault.Invalid, "%s can be read by others than its owner", s.Key), "run: chmod 600 %s", s.Key)
	}
	certificate, err := readPEM(s.Certificate)
	if err != nil {
		return nil, err
	}
	return uki.LoadSigner(key, certificate, time.Now())
}

// SecureBootCertificate is what the firmware of a machine must trust; nil
// where disks are not signed.
func SecureBootCertificate(s *settings.Settings) (*x509.Certificate, error) {
	signer, err := secureBoot(s.SecureBoot)
	if signer == nil || err != nil {
		return nil, err
	}
	return signer.Certificate, nil
}

func readPEM(path string) ([]byte, error) {
	f, err := os.Open(path)
	if err != nil {
		return nil, fault.New(fault.Missing, "opening a Secure Boot file: %w", err)
	}
	defer f.Close()
	text, err := limit.ReadAll(f, uki.MaxPEM, path)
	return text, fault.As(fault.Invalid, err)
}
