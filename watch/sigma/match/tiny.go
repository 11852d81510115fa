package match

import (
	"cmp"
	"encoding/binary"
	"slices"
)

// tinyTable finds texts of one to three bytes anywhere in a value.
type tinyTable struct {
	bitmap  []uint64     // of the pairs of bytes with which a text begins
	singles *[256]uint32 // by byte: the predicate of that text, plus one
	pairs   []pairSlot   // of the texts of two and three bytes, by their first two
	list    []literal    // those texts
}

type pairSlot struct {
	pair       uint16
	start, end uint16 // end 0: empty
}

func newTinyTable(lits []literal) tinyTable {
	if len(lits) == 0 {
		return tinyTable{}
	}
	t := tinyTable{bitmap: make([]uint64, 1<<16/64), singles: new([256]uint32)}
	for _, l := range lits {
		if len(l.text) > 1 {
			t.list = append(t.list, l)
			t.mark(pairOf(l.text))
			continue
		}
		t.singles[l.text[0]] = l.pred + 1
		for second := range 256 {
			t.mark(uint16(l.text[0]) | uint16(second)<<8)
		}
	}
	slices.SortFunc(t.list, func(a, b literal) int { return cmp.Or(cmp.Compare(a.text, b.text), cmp.Compare(a.pred, b.pred)) })
	size, _ := tableSize(2*len(t.list) + 1)
	t.pairs = make([]pairSlot, size)
	for i := 0; i < len(t.list); {
		j, pair := i, pairOf(t.list[i].text)
		for j < len(t.list) && pairOf(t.list[j].text) == pair {
			j++
		}
		h := hash32(uint32(pair)) >> 16 & uint32(size-1)
		for t.pairs[h].end != 0 {
			h = (h + 1) & uint32(size-1)
		}
		t.pairs[h] = pairSlot{pair, uint16(i), uint16(j)}
		i = j
	}
	return t
}

func pairOf(text string) uint16 { return uint16(text[0]) | uint16(text[1])<<8 }

func (t *tinyTable) mark(pair uint16) { t.bitmap[pair>>6] |= 1 << (pair & 63) }

// maxTiny bounds the texts of one table, whose places are 16 bits wide.
const maxTiny = 1<<16 - 1

// scan looks at each pair of bytes, the last with the zero that follows.
func (t *tinyTable) scan(v []byte, text string, w *Worker) {
	if t.bitmap == nil {
		return
	}
	bitmap := (*[1 << 10]uint64)(t.bitmap)
	for i := 0; i < len(text); i += 4 {
		word := binary.LittleEndian.Uint64(v[i:])
		p0, p1, p2, p3 := uint16(word), uint16(word>>8), uint16(word>>16), uint16(word>>24)
		b0 := bitmap[p0>>6] >> (p0 & 63) & 1
		b1 := bitmap[p1>>6] >> (p1 & 63) & 1
		b2 := bitmap[p2>>6] >> (p2 & 63) & 1
		b3 := bitmap[p3>>6] >> (p3 & 63) & 1
		if b0|b1|b2|b3 == 0 {
			continue
		}
		if b0 != 0 {
			t.verify(p0, i, text, w)
		}
		if b1 != 0 {
			t.verify(p1, i+1, text, w)
		}
		if b2 != 0 {
			t.verify(p2, i+2, text, w)
		}
		if b3 != 0 {
			t.verify(p3, i+3, text, w)
		}
	}
}

func (t *tinyTable) verify(pair uint16, at int, text string, w *Worker) {
	if at >= len(text) {
		return
	}
	if single := t.singles[text[at]]; single != 0 {
		w.found(single - 1)
	}
	mask := uint32(len(t.pairs) - 1)
	for h := hash32(uint32(pair)) >> 16 & mask; t.pairs[h].end != 0; h = (h + 1) & mask {
		if t.pairs[h].pair != pair {
			continue
		}
		for i := t.pairs[h].start; i < t.pairs[h].end; i++ {
			l := &t.list[i]
			if rest := len(text) - at; len(l.text) == 2 && rest >= 2 || len(l.text) == 3 && rest >= 3 && text[at+2] == l.text[2] {
				w.found(l.pred)
			}
		}
		return
	}
}
