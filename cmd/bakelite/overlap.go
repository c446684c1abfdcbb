package main

import "bytes"

// fresh returns what the window now of a stream has beyond the older window
// seen. Where the output repeats itself for the length of a whole window, the
// repetitions count as seen.
func fresh(seen, now []byte) []byte {
	if rest, ok := bytes.CutPrefix(now, seen); ok {
		return rest
	}
	return now[overlap(seen, now):]
}

// overlap is the length of the longest prefix of next that ends text, by the
// table of Knuth, Morris and Pratt: for each length of a prefix, the longest
// shorter prefix that ends it.
func overlap(text, next []byte) int {
	if len(next) == 0 {
		return 0
	}
	table := make([]int, len(next))
	for i := 1; i < len(next); i++ {
		table[i] = extend(table, next, table[i-1], next[i])
	}
	length := 0
	for _, b := range text {
		if length == len(next) {
			length = table[length-1]
		}
		length = extend(table, next, length, b)
	}
	return length
}

// extend returns the longest prefix that still matches after b.
func extend(table []int, next []byte, length int, b byte) int {
	for length > 0 && next[length] != b {
		length = table[length-1]
	}
	if next[length] == b {
		length++
	}
	return length
}
