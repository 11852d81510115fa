package indicator

import "bytes"

// blockSize is the number of entries between two that are written in full. A
// larger one saves memory, and makes a look-up that finds something slower.
const blockSize = 16

// table is a sorted list of keys with a number each, written one after another:
// how many bytes the key shares with the one before, how many follow, the
// number, those bytes. At the start of a block nothing is shared.
type table struct {
	data   []byte
	blocks []uint32 // where each block starts in data
	n      int
	last   []byte // while it is being written
}

// append adds an entry; keys come in ascending order.
func (t *table) append(key []byte, number uint32) {
	shared := 0
	if t.n%blockSize == 0 {
		t.blocks = append(t.blocks, uint32(len(t.data)))
	} else {
		for shared < len(key) && shared < len(t.last) && key[shared] == t.last[shared] {
			shared++
		}
	}
	t.data = appendUvarint(t.data, uint32(shared))
	t.data = appendUvarint(t.data, uint32(len(key)-shared))
	t.data = appendUvarint(t.data, number)
	t.data = append(t.data, key[shared:]...)
	t.last = append(t.last[:0], key...)
	t.n++
}

// entry reads the entry at the start of b: what is shared, what follows.
func entry(b []byte) (shared int, number uint32, tail, rest []byte) {
	s, b := uvarint(b)
	n, b := uvarint(b)
	number, b = uvarint(b)
	return int(s), number, b[:n:n], b[n:]
}

// find returns the number of key.
func (t *table) find(key []byte) (number uint32, ok bool) {
	lo, hi := 0, len(t.blocks) // the block of key is at lo-1
	for lo < hi {
		mid := int(uint(lo+hi) >> 1)
		_, _, head, _ := entry(t.data[t.blocks[mid]:])
		if bytes.Compare(head, key) <= 0 {
			lo = mid + 1
		} else {
			hi = mid
		}
	}
	if lo == 0 {
		return 0, false
	}
	b := t.data[t.blocks[lo-1]:]
	if lo < len(t.blocks) {
		b = t.data[t.blocks[lo-1]:t.blocks[lo]]
	}
	// match is how much of key the entry before shares with it. An entry that
	// shares more than that with its predecessor cannot be key; one that shares
	// less is beyond it.
	match := 0
	for len(b) > 0 {
		shared, number, tail, rest := entry(b)
		b = rest
		if shared > match {
			continue
		}
		if shared < match {
			return 0, false
		}
		i := 0
		for i < len(tail) && match+i < len(key) && tail[i] == key[match+i] {
			i++
		}
		match += i
		if i == len(tail) && match == len(key) {
			return number, true
		}
	}
	return 0, false
}

// cursor walks a table in order.
type cursor struct {
	rest   []byte
	key    []byte
	number uint32
}

func (c *cursor) next() bool {
	if len(c.rest) == 0 {
		return false
	}
	shared, number, tail, rest := entry(c.rest)
	c.key = append(c.key[:shared], tail...)
	c.number, c.rest = number, rest
	return true
}
