package catalog

import (
	"bytes"
	"cmp"
	"crypto/sha256"
	"encoding/binary"
	"fmt"
	"io"
	"slices"
	"strings"

	"github.com/bakelite/bakelite/distro/debian/control"
	"github.com/bakelite/bakelite/internal/limit"
)

// Write writes the packages of one Packages file as a catalog. Of two with
// the same name and version the first counts first. A Provides that cannot be
// read, a digest that is none and more than a catalog may hold are errors.
func Write(w io.Writer, packages []Package) error {
	packages = slices.Clone(packages)
	slices.SortStableFunc(packages, func(a, b Package) int {
		return cmp.Or(strings.Compare(a.Name, b.Name), control.Compare(b.Version, a.Version))
	})
	b := builder{places: map[string]uint32{}}
	for n, p := range packages {
		if err := b.add(n, p); err != nil {
			return fmt.Errorf("package %s: %w", p.Name, err)
		}
	}
	virtual := b.virtual()
	size := b.records.Len() + len(virtual) + b.pool.Len() + numbers*numberBytes
	if size > maxBytes {
		return &limit.Error{What: "the catalog", Bytes: maxBytes}
	}
	body := make([]byte, 0, size)
	for _, n := range []int{len(packages), len(virtual) / virtualBytes, b.pool.Len()} {
		body = binary.LittleEndian.AppendUint32(body, uint32(n))
	}
	body = slices.Concat(body, b.records.Bytes(), virtual, b.pool.Bytes())
	sum := sha256.Sum256(body)
	for _, part := range [][]byte{[]byte(head), sum[:], body} {
		if _, err := w.Write(part); err != nil {
			return fmt.Errorf("writing the catalog: %w", err)
		}
	}
	return nil
}

type builder struct {
	records, pool bytes.Buffer
	places        map[string]uint32
	provides      []provide
}

// provide says that a package stands for a virtual name.
type provide struct {
	name string
	by   int
}

func (b *builder) add(n int, p Package) error {
	if len(p.SHA256) != sha256.Size {
		return fmt.Errorf("its digest has %d bytes", len(p.SHA256))
	}
	provided, err := control.ParseRelations(p.Provides)
	if err != nil {
		return fmt.Errorf("reading Provides: %w", err)
	}
	for _, group := range provided {
		b.provides = append(b.provides, provide{group[0].Name, n})
	}
	record := make([]byte, 0, recordBytes)
	for _, field := range p.fields() {
		record = binary.LittleEndian.AppendUint32(record, b.place(*field))
	}
	record = append(record, p.SHA256...)
	record = binary.LittleEndian.AppendUint64(record, uint64(p.Size))
	essential := uint32(0)
	if p.Essential {
		essential = 1
	}
	b.records.Write(binary.LittleEndian.AppendUint32(record, essential))
	return nil
}

// place returns where a text stands in the pool, which has each once.
func (b *builder) place(text string) uint32 {
	at, known := b.places[text]
	if !known {
		at = uint32(b.pool.Len())
		b.places[text] = at
		b.pool.Write(binary.LittleEndian.AppendUint32(nil, uint32(len(text))))
		b.pool.WriteString(text)
	}
	return at
}

func (b *builder) virtual() []byte {
	slices.SortFunc(b.provides, func(x, y provide) int {
		return cmp.Or(strings.Compare(x.name, y.name), cmp.Compare(x.by, y.by))
	})
	var out []byte
	for _, p := range slices.Compact(b.provides) {
		out = binary.LittleEndian.AppendUint32(out, b.place(p.name))
		out = binary.LittleEndian.AppendUint32(out, uint32(p.by))
	}
	return out
}
