package secrets

import (
	"bytes"
	"crypto/sha256"
	"encoding/asn1"
	"strings"

	"golang.org/x/crypto/cryptobyte"
	tags "golang.org/x/crypto/cryptobyte/asn1"
)

// Object identifiers of what encrypts keys, in DER: PBES2 of RFC 8018, and
// those of PKCS #12, RFC 7292, whose last number follows.
const (
	oidPBES2  = "\x06\x09\x2a\x86\x48\x86\xf7\x0d\x01\x05\x0d"
	oidPKCS12 = "\x06\x0a\x2a\x86\x48\x86\xf7\x0d\x01\x0c\x01"
)

// keyKinds are the beginnings of the identifiers of keys, and what a private
// key of the kind is in PKCS #8.
func keyKinds() []struct {
	id  asn1.ObjectIdentifier
	key func(cryptobyte.String) bool
} {
	type kind = struct {
		id  asn1.ObjectIdentifier
		key func(cryptobyte.String) bool
	}
	return []kind{
		{asn1.ObjectIdentifier{1, 2, 840, 113549, 1, 1}, sequenceOf("\x02\x01\x00", pkcs1)},                       // RSA
		{asn1.ObjectIdentifier{1, 2, 840, 10045, 2}, sequenceOf("\x02\x01\x01", ecKey)},                           // EC
		{asn1.ObjectIdentifier{1, 2, 840, 10040, 4}, only(tags.INTEGER)},                                          // DSA
		{asn1.ObjectIdentifier{1, 2, 840, 113549, 1, 3}, only(tags.INTEGER)},                                      // DH
		{asn1.ObjectIdentifier{1, 3, 101}, only(tags.OCTET_STRING)},                                               // X25519 to Ed448
		{asn1.ObjectIdentifier{2, 16, 840, 1, 101, 3, 4, 3}, func(k cryptobyte.String) bool { return random(k) }}, // ML-DSA, SLH-DSA
		{asn1.ObjectIdentifier{2, 16, 840, 1, 101, 3, 4, 4}, func(k cryptobyte.String) bool { return random(k) }}, // ML-KEM
	}
}

// only is one element and no more, whose bytes are as random as a key's:
// programs have the beginnings of keys in them, which other things follow.
func only(tag tags.Tag) func(cryptobyte.String) bool {
	return func(key cryptobyte.String) bool {
		var content cryptobyte.String
		return key.ReadASN1(&content, tag) && key.Empty() && random(content)
	}
}

// random says whether bytes may be. Of 32 that are some 30 differ, and three
// zeros follow each other in one case of 500,000.
func random(key []byte) bool {
	different := map[byte]bool{}
	for _, b := range key[:min(len(key), 32)] {
		different[b] = true
	}
	return len(different) >= 16 && !bytes.Contains(key[:min(len(key), 64)], []byte{0, 0, 0})
}

// sequenceOf is a sequence that begins with a version.
func sequenceOf(version string, form func(cryptobyte.String) bool) func(cryptobyte.String) bool {
	return func(key cryptobyte.String) bool {
		var content cryptobyte.String
		return key.ReadASN1(&content, tags.SEQUENCE) && key.Empty() && strings.HasPrefix(string(content), version) && form(content[len(version):])
	}
}

// der finds a key in DER by the number of its version, which stands at the
// beginning of a sequence: form says whether the rest of that is a key.
func der(form func(rest cryptobyte.String) bool) find {
	return func(_ string, data []byte, at int) ([]Found, int) {
		whole, content, ok := sequenceBefore(data, at)
		if !ok || !form(content[3:]) {
			return nil, at + 1
		}
		return []Found{{At: at, Rule: PrivateKey, Title: titleKey, Severity: high, Binary: true, Sum: sha256.Sum256(whole)}}, at + 1
	}
}

// sequenceBefore returns the sequence whose content begins at at, by the head
// before it, and that content.
func sequenceBefore(data []byte, at int) (whole, content cryptobyte.String, ok bool) {
	for head := 2; head <= 5 && head <= at; head++ {
		rest := cryptobyte.String(data[at-head:])
		if data[at-head] == 0x30 && rest.ReadASN1(&content, tags.SEQUENCE) && len(content) >= 4 && &content[0] == &data[at] {
			return data[at-head : at+len(content)], content, true
		}
	}
	return nil, nil, false
}

// pkcs8 is RFC 5958: an algorithm, the key of its kind, and perhaps
// attributes and the public key.
func pkcs8(rest cryptobyte.String) bool {
	var algorithm, key cryptobyte.String
	var id asn1.ObjectIdentifier
	if !rest.ReadASN1(&algorithm, tags.SEQUENCE) || !algorithm.ReadASN1ObjectIdentifier(&id) || !rest.ReadASN1(&key, tags.OCTET_STRING) || !optional(rest) {
		return false
	}
	for _, kind := range keyKinds() {
		if len(id) >= len(kind.id) && id[:len(kind.id)].Equal(kind.id) {
			return kind.key(key)
		}
	}
	return false
}

// optional says whether what is left has the tags 0 and 1 alone.
func optional(rest cryptobyte.String) bool {
	for !rest.Empty() {
		var element cryptobyte.String
		var tag tags.Tag
		if !rest.ReadAnyASN1(&element, &tag) || tag&0xde != 0x80 {
			return false
		}
	}
	return true
}

// pkcs1 is RFC 8017, A.1.2, with eight numbers or more, or OpenSSL's form of a
// DSA key with five.
func pkcs1(rest cryptobyte.String) bool {
	count, most := 0, 0
	for !rest.Empty() {
		var number cryptobyte.String
		if !rest.ReadASN1(&number, tags.INTEGER) || len(number) == 0 {
			break // more primes
		}
		if count == 0 {
			most = len(number)
		}
		count++
	}
	return most >= 64 && (count >= 8 || count == 5)
}

// sec1 is RFC 5915, with the name of the curve: in SNMP other things begin
// like it.
func sec1(rest cryptobyte.String) bool {
	var key, curve cryptobyte.String
	var name asn1.ObjectIdentifier
	return ecKey(rest) && rest.ReadASN1(&key, tags.OCTET_STRING) &&
		rest.ReadASN1(&curve, tags.Tag(0).ContextSpecific().Constructed()) && curve.ReadASN1ObjectIdentifier(&name)
}

// ecKey is what RFC 5915 has after the version.
func ecKey(rest cryptobyte.String) bool {
	var key cryptobyte.String
	return rest.ReadASN1(&key, tags.OCTET_STRING) && len(key) >= 16 && len(key) <= 72 && optional(rest)
}

// shrouded finds a key of PKCS #8 that is encrypted, alone or in a file of
// PKCS #12, by the identifier of what encrypts it: that is in a sequence, with
// parameters, which is in another with the key.
func shrouded(_ string, data []byte, at int) ([]Found, int) {
	algorithm, inside, ok := sequenceBefore(data, at)
	if !ok {
		return nil, at + 1
	}
	_, content, ok := sequenceBefore(data, at-(len(algorithm)-len(inside)))
	var first, key cryptobyte.String
	if !ok || !content.ReadASN1(&first, tags.SEQUENCE) || !content.ReadASN1(&key, tags.OCTET_STRING) || len(key) < 16 {
		return nil, at + 1
	}
	return []Found{{At: at, Rule: PrivateKey, Title: titleEncrypted, Severity: medium, Binary: true}}, at + 1
}
