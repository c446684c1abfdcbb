package uki

import (
	"bytes"
	"crypto"
	"crypto/rand"
	"crypto/rsa"
	"crypto/sha256"
	"crypto/x509"
	"encoding/binary"
	"fmt"
	"io"

	"github.com/bakelite/bakelite/internal/disk"
	"github.com/bakelite/bakelite/internal/fault"
)

// The header of a signature (UEFI 2.10, 32.5.1.2, WIN_CERTIFICATE).
const (
	certHeader   = 8
	certRevision = 0x0200
	certPKCS7    = 0x0002 // WIN_CERT_TYPE_PKCS_SIGNED_DATA
)

// Sign returns the program with an Authenticode signature appended, which UEFI
// Secure Boot takes from whoever enrolled the certificate. The same program
// and key make the same bytes, as the signature holds no time. A program that
// is signed already, or whose sections leave gaps, is an error of kind Invalid.
func Sign(program disk.Content, s Signer) (disk.Image, error) {
	img, err := sign(program, s)
	if err != nil {
		return disk.Image{}, fmt.Errorf("signing EFI program: %w", err)
	}
	return img, nil
}

func sign(program disk.Content, s Signer) (disk.Image, error) {
	if err := s.check(); err != nil {
		return disk.Image{}, err
	}
	f, err := readFrame(program)
	if err != nil {
		return disk.Image{}, err
	}
	if f.signature != 0 {
		return disk.Image{}, fault.New(fault.Invalid, "it is signed already")
	}
	digest, err := f.digest()
	if err != nil {
		return disk.Image{}, err
	}
	content, signed, err := encodeContent(digest)
	if err != nil {
		return disk.Image{}, err
	}
	sum := sha256.Sum256(signed)
	signature, err := s.Key.Sign(rand.Reader, sum[:], crypto.SHA256)
	if err != nil {
		return disk.Image{}, fault.New(fault.Internal, "the key does not sign")
	}
	data, err := encodeSignature(content, s.Certificate, signature)
	if err != nil {
		return disk.Image{}, err
	}
	return f.append(encodeTable(data))
}

// encodeTable puts the header before a signature and pads it; the length
// counts the padding, as signtool's and sbsign's do.
func encodeTable(signature []byte) []byte {
	table := make([]byte, alignUp(certHeader+int64(len(signature)), tableAlign))
	binary.LittleEndian.PutUint32(table, uint32(len(table)))
	binary.LittleEndian.PutUint16(table[4:], certRevision)
	binary.LittleEndian.PutUint16(table[6:], certPKCS7)
	copy(table[certHeader:], signature)
	return table
}

// append lays a signature after the program, which is not copied.
func (f *frame) append(table []byte) (disk.Image, error) {
	entry := make([]byte, directorySize)
	binary.LittleEndian.PutUint32(entry, uint32(f.table()))
	binary.LittleEndian.PutUint32(entry[4:], uint32(len(table)))
	after := f.directory + directorySize
	return disk.NewImage(f.table()+int64(len(table)),
		disk.Extent{Content: io.NewSectionReader(f.program, 0, f.directory)},
		disk.Extent{Offset: f.directory, Content: bytes.NewReader(entry)},
		disk.Extent{Offset: after, Content: io.NewSectionReader(f.program, after, f.end-after)},
		disk.Extent{Offset: f.table(), Content: bytes.NewReader(table)},
	)
}

// Verify returns nil where the program is as Sign signed it with the
// certificate's key; it takes no other form of signature. What does not hold
// is an error of kind Integrity, what is no program one of kind Invalid.
func Verify(program disk.Content, cert *x509.Certificate) error {
	if err := verify(program, cert); err != nil {
		return fmt.Errorf("verifying EFI program: %w", err)
	}
	return nil
}

// verify parses nothing of the signature: it makes the table that must be
// there, all but the signature proper, which is the last thing in it.
func verify(program disk.Content, cert *x509.Certificate) error {
	key, err := firmwareKey(cert)
	if err != nil {
		return err
	}
	f, err := readFrame(program)
	if err != nil {
		return err
	}
	if f.signature == 0 {
		return fault.New(fault.Integrity, "it is not signed")
	}
	digest, err := f.digest()
	if err != nil {
		return err
	}
	content, signed, err := encodeContent(digest)
	if err != nil {
		return err
	}
	signature, err := f.readSignature(content, cert, key.Size())
	if err != nil {
		return err
	}
	sum := sha256.Sum256(signed)
	if err := rsa.VerifyPKCS1v15(key, crypto.SHA256, sum[:], signature); err != nil {
		return fault.New(fault.Integrity, "the signature is not by the certificate's key")
	}
	return nil
}

// readSignature returns the signature proper, of size bytes, where all that
// surrounds it is as it must be.
func (f *frame) readSignature(content []byte, cert *x509.Certificate, size int) ([]byte, error) {
	data, err := encodeSignature(content, cert, make([]byte, size))
	if err != nil {
		return nil, err
	}
	want := encodeTable(data)
	if int64(len(want)) != f.signature {
		return nil, errOther()
	}
	got := make([]byte, len(want))
	if _, err := f.program.ReadAt(got, f.end); err != nil && err != io.EOF {
		return nil, fault.As(fault.Integrity, fmt.Errorf("reading signature: %w", err))
	}
	from := certHeader + len(data) - size
	copy(want[from:from+size], got[from:])
	if !bytes.Equal(got, want) {
		return nil, errOther()
	}
	return got[from : from+size], nil
}

func errOther() error {
	return fault.New(fault.Integrity, "the signature is of other bytes, by another certificate or of another form")
}
