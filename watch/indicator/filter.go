package indicator

import (
	"hash/maphash"
	"math/bits"
)

// filter is a Bloom filter whose bits for one key lie in one cache line: it
// says "certainly not in the set" at the price of one memory access, and is
// wrong about once in a thousand, which the table then finds.
type filter struct {
	seed   maphash.Seed // of this set alone, so that nobody can aim at it
	blocks [][8]uint64
}

// bitsPerKey and probes give about one false answer in a thousand.
const (
	bitsPerKey = 16
	probes     = 7
)

func newFilter(n int) filter {
	return filter{maphash.MakeSeed(), make([][8]uint64, n*bitsPerKey/512+1)}
}

func (f *filter) hash(t tag, value []byte) uint64 {
	return maphash.Bytes(f.seed, value) ^ uint64(t)*0x9e3779b97f4a7c15
}

// locate returns the block of a hash, and nine bits for each probe.
func (f *filter) locate(h uint64) (block *[8]uint64, places uint64) {
	i, _ := bits.Mul64(h, uint64(len(f.blocks)))
	places = (h ^ h>>32) * 0xbf58476d1ce4e5b9
	return &f.blocks[i], places ^ places>>29
}

func (f *filter) add(h uint64) {
	block, p := f.locate(h)
	for range probes {
		block[p>>6&7] |= 1 << (p & 63)
		p >>= 9
	}
}

func (f *filter) has(h uint64) bool {
	block, p := f.locate(h)
	for range probes {
		if block[p>>6&7]>>(p&63)&1 == 0 {
			return false
		}
		p >>= 9
	}
	return true
}
