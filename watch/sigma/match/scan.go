package match

import (
	"encoding/binary"
	"strings"
	"unsafe"
)

// scan reports every predicate of the index that holds for a value. v is
// folded and followed by padding zero bytes; n is its length without them.
func (x *literals) scan(v []byte, n int, w *Worker) {
	text := unsafe.String(unsafe.SliceData(v), n)
	if len(x.tails.lengths) > 0 {
		x.scanTails(v, text, w)
	}
	if len(x.heads.lengths) > 0 && n > 0 {
		x.scanHeads(v, text, w)
	}
	if len(x.grams.list) > 0 && n >= gramSize {
		x.grams.scan(v, text, w)
	}
	for i := range x.short {
		if strings.Contains(text, x.short[i].text) {
			w.found(x.short[i].pred)
		}
	}
}

func (x *literals) scanTails(v []byte, text string, w *Worker) {
	t, n := &x.tails, len(text)
	var last uint64 // the last eight bytes, the very last one on top
	if n >= 8 {
		last = binary.LittleEndian.Uint64(v[n-8:])
	} else {
		last = binary.LittleEndian.Uint64(v) << (8 * (8 - n))
		if n == 0 {
			last = 0
		}
	}
	for _, k := range t.lengths {
		if int(k) > n {
			return
		}
		for i, list := 0, t.find(last>>(64-8*k), k); i < len(list); i++ {
			l := &list[i]
			if strings.HasSuffix(text, l.text) && (!l.whole || len(l.text) == n) {
				w.found(l.pred)
			}
		}
	}
}

func (x *literals) scanHeads(v []byte, text string, w *Worker) {
	t := &x.heads
	first := binary.LittleEndian.Uint64(v)
	for _, k := range t.lengths {
		if int(k) > len(text) {
			return
		}
		for i, list := 0, t.find(first&t.masks[k], k); i < len(list); i++ {
			if strings.HasPrefix(text, list[i].text) {
				w.found(list[i].pred)
			}
		}
	}
}

// scan looks at each four bytes of the value, four positions in a turn.
func (t *gramTable) scan(v []byte, text string, w *Worker) {
	bitmap, shift := t.bitmap, t.shift&31
	for i := 0; i+gramSize <= len(text); i += 4 {
		word := binary.LittleEndian.Uint64(v[i:])
		h0 := hash32(uint32(word)) >> shift
		h1 := hash32(uint32(word>>8)) >> shift
		h2 := hash32(uint32(word>>16)) >> shift
		h3 := hash32(uint32(word>>24)) >> shift
		b0 := bitmap[h0>>6] >> (h0 & 63) & 1
		b1 := bitmap[h1>>6] >> (h1 & 63) & 1
		b2 := bitmap[h2>>6] >> (h2 & 63) & 1
		b3 := bitmap[h3>>6] >> (h3 & 63) & 1
		if b0|b1|b2|b3 == 0 {
			continue
		}
		if b0 != 0 {
			t.verify(uint32(word), i, text, w)
		}
		if b1 != 0 {
			t.verify(uint32(word>>8), i+1, text, w)
		}
		if b2 != 0 {
			t.verify(uint32(word>>16), i+2, text, w)
		}
		if b3 != 0 {
			t.verify(uint32(word>>24), i+3, text, w)
		}
	}
}

func (t *gramTable) verify(gram uint32, at int, text string, w *Worker) {
	list := t.find(gram)
	for i := range list {
		l := &list[i]
		from := at - int(l.offset)
		if from >= 0 && from+len(l.text) <= len(text) && text[from:from+len(l.text)] == l.text {
			w.found(l.pred)
		}
	}
}
