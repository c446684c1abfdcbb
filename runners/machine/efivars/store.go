// Package efivars enrolls a certificate in a blank store of UEFI variables,
// the file that EDK II firmware (OVMF, AAVMF) keeps beside its code, so that
// the firmware boots with Secure Boot enforced. It refuses a store that is of
// another format or holds variables already. It is pure and imported by
// whatever boots a machine.
package efivars

import (
	"bytes"
	"encoding/binary"

	"github.com/bakelite/bakelite/internal/fault"
)

// Measures in bytes of a firmware volume's header (UEFI Platform
// Initialization 1.7, volume 3, 3.2.1) and of the store that follows it (edk2,
// MdeModulePkg/Include/Guid/VariableFormat.h, VARIABLE_STORE_HEADER).
const (
	volumeGUID     = 16
	volumeLength   = 32
	volumeMagic    = 40
	volumeHeader   = 48
	volumeLeast    = 56
	storeSize      = 16
	storeFormat    = 20
	storeState     = 21
	storeHeader    = 28
	storeFormatted = 0x5A
	storeHealthy   = 0xFE
	erased         = 0xFF
)

// The identifiers of a volume with variables and of a store whose variables
// carry what authenticates them (edk2, EFI_SYSTEM_NV_DATA_FV_GUID and
// EFI_AUTHENTICATED_VARIABLE_GUID).
const (
	guidVolume = "fff12b8d-7696-4c8b-a985-2747075b4f50"
	guidStore  = "aaf32c78-947b-439a-a180-2e144ec37792"
)

// findStore returns the place for variables in a template, and refuses one
// that is not blank.
func findStore(template []byte) ([]byte, error) {
	volume, header, err := findVolume(template)
	if err != nil {
		return nil, err
	}
	store := volume[header:]
	if len(store) < storeHeader || !isGUID(store, guidStore) {
		return nil, fault.New(fault.Missing, "the volume holds no store of authenticated variables")
	}
	size := uint64(binary.LittleEndian.Uint32(store[storeSize:]))
	if size < storeHeader || size > uint64(len(store)) || store[storeFormat] != storeFormatted || store[storeState] != storeHealthy {
		return nil, fault.New(fault.Missing, "the store of variables is damaged")
	}
	place := store[storeHeader:size]
	if bytes.Count(place, []byte{erased}) != len(place) {
		return nil, fault.New(fault.Missing, "the store holds variables already")
	}
	return place, nil
}

// findVolume returns the firmware volume at the template's start and the size
// of its header.
func findVolume(template []byte) (volume []byte, header int, err error) {
	if len(template) < volumeLeast || !isGUID(template[volumeGUID:], guidVolume) || string(template[volumeMagic:volumeMagic+4]) != "_FVH" {
		return nil, 0, fault.New(fault.Missing, "not a firmware volume with variables")
	}
	length := binary.LittleEndian.Uint64(template[volumeLength:])
	header = int(binary.LittleEndian.Uint16(template[volumeHeader:]))
	if length > uint64(len(template)) || header < volumeLeast || uint64(header) > length || sum16(template[:header]) != 0 {
		return nil, 0, fault.New(fault.Missing, "the firmware volume's header is damaged")
	}
	return template[:length], header, nil
}

// sum16 adds up words; the header has one that makes the sum 0.
func sum16(data []byte) uint16 {
	var sum uint16
	for ; len(data) >= 2; data = data[2:] {
		sum += binary.LittleEndian.Uint16(data)
	}
	return sum
}
