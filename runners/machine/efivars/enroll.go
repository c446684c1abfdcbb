package efivars

import (
	"bytes"
	"crypto/x509"
	"encoding/binary"
	"fmt"
	"unicode/utf16"

	"github.com/bakelite/bakelite/internal/disk"
	"github.com/bakelite/bakelite/internal/fault"
)

// The namespaces of variables, the type of a list of certificates (UEFI 2.10,
// 32.4.1), and the owner that the entries name, which firmware only shows.
const (
	guidGlobal     = "8be4df61-93ca-11d2-aa0d-00e098032b8c"
	guidSecurity   = "d719b2cb-3d3a-4596-a3bc-dad00e67656f"
	guidSecureBoot = "f0a30bc7-af08-4556-99c4-001009c93a44" // edk2, EFI_SECURE_BOOT_ENABLE_DISABLE
	guidX509       = "a5c059a1-94e4-4aa7-87b5-ab155c2bf072"
	guidOwner      = "7b6d1f0e-52a4-4c0a-9a3f-6b616b656c69"
)

// Measures in bytes and values of a variable (edk2, VariableFormat.h,
// AUTHENTICATED_VARIABLE_HEADER) and of a list with one certificate.
const (
	variableHeader = 60
	variableStart  = 0x55AA
	variableAdded  = 0x3F
	variableAlign  = 4
	listHeader     = 28
	ownerSize      = 16
	// attrKeys are non-volatile, boot and runtime access, and authenticated by
	// time; attrBoot is non-volatile with boot access (UEFI 2.10, 8.2.1).
	attrKeys = 0x27
	attrBoot = 0x03
)

type variable struct {
	name, namespace string
	attributes      uint32
	data            []byte
}

// Enroll returns a copy of a blank store in which the certificate is the
// platform key, the key exchange key and the only signer of what may boot, and
// Secure Boot is on. The same template and certificate make the same bytes. A
// template of another kind, or too small, is an error of kind Missing.
func Enroll(template []byte, cert *x509.Certificate) ([]byte, error) {
	enrolled := bytes.Clone(template)
	place, err := findStore(enrolled)
	if err != nil {
		return nil, fmt.Errorf("enrolling certificate: %w", err)
	}
	keys := encodeList(cert.Raw)
	for _, v := range []variable{
		{"db", guidSecurity, attrKeys, keys},
		{"KEK", guidGlobal, attrKeys, keys},
		{"PK", guidGlobal, attrKeys, keys},
		{"SecureBootEnable", guidSecureBoot, attrBoot, []byte{1}},
	} {
		data := v.encode()
		if len(data) > len(place) {
			return nil, fault.New(fault.Missing, "enrolling certificate: the store has no room for %s of %d bytes", v.name, len(data))
		}
		copy(place, data)
		place = place[len(data):]
	}
	return enrolled, nil
}

// encodeList is an EFI_SIGNATURE_LIST of one certificate.
func encodeList(der []byte) []byte {
	list := make([]byte, listHeader+ownerSize, listHeader+ownerSize+len(der))
	putGUID(list, guidX509)
	binary.LittleEndian.PutUint32(list[16:], uint32(cap(list)))
	binary.LittleEndian.PutUint32(list[24:], uint32(ownerSize+len(der)))
	putGUID(list[listHeader:], guidOwner)
	return append(list, der...)
}

// encode writes the variable as firmware does, padded as erased flash.
func (v variable) encode() []byte {
	name := utf16.Encode([]rune(v.name + "\x00"))
	h := make([]byte, variableHeader)
	binary.LittleEndian.PutUint16(h, variableStart)
	h[2] = variableAdded
	binary.LittleEndian.PutUint32(h[4:], v.attributes)
	if v.attributes == attrKeys {
		putTime(h[16:])
	}
	binary.LittleEndian.PutUint32(h[36:], uint32(2*len(name)))
	binary.LittleEndian.PutUint32(h[40:], uint32(len(v.data)))
	putGUID(h[44:], v.namespace)
	for _, unit := range name {
		h = binary.LittleEndian.AppendUint16(h, unit)
	}
	h = append(h, v.data...)
	for len(h)%variableAlign != 0 {
		h = append(h, erased)
	}
	return h
}

// putTime writes the first day of 2025 as an EFI_TIME (UEFI 2.10, 8.3.1): only
// a later time can change the variable.
func putTime(place []byte) {
	binary.LittleEndian.PutUint16(place, 2025)
	place[2], place[3] = 1, 1
}

func putGUID(place []byte, text string) {
	id, err := disk.ParseGUID(text)
	if err != nil {
		panic(err) // a constant above is no GUID
	}
	bytes := id.OnDisk()
	copy(place, bytes[:])
}

func isGUID(data []byte, text string) bool {
	want := make([]byte, 16)
	putGUID(want, text)
	return bytes.HasPrefix(data, want)
}
