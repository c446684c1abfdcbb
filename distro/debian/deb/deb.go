// Package deb reads Debian binary packages (.deb) in pure Go: an ar file with
// a control and a data member, each a tar file that is plain or packed with
// gzip, xz or zstd. It streams, bounds what it reads and refuses names and
// links that leave the tree, devices and anything else that no package of
// Debian holds.
package deb

import (
	"archive/tar"
	"bytes"
	"errors"
	"fmt"
	"io"
	"strconv"
	"strings"

	"github.com/klauspost/compress/gzip"
	"github.com/klauspost/compress/zstd"
	"github.com/xi2/xz"

	"github.com/bakelite/bakelite/internal/limit"
)

const (
	// MaxUnpacked bounds one unpacked member, in bytes. The largest package of
	// Debian (game data) unpacks to about 2 GB.
	MaxUnpacked = 8 << 30
	// MaxEntries bounds the entries of one member; Debian's largest packages
	// have about 60,000 files.
	MaxEntries = 500_000
	// maxDictionary bounds a decoder's window, in bytes; xz -9 uses it.
	maxDictionary = 64 << 20

	magic      = "!<arch>\n"
	headerSize = 60
)

// Data calls fn for each entry of the package's data member, in its order.
// Names and hard links' targets are clean and relative ("usr/bin/sh"); the
// root folder itself is left out. The reader is valid until fn returns.
func Data(r io.Reader, fn func(*tar.Header, io.Reader) error) error {
	return member(r, "data.tar", func(t *tar.Reader) error {
		return entries(t, fn)
	})
}

// member finds the tar member with that name and any packing.
func member(r io.Reader, name string, fn func(*tar.Reader) error) error {
	head := make([]byte, len(magic))
	if _, err := io.ReadFull(r, head); err != nil || string(head) != magic {
		return errors.New("it is not a Debian package")
	}
	for first := true; ; first = false {
		found, size, err := nextMember(r)
		if err != nil {
			return fmt.Errorf("looking for %s: %w", name, err)
		}
		body := io.LimitReader(r, size)
		if first {
			if err := checkFormat(found, body); err != nil {
				return err
			}
		} else if packing, ok := strings.CutPrefix(found, name); ok {
			plain, closeFn, err := unpack(packing, body)
			if err != nil {
				return fmt.Errorf("unpacking %s: %w", found, err)
			}
			defer closeFn()
			return fn(tar.NewReader(limit.Reader(plain, MaxUnpacked, found)))
		}
		if _, err := io.CopyN(io.Discard, r, remaining(body)+size%2); err != nil {
			return fmt.Errorf("skipping %s: %w", found, err)
		}
	}
}

func remaining(r io.Reader) int64 { return r.(*io.LimitedReader).N }

// checkFormat wants the first member, "debian-binary", to say version 2.
func checkFormat(name string, body io.Reader) error {
	text, err := limit.ReadAll(body, 64, name)
	if err != nil || name != "debian-binary" || !bytes.HasPrefix(text, []byte("2.")) {
		return errors.New("it is not a Debian package of format 2")
	}
	return nil
}

// nextMember reads one ar header: name 16, time 12, owner 6, group 6, mode 8,
// size 10 and an end mark of 2 bytes.
func nextMember(r io.Reader) (name string, size int64, err error) {
	var h [headerSize]byte
	if _, err := io.ReadFull(r, h[:]); err != nil {
		return "", 0, err
	}
	size, err = strconv.ParseInt(strings.TrimSpace(string(h[48:58])), 10, 64)
	if err != nil || size < 0 || string(h[58:]) != "`\n" {
		return "", 0, errors.New("an ar header is malformed")
	}
	return strings.TrimRight(strings.TrimSpace(string(h[:16])), "/"), size, nil
}

func unpack(packing string, r io.Reader) (io.Reader, func(), error) {
	nothing := func() {}
	switch packing {
	case "":
		return r, nothing, nil
	case ".gz":
		z, err := gzip.NewReader(r)
		return z, nothing, err
	case ".xz":
		z, err := xz.NewReader(r, maxDictionary)
		return z, nothing, err
	case ".zst":
		z, err := zstd.NewReader(r, zstd.WithDecoderConcurrency(1), zstd.WithDecoderMaxWindow(maxDictionary))
		if err != nil {
			return nil, nothing, err
		}
		return z, z.Close, nil
	}
	return nil, nothing, fmt.Errorf("packing %q is not known", packing)
}
