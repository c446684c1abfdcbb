package disk

import (
	"crypto/sha256"

	"github.com/google/uuid"

	"github.com/bakelite/bakelite/internal/fault"
)

// GUID is a globally unique identifier, its bytes in the order in which its
// text is read, as systemd's sd_id128_t holds them.
type GUID [16]byte

// ParseGUID reads the text form of 36 characters, in either case; anything
// else is an error of kind Invalid.
func ParseGUID(s string) (GUID, error) {
	id, err := uuid.Parse(s)
	if err != nil || len(s) != len(id.String()) { // it reads other forms too
		return GUID{}, fault.New(fault.Invalid, "parsing GUID %.40q: want xxxxxxxx-xxxx-xxxx-xxxx-xxxxxxxxxxxx", s)
	}
	return GUID(id), nil
}

// String returns the text form in lower case.
func (g GUID) String() string { return uuid.UUID(g).String() }

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
	return GUID(uuid.NewHash(sha256.New(), uuid.UUID(namespace), []byte(name), 8))
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
