package lock

// Quick reads a lock in the form that is written, twice, or returns nil.
func Quick(data []byte) *Lock {
	r := &Reader{}
	r.canonical(data)
	return r.canonical(data)
}
