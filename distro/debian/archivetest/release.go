package archivetest

import (
	"bytes"
	"cmp"
	"compress/gzip"
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"io"
	"time"

	"github.com/ProtonMail/go-crypto/openpgp"
	"github.com/ProtonMail/go-crypto/openpgp/clearsign"
	"github.com/ProtonMail/go-crypto/openpgp/packet"
)

// Release is what a test changes in a suite; the zero value is an honest one,
// of the date Released.
type Release struct {
	Codename, Version string
	Date, ValidUntil  time.Time
	Signer            *openpgp.Entity
	// Packages comes before the content of Packages; Packed, where set, is
	// published as Packages.gz, and XZ as Packages.xz.
	Packages, Packed, XZ []byte
	// NoGzip leaves Packages.gz out of the index.
	NoGzip bool
}

// Publish makes a suite hold these packages and no others, from a date on.
func (a *Archive) Publish(suite string, date time.Time, packages ...Package) {
	a.t.Helper()
	a.Release(suite, Release{Date: date}, packages...)
}

// Release makes a suite hold these packages and no others.
func (a *Archive) Release(suite string, r Release, packages ...Package) {
	a.t.Helper()
	a.Mu.Lock()
	defer a.Mu.Unlock()
	index := r.Packages
	for _, p := range packages {
		data := p.build()
		a.Files[p.path()] = data
		index = append(index, p.stanza(data)...)
	}
	if r.Packed == nil {
		r.Packed = Gzipped(index)
	}
	const packagesOf = "main/binary-amd64/"
	text := fmt.Sprintf("Origin: Test\nSuite: test\nCodename: %s\nVersion: %s\nDate: %s\n", cmp.Or(r.Codename, suite), cmp.Or(r.Version, "13.8"), stamp(r.Date))
	if !r.ValidUntil.IsZero() {
		text += "Valid-Until: " + stamp(r.ValidUntil) + "\n"
	}
	text += "Acquire-By-Hash: yes\nArchitectures: amd64\nComponents: main\nSHA256:\n"
	for _, f := range []struct {
		name           string
		data           []byte
		listed, served bool
	}{{"Packages", index, true, false}, {"Packages.gz", r.Packed, !r.NoGzip, true}, {"Packages.xz", r.XZ, r.XZ != nil, r.XZ != nil}} {
		if f.listed {
			text += fmt.Sprintf(" %s %d %s\n", Sum(f.data), len(f.data), packagesOf+f.name)
		}
		if f.served {
			a.Files["dists/"+suite+"/"+packagesOf+"by-hash/SHA256/"+Sum(f.data)] = f.data
		}
	}
	if r.Signer == nil {
		r.Signer = a.Key
	}
	a.Files["dists/"+suite+"/InRelease"] = a.sign(r.Signer, text)
}

func (a *Archive) sign(key *openpgp.Entity, text string) []byte {
	a.t.Helper()
	var b bytes.Buffer
	w, err := clearsign.Encode(&b, key.PrivateKey, &packet.Config{Time: Released})
	if err == nil {
		_, err = io.WriteString(w, text)
	}
	if err == nil {
		err = w.Close()
	}
	if err != nil {
		a.t.Fatal(err)
	}
	return append(b.Bytes(), '\n')
}

// stamp is a date in the archive's words, Released for none.
func stamp(t time.Time) string {
	if t.IsZero() {
		t = Released()
	}
	return t.UTC().Format("Mon, 02 Jan 2006 15:04:05 UTC")
}

// Sum is the SHA-256 in hexadecimal digits.
func Sum(data []byte) string {
	s := sha256.Sum256(data)
	return hex.EncodeToString(s[:])
}

// Gzipped packs data.
func Gzipped(data []byte) []byte {
	var b bytes.Buffer
	w := gzip.NewWriter(&b)
	_, _ = w.Write(data) // into memory
	_ = w.Close()
	return b.Bytes()
}
