package debian

import (
	"bytes"
	_ "embed"
	"os"

	"github.com/ProtonMail/go-crypto/openpgp"

	"github.com/bakelite/bakelite/internal/fault"
	"github.com/bakelite/bakelite/internal/limit"
)

// maxKeyring bounds a keyring file, in bytes; Debian's whole one has 60 KiB.
const maxKeyring = 4 << 20

//go:embed keyring/debian.asc
var debianKeys []byte

func readKeyring(path string) (openpgp.EntityList, error) {
	data := debianKeys
	if path != "" {
		f, err := os.Open(path)
		if err != nil {
			return nil, fault.Hint(fault.New(fault.Missing, "reading the keyring: %w", err), "Set the keyring to a file of OpenPGP public keys, or unset it to use Debian's.")
		}
		defer f.Close()
		if data, err = limit.ReadAll(f, maxKeyring, path); err != nil {
			return nil, fault.New(fault.Invalid, "reading the keyring: %w", err)
		}
	}
	parse := openpgp.ReadKeyRing
	if bytes.HasPrefix(bytes.TrimSpace(data), []byte("-----BEGIN")) {
		parse = openpgp.ReadArmoredKeyRing
	}
	keys, err := parse(bytes.NewReader(data))
	if err == nil && len(keys) > 0 {
		return keys, nil
	}
	return nil, fault.Hint(fault.New(fault.Invalid, "reading the keyring %s: it holds no OpenPGP public key: %v", path, err), "Export the keys with: gpg --export --armor FINGERPRINT")
}
