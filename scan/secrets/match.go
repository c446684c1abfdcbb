package secrets

// matcher finds where the words of all detectors begin, in one pass. It looks
// at every second pair of bytes: a word of three bytes or more has one of its
// first two pairs there.
type matcher struct {
	// pairs has a bit for each pair of bytes that is in a word.
	pairs [1 << 10]uint64
	// lists has the words with a pair, and index their place in it.
	index [1 << 16]uint16
	lists [][]candidate
}

// candidate is a word whose pair begins shift bytes after the word does.
type candidate struct {
	text     string
	fold     bool
	shift    int
	detector int
}

func newMatcher(detectors []Detector) *matcher {
	m := &matcher{lists: [][]candidate{nil}}
	for i, d := range detectors {
		for _, w := range d.Words {
			for shift := range 2 {
				m.add(candidate{w, d.Fold, shift, i})
			}
		}
	}
	return m
}

func (m *matcher) add(c candidate) {
	for _, a := range cases(c.text[c.shift], c.fold) {
		for _, b := range cases(c.text[c.shift+1], c.fold) {
			pair := uint16(a)<<8 | uint16(b)
			m.pairs[pair>>6] |= 1 << (pair & 63)
			if m.index[pair] == 0 {
				m.index[pair] = uint16(len(m.lists))
				m.lists = append(m.lists, nil)
			}
			m.lists[m.index[pair]] = append(m.lists[m.index[pair]], c)
		}
	}
}

func cases(b byte, fold bool) []byte {
	if fold && 'a' <= b|0x20 && b|0x20 <= 'z' {
		return []byte{b | 0x20, b &^ 0x20}
	}
	return []byte{b}
}

// each calls hit for every word in data.
func (m *matcher) each(data []byte, hit func(detector, at int)) {
	for i := 0; i+1 < len(data); i += 2 {
		pair := uint16(data[i])<<8 | uint16(data[i+1])
		if m.pairs[pair>>6]&(1<<(pair&63)) == 0 {
			continue
		}
		for _, c := range m.lists[m.index[pair]] {
			if at := i - c.shift; at >= 0 && c.stands(data[at:]) {
				hit(c.detector, at)
			}
		}
	}
}

// stands says whether data begins with the word.
func (c candidate) stands(data []byte) bool {
	if len(data) < len(c.text) {
		return false
	}
	for i := range len(c.text) {
		if a, b := data[i], c.text[i]; a != b && !(c.fold && a^b == 0x20 && 'a' <= b|0x20 && b|0x20 <= 'z') {
			return false
		}
	}
	return true
}
