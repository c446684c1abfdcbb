package squashfs

import "encoding/binary"

const (
	// fragmentSize is that of an entry of the table of fragments, in bytes.
	fragmentSize = 16
	// plainData is set in the size of a block that is not compressed.
	plainData = 1 << 24
)

// pieces reads the blocks of one file in their order, and its fragment.
type pieces struct {
	inode *inode
	sizes stream // of the blocks that follow
	next  uint64 // where the next block lies
}

// Pieces unpacks the blocks and the fragment.
func (n *inode) Pieces() func(at uint64) ([]byte, error) {
	p := &pieces{inode: n, sizes: n.sizes, next: n.blocks}
	return p.piece
}

// piece unpacks the block or the fragment that follows.
func (p *pieces) piece(at uint64) ([]byte, error) {
	n, whole := p.inode, uint64(p.inode.fs.super.BlockSize)
	want := min(whole, n.size-at)
	if want < whole && n.fragment != none {
		return n.fs.tail(n, want)
	}
	return p.block(want)
}

// block unpacks the next block, of which want bytes are the file's.
func (p *pieces) block(want uint64) ([]byte, error) {
	var size uint32
	if err := p.sizes.fields(&size); err != nil {
		return nil, err
	}
	if size == 0 {
		return make([]byte, want), nil
	}
	at := p.next
	p.next += uint64(size &^ plainData)
	data, err := p.inode.fs.data(at, size)
	if err != nil {
		return nil, err
	}
	if uint64(len(data)) != want {
		return nil, broken("a block of %d bytes: want %d", len(data), want)
	}
	return data, nil
}

// data reads a block of files' content.
func (f *FS) data(at uint64, size uint32) ([]byte, error) {
	length := size &^ plainData
	if length > f.super.BlockSize || !f.inImage(at, uint64(length)) {
		return nil, broken("a block of %d bytes, or one that lies outside", length)
	}
	packed := make([]byte, length)
	if _, err := f.r.ReadAt(packed, int64(at)); err != nil {
		return nil, broken("reading a block: %w", err)
	}
	if size&plainData != 0 {
		return packed, nil
	}
	f.mu.Lock() // a decoder has one user at a time
	defer f.mu.Unlock()
	return f.unpack(packed, int(f.super.BlockSize))
}

// tail reads the end of a file out of the fragment that it shares.
func (f *FS) tail(n *inode, want uint64) ([]byte, error) {
	e, err := f.fragments.get(int64(n.fragment))
	if err != nil {
		return nil, err
	}
	piece, err := f.piece(int64(binary.LittleEndian.Uint64(e)), binary.LittleEndian.Uint32(e[8:]))
	if err != nil {
		return nil, err
	}
	if end := uint64(n.offset) + want; end > uint64(len(piece)) {
		return nil, broken("a fragment of %d bytes: want %d", len(piece), end)
	}
	return piece[n.offset : uint64(n.offset)+want], nil
}

// piece reads a fragment; those read last are kept, as many files share one.
func (f *FS) piece(at int64, size uint32) ([]byte, error) {
	f.mu.Lock()
	known, ok := f.pieces[at]
	f.mu.Unlock()
	if ok {
		return known, nil
	}
	data, err := f.data(uint64(at), size)
	if err != nil {
		return nil, err
	}
	f.mu.Lock()
	defer f.mu.Unlock()
	if len(f.pieces) >= keptPieces {
		clear(f.pieces)
	}
	f.pieces[at] = data
	return data, nil
}
