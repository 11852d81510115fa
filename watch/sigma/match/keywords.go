package match

import (
	"encoding/binary"

	"borj.dev/borj/watch/record"
)

// keywordGate tells, from the text of a record as it stands, that no keyword
// of a class can be in it, so that its values need not be decoded one by one.
//
// It knows a part of each keyword, of letters and other characters that JSON
// does not escape, and looks at four bytes of the record at every stride: the
// longer the parts, the fewer places are enough.
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

const maxStride = 8

// newKeywordGate returns the gate of these keywords, or nil if one of them has
// no part that can be looked for.
func newKeywordGate(keywords []string) *keywordGate {
	g := &keywordGate{stride: maxStride, grams: map[uint32][]gatePart{}}
	parts := make([]string, len(keywords))
	for i, k := range keywords {
		parts[i] = plainPart(k)
		if len(parts[i]) < gramSize {
			return nil
		}
		g.stride = min(g.stride, len(parts[i])-gramSize+1)
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
	bitmap, shift, stride := g.bitmap, g.shift&31, g.stride
	rest := raw
	for len(rest) >= 4*maxStride { // four places in a turn
		g0 := binary.LittleEndian.Uint32(rest) | caseBits
		g1 := binary.LittleEndian.Uint32(rest[stride:]) | caseBits
		g2 := binary.LittleEndian.Uint32(rest[2*stride:]) | caseBits
		g3 := binary.LittleEndian.Uint32(rest[3*stride:]) | caseBits
		h0, h1, h2, h3 := hash32(g0)>>shift, hash32(g1)>>shift, hash32(g2)>>shift, hash32(g3)>>shift
		b0 := bitmap[h0>>6] >> (h0 & 63) & 1
		b1 := bitmap[h1>>6] >> (h1 & 63) & 1
		b2 := bitmap[h2>>6] >> (h2 & 63) & 1
		b3 := bitmap[h3>>6] >> (h3 & 63) & 1
		if b0|b1|b2|b3 != 0 {
			at := len(raw) - len(rest)
			if b0 != 0 && g.verify(raw, at, g0) || b1 != 0 && g.verify(raw, at+stride, g1) ||
				b2 != 0 && g.verify(raw, at+2*stride, g2) || b3 != 0 && g.verify(raw, at+3*stride, g3) {
				return true
			}
		}
		rest = rest[4*stride:]
	}
	for at := len(raw) - len(rest); at+gramSize <= len(raw); at += stride {
		gram := binary.LittleEndian.Uint32(raw[at:]) | caseBits
		h := hash32(gram) >> shift
		if bitmap[h>>6]>>(h&63)&1 != 0 && g.verify(raw, at, gram) {
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
