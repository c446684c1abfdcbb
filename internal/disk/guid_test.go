package disk

import (
	"bytes"
	"encoding/hex"
	"testing"

	"github.com/bakelite/bakelite/internal/fault"
)

func TestGUIDOnDisk(t *testing.T) {
	g, err := ParseGUID("C12A7328-F81F-11D2-BA4B-00A0C93EC93B")
	if err != nil {
		t.Fatal(err)
	}
	if g.String() != "c12a7328-f81f-11d2-ba4b-00a0c93ec93b" {
		t.Errorf("String() = %s", g)
	}
	b := g.OnDisk()
	if got := hex.EncodeToString(b[:]); got != "28732ac11ff8d211ba4b00a0c93ec93b" {
		t.Errorf("OnDisk() = %s", got)
	}
}

func TestParseGUIDRefuses(t *testing.T) {
	for _, s := range []string{
		"", "c12a7328", "c12a7328f81f11d2ba4b00a0c93ec93b",
		"c12a7328-f81f-11d2-ba4b-00a0c93ec93", "c12a7328-f81f-11d2-ba4b-00a0c93ec93bb",
		"g12a7328-f81f-11d2-ba4b-00a0c93ec93b", "c12a-7328f81f-11d2-ba4b-00a0c93ec93b",
		"{12a7328-f81f-11d2-ba4b-00a0c93ec93}", "c12a7328-f81f-11d2-ba4b00a0c93ec93b-",
		"------------------------------------",
	} {
		if g, err := ParseGUID(s); fault.KindOf(err) != fault.Invalid {
			t.Errorf("ParseGUID(%q) = %s, %v", s, g, err)
		}
	}
}

func FuzzParseGUID(f *testing.F) {
	f.Add("c12a7328-f81f-11d2-ba4b-00a0c93ec93b")
	f.Add("c12a7328-f81f-11d2-ba4b00a0c93ec93b-")
	f.Fuzz(func(t *testing.T, s string) {
		g, err := ParseGUID(s)
		if err != nil {
			return
		}
		if !bytes.EqualFold([]byte(g.String()), []byte(s)) {
			t.Errorf("%q became %s", s, g)
		}
	})
}

func TestVerityIDsReadAsTheRootHash(t *testing.T) {
	hash, _ := hex.DecodeString("00112233445566778899aabbccddeeff" + "ffeeddccbbaa99887766554433221100")
	data, tree, err := VerityIDs(hash)
	if err != nil || data.String() != "00112233-4455-6677-8899-aabbccddeeff" || tree.String() != "ffeeddcc-bbaa-9988-7766-554433221100" {
		t.Errorf("VerityIDs = %s, %s, %v", data, tree, err)
	}
	if _, _, err := VerityIDs(hash[:20]); fault.KindOf(err) != fault.Invalid {
		t.Errorf("a SHA-1 hash: %v", err)
	}
}

// The vector is RFC 9562, appendix B.2.
func TestNameGUID(t *testing.T) {
	dns, err := ParseGUID("6ba7b810-9dad-11d1-80b4-00c04fd430c8")
	if err != nil {
		t.Fatal(err)
	}
	if got := NameGUID(dns, "www.example.com").String(); got != "5c146b14-3c52-8afd-938a-375d0df1fbf6" {
		t.Errorf("NameGUID = %s", got)
	}
}
