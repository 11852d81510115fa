package match

import (
	"encoding/binary"
	"strings"
	"unsafe"
)

// scan reports every predicate of one tier that holds for a value. v is folded
// and followed by padding zero bytes; n is its length without them.
func (x *literals) scan(t tier, v []byte, n int, w *Worker) {
	text := unsafe.String(unsafe.SliceData(v), n)
	switch {
	case t == tierEnds:
		x.ends.scan(v, text, w)
	case t == tierTiny:
		x.tiny.scan(v, text, w)
	case n >= gramSize:
		x.parts[t-tierLong].scan(v, text, w)
	}
}

func (x *ends) scan(v []byte, text string, w *Worker) {
	if len(x.tails.lengths) > 0 {
		x.scanTails(v, text, w)
	}
	if len(x.heads.lengths) > 0 && text != "" {
		x.scanHeads(v, text, w)
	}
}

func (x *ends) scanTails(v []byte, text string, w *Worker) {
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

func (x *ends) scanHeads(v []byte, text string, w *Worker) {
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

// scan looks at the groups of four bytes of the value.
func (t *gramTable) scan(v []byte, text string, w *Worker) {
	switch t.stride {
	case 1:
		t.scanEach(v, text, w)
	case 4:
		t.scanFourth(v, text, w)
	}
}

// scanEach looks at the groups at every place, four places in a turn.
func (t *gramTable) scanEach(v []byte, text string, w *Worker) {
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

// scanFourth looks at the groups at every fourth place, two in a turn.
func (t *gramTable) scanFourth(v []byte, text string, w *Worker) {
	bitmap, shift := t.bitmap, t.shift&31
	for i := 0; i+gramSize <= len(text); i += 8 {
		word := binary.LittleEndian.Uint64(v[i:])
		h0 := hash32(uint32(word)) >> shift
		h1 := hash32(uint32(word>>32)) >> shift
		b0 := bitmap[h0>>6] >> (h0 & 63) & 1
		b1 := bitmap[h1>>6] >> (h1 & 63) & 1
		if b0|b1 == 0 {
			continue
		}
		if b0 != 0 {
			t.verify(uint32(word), i, text, w)
		}
		if b1 != 0 {
			t.verify(uint32(word>>32), i+4, text, w)
		}
	}
}

func (t *gramTable) verify(gram uint32, at int, text string, w *Worker) {
	list := t.find(gram)
	for i := range list {
		l := &list[i]
		from := at - int(l.offset)
		if from >= 0 && from+len(l.text) <= len(text) && !w.knows(l.pred) && text[from:from+len(l.text)] == l.text {
			w.found(l.pred)
		}
	}
}
