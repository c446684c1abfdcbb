package program

import "sync"

// Tail keeps the newest bytes written to it; it is safe for concurrent use.
type Tail struct {
	mu      sync.Mutex
	limit   int
	kept    []byte
	written int64 // in all
	dropped bool
}

// NewTail returns a Tail of limit bytes, DefaultLimit if limit is not
// positive.
func NewTail(limit int) *Tail {
	if limit <= 0 {
		limit = DefaultLimit
	}
	return &Tail{limit: limit}
}

// Write never fails; it drops the oldest bytes beyond the limit.
func (t *Tail) Write(p []byte) (int, error) {
	t.mu.Lock()
	defer t.mu.Unlock()
	t.kept, t.written = append(t.kept, p...), t.written+int64(len(p))
	if len(t.kept) > 2*t.limit {
		t.trim()
	}
	return len(p), nil
}

// trim is called at twice the limit, so that each byte is moved once at most.
func (t *Tail) trim() {
	if len(t.kept) > t.limit {
		t.kept = append(make([]byte, 0, 2*t.limit), t.kept[len(t.kept)-t.limit:]...)
		t.dropped = true
	}
}

// Bytes returns a copy of the newest bytes, at most the limit.
func (t *Tail) Bytes() []byte {
	t.mu.Lock()
	defer t.mu.Unlock()
	t.trim()
	return append([]byte(nil), t.kept...)
}

// Since returns a copy of what was written beyond a position, 0 at first, and
// the position to ask from next. What was dropped meanwhile is left out.
func (t *Tail) Since(position int64) (more []byte, next int64) {
	t.mu.Lock()
	defer t.mu.Unlock()
	t.trim()
	missing := min(t.written-position, int64(len(t.kept)))
	return append([]byte(nil), t.kept[int64(len(t.kept))-missing:]...), t.written
}

// Dropped says whether older bytes were dropped.
func (t *Tail) Dropped() bool {
	t.mu.Lock()
	defer t.mu.Unlock()
	t.trim()
	return t.dropped
}
