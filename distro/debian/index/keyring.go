package index

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

// Keys sign an index.
type Keys = openpgp.EntityList

// ReadKeyring reads a file of OpenPGP public keys, armored or not; "" stands for
// the Debian archive's own. A file that is not there is a fault.Missing, one
// without keys a fault.Invalid.
func ReadKeyring(path string) (Keys, error) {
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
	found, err := parse(bytes.NewReader(data))
	if err == nil && len(found) > 0 {
		return found, nil
	}
	return nil, fault.Hint(fault.New(fault.Invalid, "reading the keyring %s: it holds no OpenPGP public key: %v", path, err), "Export the keys with: gpg --export --armor FINGERPRINT")
}
