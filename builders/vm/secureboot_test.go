package vm

import (
	"bytes"
	"crypto/rand"
	"crypto/rsa"
	"crypto/x509"
	"debug/pe"
	"encoding/binary"
	"io"
	"math/big"
	"strings"
	"testing"
	"time"

	"github.com/bakelite/bakelite/internal/disk"
	"github.com/bakelite/bakelite/internal/disk/fat"
	"github.com/bakelite/bakelite/internal/disk/uki"
	"github.com/bakelite/bakelite/internal/fault"
)

// efiProgram is the least that can be signed: headers alone.
func efiProgram(t *testing.T) disk.Image {
	t.Helper()
	var b bytes.Buffer
	dos := make([]byte, 64)
	copy(dos, "MZ")
	dos[0x3c] = 64
	for _, part := range []any{
		dos, []byte("PE\x00\x00"), pe.FileHeader{Machine: pe.IMAGE_FILE_MACHINE_AMD64, SizeOfOptionalHeader: 240},
		pe.OptionalHeader64{Magic: 0x20b, SizeOfHeaders: 512, NumberOfRvaAndSizes: 16}, make([]byte, 512),
	} {
		if err := binary.Write(&b, binary.LittleEndian, part); err != nil {
			t.Fatal(err)
		}
	}
	image, err := disk.NewImage(int64(b.Len()), disk.Extent{Content: bytes.NewReader(b.Bytes())})
	if err != nil {
		t.Fatal(err)
	}
	return image
}

func newSigner(t *testing.T) *uki.Signer {
	t.Helper()
	key, err := rsa.GenerateKey(rand.Reader, 2048)
	if err != nil {
		t.Fatal(err)
	}
	template := &x509.Certificate{SerialNumber: big.NewInt(1), NotAfter: time.Unix(4102444800, 0)}
	der, err := x509.CreateCertificate(rand.Reader, template, template, key.Public(), key)
	if err != nil {
		t.Fatal(err)
	}
	cert, err := x509.ParseCertificate(der)
	if err != nil {
		t.Fatal(err)
	}
	return &uki.Signer{Certificate: cert, Key: key}
}

func TestBootFilesAreSigned(t *testing.T) {
	const path = "EFI/BOOT/BOOTX64.EFI"
	program, s := efiProgram(t), newSigner(t)
	files, err := bootFiles(path, program, s)
	if err != nil || len(files) != 2 || files[0].Path != path || files[1].Path != "EFI/bakelite.cer" {
		t.Fatalf("%+v, %v", files, err)
	}
	if err := uki.Verify(files[0].Content, s.Certificate); err != nil {
		t.Error(err)
	}
	der, err := io.ReadAll(io.NewSectionReader(files[1].Content, 0, files[1].Content.Size()))
	if err != nil || !bytes.Equal(der, s.Certificate.Raw) {
		t.Errorf("the certificate differs: %v", err)
	}
	if _, err := fat.Build(files, fat.Options{Epoch: time.Unix(1735689600, 0)}); err != nil {
		t.Error(err)
	}
}

func TestBootFilesWithoutSigner(t *testing.T) {
	program := efiProgram(t)
	files, err := bootFiles("EFI/BOOT/BOOTX64.EFI", program, nil)
	if err != nil || len(files) != 1 || files[0].Content.Size() != program.Size() {
		t.Errorf("%+v, %v", files, err)
	}
}

func TestBootFilesRefuseHalfASigner(t *testing.T) {
	s := newSigner(t)
	s.Key = newSigner(t).Key
	if _, err := bootFiles("EFI/BOOT/BOOTX64.EFI", efiProgram(t), s); fault.KindOf(err) != fault.Invalid || !strings.Contains(err.Error(), "not of this key") {
		t.Errorf("%v", err)
	}
}
