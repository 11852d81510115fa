package indicator

import "math/bits"

// filter is a Bloom filter whose bits for one key lie in two words of one cache
// line: it says "certainly not in the set" at the price of one memory access
// and without a branch that could be guessed wrong. It errs about once in five
// hundred times, which the table then finds.
//
// A set has one for each tag, so that the values of logs touch no memory that
// only files' hashes need.
type filter struct {
	blocks [][8]uint64
}

const bitsPerKey = 16

func newFilter(n int) *filter {
	return &filter{make([][8]uint64, n*bitsPerKey/512+1)}
}

// locate returns the two words of a hash, and the three bits of it in each.
func (f *filter) locate(h uint64) (one, two *uint64, inOne, inTwo uint64) {
	i, _ := bits.Mul64(h, uint64(len(f.blocks)))
	p := (h ^ h>>32) * 0xbf58476d1ce4e5b9
	p ^= p >> 29
	inOne = 1<<(p&63) | 1<<(p>>6&63) | 1<<(p>>12&63)
	inTwo = 1<<(p>>18&63) | 1<<(p>>24&63) | 1<<(p>>30&63)
	block := &f.blocks[i]
	return &block[p>>36&7], &block[(p>>36^(p>>39|1))&7], inOne, inTwo
}

func (f *filter) add(h uint64) {
	one, two, inOne, inTwo := f.locate(h)
	*one |= inOne
	*two |= inTwo
}

// missing returns the bits of h that are not there: 0 means that h may have
// been added.
func (f *filter) missing(h uint64) uint64 {
	one, two, inOne, inTwo := f.locate(h)
	return inOne&^*one | inTwo&^*two
}
