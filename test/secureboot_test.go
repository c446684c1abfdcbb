package test

import (
	"crypto/rand"
	"crypto/rsa"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/pem"
	"fmt"
	"math/big"
	"os"
	"path/filepath"
	"time"
)

// secureBoot makes a key and its certificate in dir, and returns the settings
// that have every disk of these tests signed. Its declared tests then run
// under firmware that starts nothing else.
func secureBoot(dir string) ([]string, error) {
	key, err := rsa.GenerateKey(rand.Reader, 2048)
	if err != nil {
		return nil, err
	}
	template := &x509.Certificate{
		SerialNumber: big.NewInt(1), Subject: pkix.Name{CommonName: "end-to-end tests"},
		NotBefore: time.Now().Add(-time.Hour), NotAfter: time.Now().Add(24 * time.Hour),
	}
	certificate, err := x509.CreateCertificate(rand.Reader, template, template, key.Public(), key)
	if err != nil {
		return nil, err
	}
	private, err := x509.MarshalPKCS8PrivateKey(key)
	if err != nil {
		return nil, err
	}
	var settings []string
	for name, block := range map[string]*pem.Block{
		"KEY": {Type: "PRIVATE KEY", Bytes: private}, "CERTIFICATE": {Type: "CERTIFICATE", Bytes: certificate},
	} {
		path := filepath.Join(dir, "secure-boot-"+name+".pem")
		if err := os.WriteFile(path, pem.EncodeToMemory(block), 0o600); err != nil {
			return nil, err
		}
		settings = append(settings, fmt.Sprintf("BAKELITE_SECURE_BOOT_%s=%s", name, path))
	}
	return settings, nil
}
