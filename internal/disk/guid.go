package disk

import (
	"crypto/sha256"
	"encoding/hex"

	"github.com/bakelite/bakelite/internal/fault"
)

// GUID is a globally unique identifier, its bytes in the order in which its
// text is read, as systemd's sd_id128_t holds them.
type GUID [16]byte

// dashes are the positions of the dashes in a GUID's text.
var dashes = [...]int{8, 13, 18, 23}

// ParseGUID reads the text form of 36 characters, in either case; anything
// else is an error of kind Invalid.
func ParseGUID(s string) (GUID, error) {
	var g GUID
	bare := make([]byte, 0, 2*len(g))
	for i := range len(s) {
		if len(s) == 36 && isDash(i) != (s[i] == '-') {
			break
		}
		if s[i] != '-' {
			bare = append(bare, s[i])
		}
	}
	if len(s) != 36 || len(bare) != 32 {
		return GUID{}, fault.New(fault.Invalid, "parsing GUID %.40q: want xxxxxxxx-xxxx-xxxx-xxxx-xxxxxxxxxxxx", s)
	}
	if _, err := hex.Decode(g[:], bare); err != nil {
		return GUID{}, fault.New(fault.Invalid, "parsing GUID %q: %w", s, err)
	}
	return g, nil
}

func isDash(i int) bool {
	return i == dashes[0] || i == dashes[1] || i == dashes[2] || i == dashes[3]
}

// String returns the text form in lower case.
func (g GUID) String() string {
	h := hex.EncodeToString(g[:])
	return h[:8] + "-" + h[8:12] + "-" + h[12:16] + "-" + h[16:20] + "-" + h[20:]
}

// OnDisk returns the bytes as a GPT stores them: the first three fields are
// little-endian (UEFI specification 2.10, appendix A).
func (g GUID) OnDisk() [16]byte {
	return [16]byte{
		g[3], g[2], g[1], g[0], g[5], g[4], g[7], g[6],
		g[8], g[9], g[10], g[11], g[12], g[13], g[14], g[15],
	}
}

// NameGUID returns the identifier of a name in a namespace: a UUID of version
// 8 made from SHA-256 (RFC 9562, appendix B.2).
func NameGUID(namespace GUID, name string) GUID {
	sum := sha256.Sum256(append(namespace[:], name...))
	var g GUID
	copy(g[:], sum[:])
	g[6] = g[6]&0x0f | 0x80
	g[8] = g[8]&0x3f | 0x80
	return g
}

// VerityIDs returns the partition identifiers of a verity protected partition
// and of its hash partition: the first and the last 128 bits of the root hash
// in text order, by which systemd-veritysetup-generator finds them under
// /dev/disk/by-partuuid; a root hash of other than 32 bytes is an error of
// kind Invalid. Source: the Discoverable Partitions Specification, "Verity".
func VerityIDs(rootHash []byte) (data, hash GUID, err error) {
	if len(rootHash) != sha256.Size {
		return GUID{}, GUID{}, fault.New(fault.Invalid, "root hash of %d bytes: want the %d of SHA-256", len(rootHash), sha256.Size)
	}
	copy(data[:], rootHash[:16])
	copy(hash[:], rootHash[16:])
	return data, hash, nil
}
