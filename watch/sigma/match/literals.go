package match

import (
	"cmp"
	"encoding/binary"
	"slices"
)

// A literals index finds, in one look at a folded value, the literal predicates
// of one field that hold for it. Whole values and endings are looked up by
// their last eight bytes, beginnings by their first eight. What may stand
// anywhere is looked up by four of its bytes: one pass tests groups of four
// bytes of the value against a small bitmap, and only where that agrees
// compares in full. Texts of seven bytes or more are filed under four
// neighbouring groups, so that every fourth place of the value is enough.
//
// An Aho-Corasick automaton does the same in one dependent memory read a byte;
// here the reads do not wait for each other and the table stays in the
// processor's first caches (docs/adr has the figures of both).
type literals struct {
	ends  ends
	parts [2]gramTable // long texts, short texts
	tiny  tinyTable    // texts of fewer than four bytes
}

// ends finds texts at the ends of a value.
type ends struct{ tails, heads wordTable }

// tier is a part of an index that is searched by itself, when it is needed.
type tier uint8

const (
	tierEnds tier = iota
	tierLong
	tierShort
	tierTiny
	tiers
)

// longText is the length from which a text is found by every fourth group.
const longText = gramSize + 3

// literal is one text and the predicate that it decides.
type literal struct {
	pred   uint32
	offset int32 // of the looked-up bytes within text
	whole  bool  // tails only: the value must be nothing but text
	text   string
}

// wordTable finds literals by their first or last up to eight bytes.
type wordTable struct {
	lengths []uint8 // how many bytes to look up, in rising order
	masks   [9]uint64
	shift   uint8
	slots   []wordSlot
	list    []literal
}

type wordSlot struct {
	key        uint64
	length     uint8 // 0: empty
	start, end uint32
}

const gramSize = 4

type gramTable struct {
	stride int
	shift  uint8 // of the bitmap's hash
	bitmap []uint64
	tshift uint8 // of the table's hash
	slots  []gramSlot
	list   []literal
}

type gramSlot struct {
	gram       uint32
	start, end uint32 // end 0: empty
}

func hash64(key uint64, n uint8) uint64 { return (key + uint64(n)) * 0x9E3779B97F4A7C15 }
func hash32(gram uint32) uint32         { return gram * 0x9E3779B1 }

// word returns the first up to eight bytes of s.
func word(s string) uint64 {
	var b [8]byte
	copy(b[:], s)
	return binary.LittleEndian.Uint64(b[:])
}

// newWordTable indexes lits, each of at least one byte, by their first bytes,
// or by their last where tail is set.
func newWordTable(lits []literal, tail bool) wordTable {
	if len(lits) == 0 {
		return wordTable{}
	}
	type keyed struct {
		key uint64
		n   uint8
		literal
	}
	ks := make([]keyed, len(lits))
	var seen [9]bool
	for i, l := range lits {
		n := min(len(l.text), 8)
		part := l.text[:n]
		if tail {
			part = l.text[len(l.text)-n:]
		}
		ks[i] = keyed{word(part), uint8(n), l}
		seen[n] = true
	}
	slices.SortFunc(ks, func(a, b keyed) int {
		return cmp.Or(cmp.Compare(a.n, b.n), cmp.Compare(a.key, b.key), cmp.Compare(a.pred, b.pred))
	})
	t := wordTable{list: make([]literal, 0, len(ks))}
	for n, ok := range seen {
		if ok {
			t.lengths = append(t.lengths, uint8(n))
		}
		t.masks[n] = 1<<(8*n%64) - 1
	}
	t.masks[8] = ^uint64(0)
	size, bits := tableSize(2 * len(ks))
	t.slots, t.shift = make([]wordSlot, size), uint8(64-bits)
	for i := 0; i < len(ks); {
		j := i
		for j < len(ks) && ks[j].key == ks[i].key && ks[j].n == ks[i].n {
			t.list = append(t.list, ks[j].literal)
			j++
		}
		h := hash64(ks[i].key, ks[i].n) >> t.shift
		for t.slots[h].length != 0 {
			h = (h + 1) & uint64(size-1)
		}
		t.slots[h] = wordSlot{ks[i].key, ks[i].n, uint32(i), uint32(j)}
		i = j
	}
	return t
}

// tableSize returns a power of two of at least n, and its logarithm.
func tableSize(n int) (size, bits int) {
	bits = 1
	for 1<<bits < n {
		bits++
	}
	return 1 << bits, bits
}

// find returns the literals filed under the n bytes key.
func (t *wordTable) find(key uint64, n uint8) []literal {
	h := hash64(key, n) >> t.shift
	for {
		s := &t.slots[h]
		if s.length == 0 {
			return nil
		}
		if s.key == key && s.length == n {
			return t.list[s.start:s.end]
		}
		h = (h + 1) & uint64(len(t.slots)-1)
	}
}

// newGramTable files each text under stride neighbouring groups of four bytes,
// those that the texts have least in common.
func newGramTable(lits []literal, stride int) gramTable {
	if len(lits) == 0 {
		return gramTable{}
	}
	// How often four bytes stand in the texts of rules tells well enough how
	// often they stand in values.
	common := map[uint32]int{}
	for _, l := range lits {
		for i := 0; i+gramSize <= len(l.text); i++ {
			common[gramAt(l.text, i)]++
		}
	}
	type keyed struct {
		gram uint32
		literal
	}
	ks := make([]keyed, 0, len(lits)*stride)
	for _, l := range lits {
		best, least := 0, 0
		for at := 0; at+gramSize+stride-1 <= len(l.text); at++ {
			sum := 0
			for i := range stride {
				sum += common[gramAt(l.text, at+i)]
			}
			if at == 0 || sum < least {
				best, least = at, sum
			}
		}
		for i := range stride {
			l.offset = int32(best + i)
			ks = append(ks, keyed{gramAt(l.text, best+i), l})
		}
	}
	slices.SortFunc(ks, func(a, b keyed) int {
		return cmp.Or(cmp.Compare(a.gram, b.gram), cmp.Compare(a.pred, b.pred), cmp.Compare(a.offset, b.offset))
	})
	t := gramTable{stride: stride, list: make([]literal, 0, len(ks))}
	_, bits := tableSize(max(16*len(ks), 512))
	bits = min(bits, 19) // 64 KiB
	t.bitmap, t.shift = make([]uint64, 1<<bits/64), uint8(32-bits)
	size, tbits := tableSize(2 * len(ks))
	t.slots, t.tshift = make([]gramSlot, size), uint8(32-tbits)
	for i := 0; i < len(ks); {
		j := i
		for j < len(ks) && ks[j].gram == ks[i].gram {
			t.list = append(t.list, ks[j].literal)
			j++
		}
		b := hash32(ks[i].gram) >> t.shift
		t.bitmap[b/64] |= 1 << (b % 64)
		h := hash32(ks[i].gram) >> t.tshift
		for t.slots[h].end != 0 {
			h = (h + 1) & uint32(size-1)
		}
		t.slots[h] = gramSlot{ks[i].gram, uint32(i), uint32(j)}
		i = j
	}
	return t
}

func gramAt(s string, i int) uint32 {
	return uint32(s[i]) | uint32(s[i+1])<<8 | uint32(s[i+2])<<16 | uint32(s[i+3])<<24
}

func (t *gramTable) find(gram uint32) []literal {
	h := hash32(gram) >> t.tshift
	for {
		s := &t.slots[h]
		if s.end == 0 {
			return nil
		}
		if s.gram == gram {
			return t.list[s.start:s.end]
		}
		h = (h + 1) & uint32(len(t.slots)-1)
	}
}

// size returns the bytes that the index holds. Its texts are the predicates'.
func (x *literals) size() int {
	n := len(x.ends.tails.slots)*24 + len(x.ends.heads.slots)*24
	n += len(x.tiny.bitmap)*8 + len(x.tiny.pairs)*6
	lists := [][]literal{x.ends.tails.list, x.ends.heads.list, x.tiny.list}
	for _, t := range x.parts {
		n += len(t.slots)*12 + len(t.bitmap)*8
		lists = append(lists, t.list)
	}
	for _, list := range lists {
		n += 32 * len(list)
	}
	return n
}
