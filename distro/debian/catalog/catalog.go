// Package catalog is the compact form of one Packages file: what of each
// package decides whether another version of it is installed, sorted so that
// a name is found without reading the rest. It refuses a file that is damaged
// or of another form, and more than its limits. It knows nothing of
// signatures: who writes one has verified what it is made from. distro/debian
// and what compares with it may import it.
package catalog

import (
	"crypto/sha256"
	"errors"
	"fmt"
	"io"
	"sort"
	"strings"

	"github.com/bakelite/bakelite/internal/limit"
)

// Form is the version of the form; it belongs into the name of what is kept.
const Form = "catalog1"

// maxBytes bounds a catalog; trixie's main has 17 MB.
const maxBytes = 256 << 20

// Package is one package of a catalog.
type Package struct {
	Name, Version, Arch string
	// Source and SourceVersion name the source package.
	Source, SourceVersion string
	// PreDepends and the like are relationship fields as written.
	PreDepends, Depends, Conflicts, Breaks, Provides string
	// SHA256 is that of the file, as bytes.
	SHA256 string
	// Size is that of the file, in bytes.
	Size int64
	// Essential packages are part of every system.
	Essential bool
}

// fields are the texts of a package, in the order of its record.
func (p *Package) fields() [texts]*string {
	return [texts]*string{
		&p.Name, &p.Version, &p.Arch, &p.Source, &p.SourceVersion,
		&p.PreDepends, &p.Depends, &p.Conflicts, &p.Breaks, &p.Provides,
	}
}

// The file: a head, the digest of all that follows, three numbers, then the
// records of the packages, those of the virtual names, and a pool of texts.
// A record has the places of its texts in the pool, the digest, the size and
// whether it is essential. Records are sorted by name, of a name the newest
// version first; virtual names by name. Numbers are little endian.
const (
	head         = "bakelite " + Form + "\n"
	texts        = 10
	numbers      = 3
	numberBytes  = 4
	recordBytes  = texts*numberBytes + sha256.Size + 2*numberBytes + numberBytes
	virtualBytes = 2 * numberBytes
)

// Catalog finds packages by name. It is safe for concurrent use.
type Catalog struct {
	records, virtual, pool string
}

// Read reads what Write wrote, of about that many bytes; anything else is an
// error.
func Read(r io.Reader, bytes int64) (*Catalog, error) {
	front := make([]byte, len(head)+sha256.Size)
	if _, err := io.ReadFull(r, front); err != nil || string(front[:len(head)]) != head {
		return nil, errors.New("reading the catalog: it is of another form")
	}
	var rest strings.Builder
	rest.Grow(int(min(max(bytes, 0), maxBytes)))
	sum := sha256.New()
	if _, err := io.Copy(io.MultiWriter(&rest, sum), limit.Reader(r, maxBytes, "the catalog")); err != nil {
		return nil, fmt.Errorf("reading the catalog: %w", err)
	}
	if string(sum.Sum(nil)) != string(front[len(head):]) {
		return nil, errors.New("reading the catalog: it is damaged")
	}
	return split(rest.String())
}

// split cuts the body into its parts.
func split(body string) (*Catalog, error) {
	if len(body) < numbers*numberBytes {
		return nil, errors.New("reading the catalog: it is cut off")
	}
	packages, virtual, pool := int64(number(body, 0)), int64(number(body, 1)), int64(number(body, 2))
	body = body[numbers*numberBytes:]
	if packages*recordBytes+virtual*virtualBytes+pool != int64(len(body)) {
		return nil, errors.New("reading the catalog: its parts have another size")
	}
	at, next := packages*recordBytes, packages*recordBytes+virtual*virtualBytes
	return &Catalog{records: body[:at], virtual: body[at:next], pool: body[next:]}, nil
}

// number is the nth number of a text, 0 past its end.
func number(text string, n int) uint32 {
	if len(text) < (n+1)*numberBytes {
		return 0
	}
	b := text[n*numberBytes:]
	return uint32(b[0]) | uint32(b[1])<<8 | uint32(b[2])<<16 | uint32(b[3])<<24
}

// text is what stands in the pool at a place: its length and its bytes.
func (c *Catalog) text(at uint32) string {
	if int64(at)+numberBytes > int64(len(c.pool)) {
		return ""
	}
	rest := c.pool[at:]
	length := number(rest, 0)
	rest = rest[numberBytes:]
	return rest[:min(int(length), len(rest))]
}

// Len returns the number of packages.
func (c *Catalog) Len() int { return len(c.records) / recordBytes }

// Package returns the nth package in the order of names.
func (c *Catalog) Package(n int) Package {
	r := c.records[n*recordBytes:][:recordBytes]
	var p Package
	for i, field := range p.fields() {
		*field = c.text(number(r, i))
	}
	p.SHA256 = r[texts*numberBytes:][:sha256.Size]
	tail := r[texts*numberBytes+sha256.Size:]
	p.Size = int64(number(tail, 0)) | int64(number(tail, 1))<<32
	p.Essential = number(tail, 2) == 1
	return p
}

func (c *Catalog) name(n int) string { return c.text(number(c.records[n*recordBytes:], 0)) }

// Find returns the range of a name's packages, the newest version first; it
// is empty where there is none.
func (c *Catalog) Find(name string) (from, to int) {
	from = sort.Search(c.Len(), func(n int) bool { return c.name(n) >= name })
	for to = from; to < c.Len() && c.name(to) == name; to++ {
	}
	return from, to
}

// Providers returns the packages that provide a name, in their order.
func (c *Catalog) Providers(name string) []int {
	count := len(c.virtual) / virtualBytes
	virtual := func(n int) string { return c.text(number(c.virtual[n*virtualBytes:], 0)) }
	var all []int
	for n := sort.Search(count, func(n int) bool { return virtual(n) >= name }); n < count && virtual(n) == name; n++ {
		if by := int(number(c.virtual[n*virtualBytes:], 1)); by < c.Len() {
			all = append(all, by)
		}
	}
	return all
}
