package catalog

import "crypto/sha256"

// Head begins each catalog.
const Head = head

// Sealed puts a head with the digest that holds before a body.
func Sealed(body []byte) []byte {
	sum := sha256.Sum256(body)
	return append(append([]byte(head), sum[:]...), body...)
}
