package match

import (
	"encoding/binary"

	"borj.dev/borj/watch/record"
)

// keywordGate tells, from the text of a record as it stands, that no keyword
// of a class can be in it, so that its values need not be decoded one by one.
//
// It knows a part of each keyword, of letters and other characters that JSON
// does not escape, and looks at four bytes of the record in every stride of
// four (or of one, where a part is shorter than seven bytes).
type keywordGate struct {
	stride int
	shift  uint8
	bitmap []uint64
	grams  map[uint32][]gatePart
}

type gatePart struct {
	text   string
	offset int // of the gram in text
}

// newKeywordGate returns the gate of these keywords, or nil if one of them has
// no part that can be looked for.
func newKeywordGate(keywords []string) *keywordGate {
	g := &keywordGate{stride: 4, grams: map[uint32][]gatePart{}}
	parts := make([]string, len(keywords))
	for i, k := range keywords {
		parts[i] = plainPart(k)
		if len(parts[i]) < gramSize {
			return nil
		}
		if len(parts[i]) < gramSize+g.stride-1 {
			g.stride = 1
		}
	}
	_, bits := tableSize(512 * len(parts) * g.stride)
	bits = min(max(bits, 9), 17)
	g.bitmap, g.shift = make([]uint64, 1<<bits/64), uint8(32-bits)
	for _, p := range parts {
		for at := range g.stride {
			gram := gramAt(p, at) | caseBits
			h := hash32(gram) >> g.shift
			g.bitmap[h/64] |= 1 << (h % 64)
			g.grams[gram] = append(g.grams[gram], gatePart{p, at})
		}
	}
	return g
}

// caseBits makes four letters lower case, and other bytes something that is
// the same for all that it is done to.
const caseBits = 0x20202020

// plainPart returns the longest run of a folded text that stands in a record
// as it is, letter case aside.
func plainPart(s string) string {
	best, start := "", 0
	for i := 0; i <= len(s); i++ {
		if i < len(s) && s[i] >= ' ' && s[i] < 0x7F && s[i] != '"' && s[i] != '\\' && s[i] != '/' && s[i] != '<' && s[i] != '>' && s[i] != '&' && s[i] != '\'' && s[i] != '+' {
			continue
		}
		if i-start > len(best) {
			best = s[start:i]
		}
		start = i + 1
	}
	return best
}

// mayHold is false when no keyword stands in the record.
func (g *keywordGate) mayHold(rec *record.Record) bool {
	raw := rec.Raw
	if !rec.Verbatim() {
		return true
	}
	if g.stride == 4 {
		return g.mayHoldFourth(raw)
	}
	for i := 0; i+gramSize <= len(raw); i++ {
		gram := binary.LittleEndian.Uint32(raw[i:]) | caseBits
		h := hash32(gram) >> (g.shift & 31)
		if g.bitmap[h>>6]>>(h&63)&1 != 0 && g.verify(raw, i, gram) {
			return true
		}
	}
	return false
}

// mayHoldFourth looks at every fourth place, four places in a turn.
func (g *keywordGate) mayHoldFourth(raw []byte) bool {
	bitmap, shift := g.bitmap, g.shift&31
	rest := raw
	for len(rest) >= 16 {
		a, b := binary.LittleEndian.Uint64(rest)|caseBits<<32|caseBits, binary.LittleEndian.Uint64(rest[8:])|caseBits<<32|caseBits
		h0, h1 := hash32(uint32(a))>>shift, hash32(uint32(a>>32))>>shift
		h2, h3 := hash32(uint32(b))>>shift, hash32(uint32(b>>32))>>shift
		b0 := bitmap[h0>>6] >> (h0 & 63) & 1
		b1 := bitmap[h1>>6] >> (h1 & 63) & 1
		b2 := bitmap[h2>>6] >> (h2 & 63) & 1
		b3 := bitmap[h3>>6] >> (h3 & 63) & 1
		if b0|b1|b2|b3 != 0 {
			at := len(raw) - len(rest)
			if b0 != 0 && g.verify(raw, at, uint32(a)) || b1 != 0 && g.verify(raw, at+4, uint32(a>>32)) ||
				b2 != 0 && g.verify(raw, at+8, uint32(b)) || b3 != 0 && g.verify(raw, at+12, uint32(b>>32)) {
				return true
			}
		}
		rest = rest[16:]
	}
	for i := len(raw) - len(rest); i+gramSize <= len(raw); i += 4 {
		gram := binary.LittleEndian.Uint32(raw[i:]) | caseBits
		h := hash32(gram) >> shift
		if bitmap[h>>6]>>(h&63)&1 != 0 && g.verify(raw, i, gram) {
			return true
		}
	}
	return false
}

func (g *keywordGate) verify(raw []byte, at int, gram uint32) bool {
	for _, p := range g.grams[gram] {
		from := at - p.offset
		if from >= 0 && from+len(p.text) <= len(raw) && equalFold(raw[from:from+len(p.text)], p.text) {
			return true
		}
	}
	return false
}

func equalFold(b []byte, folded string) bool {
	for i, c := range b {
		if lowerByte[c] != folded[i] {
			return false
		}
	}
	return true
}
