package system

import (
	"bytes"
	"encoding/binary"
	"fmt"
	"slices"

	"github.com/bakelite/bakelite/builders/tree/treefs"
)

const (
	// cacheFile says which file each library's name means (ld.so(8)).
	cacheFile = "etc/ld.so.cache"
	// maxCache bounds it, in bytes; a full desktop's has 200 KB.
	maxCache = 64 << 20
	// cacheMagic begins it (sysdeps/generic/dl-cache.h of glibc), entriesAt is
	// where the entries begin and entrySize what each has, in bytes.
	cacheMagic = "glibc-ld.so.cache1.1"
	entriesAt  = 48
	entrySize  = 24
)

// libraries notes the cache where a library's name means another file than
// before; that there are more libraries is the app's to say.
func (c *comparison) libraries() error {
	was, err := librariesOf(c.before)
	if err != nil || len(was) == 0 {
		return err
	}
	now, err := librariesOf(c.now)
	if err != nil {
		return err
	}
	for name := range was {
		if !slices.Equal(was[name], now[name]) {
			c.add(cacheFile)
			break
		}
	}
	return nil
}

// librariesOf returns the entries of the cache, by the library's name; none
// where there is no cache in the form of today's glibc.
func librariesOf(t *treefs.FS) (map[string][]string, error) {
	info, err := t.Lstat(cacheFile)
	if err != nil || info == nil || !info.Mode().IsRegular() {
		return nil, err
	}
	text, err := t.ReadFile(cacheFile, maxCache)
	if err != nil {
		return nil, fmt.Errorf("reading the cache of libraries: %w", err)
	}
	return parseCache(text), nil
}

// parseCache reads the cache: numbers have the byte order of all architectures
// that are baked.
func parseCache(text []byte) map[string][]string {
	if len(text) < entriesAt || !bytes.HasPrefix(text, []byte(cacheMagic)) {
		return nil
	}
	count := int64(binary.LittleEndian.Uint32(text[len(cacheMagic):]))
	if entriesAt+count*entrySize > int64(len(text)) {
		return nil
	}
	all := map[string][]string{}
	for entry := text[entriesAt : entriesAt+count*entrySize]; len(entry) > 0; entry = entry[entrySize:] {
		name, ok := textAt(text, entry[4:])
		file, ok2 := textAt(text, entry[8:])
		if !ok || !ok2 {
			return nil
		}
		// Kind of library, system and processor choose among files of one name.
		all[name] = append(all[name], fmt.Sprintf("%x %x %s", entry[:4], entry[12:entrySize], file))
	}
	return all
}

// textAt returns the text that a number leads to.
func textAt(text, number []byte) (string, bool) {
	at := binary.LittleEndian.Uint32(number)
	if int64(at) >= int64(len(text)) {
		return "", false
	}
	found, _, ok := bytes.Cut(text[at:], []byte{0})
	return string(found), ok
}
