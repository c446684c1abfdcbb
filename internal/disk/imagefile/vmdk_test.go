package imagefile

import (
	"bytes"
	"compress/zlib"
	"context"
	"encoding/binary"
	"io"
	"math/rand/v2"
	"strings"
	"testing"

	"github.com/bakelite/bakelite/internal/disk"
	"github.com/bakelite/bakelite/internal/disk/format"
)

// streamed reads a stream-optimized disk from front to end by its markers
// alone, as VMware's and the clouds' importers do; QEMU goes by the tables.
func streamed(t *testing.T, file []byte) (plain []byte, kinds []uint32) {
	t.Helper()
	le := binary.LittleEndian
	plain = make([]byte, le.Uint64(file[12:])*vmdkSector)
	for at := overhead * vmdkSector; ; {
		marker := file[at : at+vmdkSector]
		value, size := le.Uint64(marker), le.Uint32(marker[8:])
		if size > 0 {
			z, err := zlib.NewReader(bytes.NewReader(file[at+12 : at+12+int(size)]))
			if err != nil {
				t.Fatal(err)
			}
			data, err := io.ReadAll(z)
			if err != nil || len(data) != grain {
				t.Fatalf("grain of %d bytes: %v", len(data), err)
			}
			copy(plain[value*vmdkSector:], data)
			at += int(ceil(12+int64(size), vmdkSector)) * vmdkSector
			continue
		}
		kinds = append(kinds, le.Uint32(marker[12:]))
		at += (1 + int(value)) * vmdkSector
		if le.Uint32(marker[12:]) == markEnd {
			if at != len(file) {
				t.Errorf("%d bytes follow the end", len(file)-at)
			}
			return plain, kinds
		}
	}
}

func TestVMDKReadsAsAStream(t *testing.T) {
	m := image(t, rand.New(rand.NewPCG(11, 12)), 100<<20)
	var file bytes.Buffer
	f, err := format.Lookup("vmdk")
	if err != nil {
		t.Fatal(err)
	}
	if _, err := Write(context.Background(), &file, f, m, meta()); err != nil {
		t.Fatal(err)
	}
	want := make([]byte, m.Size())
	if _, err := m.ReadAt(want, 0); err != nil {
		t.Fatal(err)
	}
	plain, kinds := streamed(t, file.Bytes())
	if !bytes.Equal(plain, want) {
		t.Error("the stream is not the disk")
	}
	if n := len(kinds); n < 4 || kinds[n-3] != markDir || kinds[n-2] != markFooter || kinds[n-4] != markTable {
		t.Errorf("markers are %v", kinds)
	}
}

func TestVMDKContentIDFollowsTheDisk(t *testing.T) {
	v := &vmdk{size: 1 << 30}
	a, b := v.descriptor(Meta{ID: disk.GUID{1}}), v.descriptor(Meta{ID: disk.GUID{2}})
	if a == b || !strings.Contains(a, "RDONLY 2097152 SPARSE") || len(a) > descriptor*vmdkSector {
		t.Errorf("descriptors are\n%s\n%s", a, b)
	}
}
