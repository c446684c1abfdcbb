package secrets

import (
	"bytes"
	"crypto/sha256"
	"regexp"
)

// Rules that keys are found by, named as Trivy names its own.
const (
	PrivateKey = "private-key"
	AgeKey     = "age-secret-key"
)

const (
	titleKey       = "Asymmetric Private Key"
	titleEncrypted = "Encrypted Private Key"
	titlePGP       = "OpenPGP Secret Key"
	titleAge       = "Age secret key"
	titleJWK       = "JSON Web Key with its private part"
)

// find is the form of Detector.Find.
type find func(name string, data []byte, at int) ([]Found, int)

// keys are the detectors of private keys.
func keys() []Detector {
	return append(inDER(), []Detector{
		{Words: []string{armour}, Find: textual(1)},
		// UTF-16, of either order: beside each letter is a zero.
		{Words: []string{"-\x00B\x00E\x00G\x00I\x00N"}, Find: textual(2)},
		{Words: []string{"AGE-SECRET-KEY-1", "AGE-SECRET-KEY-PQ-1"}, Find: matching(age, Found{Rule: AgeKey, Title: titleAge, Severity: medium})},
		{Words: []string{"PuTTY-User-Key-File-"}, Find: putty},
		{Words: []string{`"kty"`}, Find: jwk},
		{Words: []string{"(11:private-key(", "Key: (private-key "}, Find: matching(gnuPG, Found{Rule: PrivateKey, Title: titlePGP, Severity: high})},
		{Words: []string{"(21:protected-private-key(", "Key: (protected-private-key "}, Find: matching(gnuPG, Found{Rule: PrivateKey, Title: titleEncrypted, Severity: medium})},
	}...)
}

// inDER are the detectors of keys in DER.
func inDER() []Detector {
	return []Detector{
		{Words: []string{"\x02\x01\x00\x30", "\x02\x01\x01\x30"}, Find: der(pkcs8)},
		{Words: []string{"\x02\x01\x00\x02"}, Find: der(pkcs1)},
		{Words: []string{"\x02\x01\x01\x04"}, Find: der(sec1)},
		{Words: []string{oidPBES2, oidPKCS12}, Find: shrouded},
	}
}

// gnuPG keeps its keys as S-expressions, in one of two forms.
var gnuPG = regexp.MustCompile(`^(?:\(\d+:(?:protected-)?private-key\(\d+:\w+\(|Key: \((?:protected-)?private-key \(\w+\s*\()`)

// age secret keys are Bech32 in capitals (age specification, "X25519
// recipient stanza"); those for post-quantum recipients are longer.
var age = regexp.MustCompile(`^AGE-SECRET-KEY-(?:PQ-)?1[QPZRY9X8GF2TVDW0S3JN54KHCE6MUA7L]{58}`)

// matching finds what a regular expression tells at the word.
func matching(form *regexp.Regexp, f Found) find {
	return func(_ string, data []byte, at int) ([]Found, int) {
		text := form.Find(data[at:min(at+256, len(data))])
		if text == nil {
			return nil, at + 1
		}
		f.At, f.Sum = at, sha256.Sum256(text)
		return []Found{f}, at + 1
	}
}

var puttyHead = regexp.MustCompile(`^PuTTY-User-Key-File-\d: [\w@.-]+\s+Encryption: ([\w-]+)`)

func putty(_ string, data []byte, at int) ([]Found, int) {
	head := puttyHead.FindSubmatch(data[at:min(at+256, len(data))])
	switch {
	case head == nil:
		return nil, at + 1
	case string(head[1]) == "none":
		return []Found{{At: at, Rule: PrivateKey, Title: titleKey, Severity: high}}, at + 1
	}
	return []Found{{At: at, Rule: PrivateKey, Title: titleEncrypted, Severity: medium}}, at + 1
}

// private is a private part of RFC 7517: "d", or "k" of a symmetric key.
var private = regexp.MustCompile(`"[dk]"\s*:\s*"[A-Za-z0-9_-]{22,}"`)

// jwkBytes is more than a key of 16,384 bits has on either side.
const jwkBytes = 16 << 10

func jwk(_ string, data []byte, at int) ([]Found, int) {
	begin := bytes.LastIndexByte(data[max(0, at-jwkBytes):at], '{')
	end := bytes.IndexByte(data[at:min(at+jwkBytes, len(data))], '}')
	if begin < 0 || end < 0 || !private.Match(data[max(0, at-jwkBytes)+begin:at+end]) {
		return nil, at + 1
	}
	return []Found{{At: at, Rule: PrivateKey, Title: titleJWK, Severity: high}}, at + end
}

// openPGP knows a file that begins with a secret key or subkey in its binary
// form (RFC 9580, 4.2 and 5.5.3).
func openPGP(data []byte) bool {
	if len(data) < 16 || data[0]&0x80 == 0 {
		return false
	}
	tag, head := data[0]&0x3f, 2
	switch {
	case data[0]&0x40 == 0: // the old form: the type of length is in it
		tag, head = data[0]>>2&0xf, []int{2, 3, 5, 1}[data[0]&3]
	case data[1] >= 192 && data[1] < 224:
		head = 3
	case data[1] == 255:
		head = 6
	}
	body := data[head:]
	if tag != 5 && tag != 7 || body[0] != 4 && body[0] != 6 || body[1] < 0x28 { // made before 1991
		return false
	}
	return bytes.IndexByte([]byte{1, 2, 3, 16, 17, 18, 19, 22, 25, 26, 27, 28}, body[5]) >= 0
}
