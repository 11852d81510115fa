package indicator

import (
	"bytes"
	"encoding/binary"
	"hash/maphash"
	"slices"

	"github.com/gaissmai/bart"

	"borj.dev/borj/watch/observable"
)

// Build compiles what was added. The Builder must not be used afterwards.
func (b *Builder) Build() *Set {
	if len(b.pending) > 0 {
		b.seal()
	}
	b.pending, b.arena = nil, nil
	s := &Set{
		owners:   slices.Clip(b.owners),
		origins:  b.origins,
		ids:      b.ids,
		rules:    b.rules,
		patterns: b.patterns,
	}
	dead, superseded := b.versions.superseded(&b.ids)
	b.stats.Superseded = superseded
	b.stats.Loaded -= superseded
	s.patterns.leaveOut(func(o uint32) bool { return dead[b.owners[o].id] })
	s.keys.data = make([]byte, 0, b.size)
	b.merge(s, dead)
	s.keys.data, s.keys.blocks, s.keys.last = slices.Clip(s.keys.data), slices.Clip(s.keys.blocks), nil
	s.fill()
	b.stats.Distinct = s.keys.n + s.patterns.n
	s.stats = b.stats
	b.runs = nil
	return s
}

// merge writes the sorted runs into one table, each key once with the number
// of its owner, or of its list of owners. Owners with dead ids are left out.
func (b *Builder) merge(s *Set, dead map[uint32]bool) {
	heap := make([]*cursor, 0, len(b.runs))
	for i := range b.runs {
		c := &cursor{rest: b.runs[i].data}
		if c.next() {
			heap = append(heap, c)
		}
	}
	for i := len(heap)/2 - 1; i >= 0; i-- {
		sift(heap, i)
	}
	lists := map[string]uint32{}
	var key []byte
	var owners []uint32
	flush := func() {
		if len(owners) == 0 {
			return
		}
		slices.Sort(owners)
		owners = b.capped(slices.Compact(owners))
		s.keys.append(key, s.reference(owners, lists))
		owners = owners[:0]
	}
	for len(heap) > 0 {
		c := heap[0]
		if len(owners) == 0 || !bytes.Equal(c.key, key) {
			flush()
			key = append(key[:0], c.key...)
		}
		if !dead[b.owners[c.number].id] {
			owners = append(owners, c.number)
		}
		if !c.next() {
			heap[0] = heap[len(heap)-1]
			heap = heap[:len(heap)-1]
		}
		sift(heap, 0)
	}
	flush()
}

// capped leaves out the owners beyond the first maxOrigins that say nothing but
// that the value is theirs. Terms of several are all kept: without one of them
// its indicator would never hold.
func (b *Builder) capped(owners []uint32) []uint32 {
	if len(owners) <= maxOrigins {
		return owners
	}
	whole := 0
	return slices.DeleteFunc(owners, func(o uint32) bool {
		if b.owners[o].rule != 0 {
			return false
		}
		if whole++; whole <= maxOrigins {
			return false
		}
		b.stats.Capped++
		return true
	})
}

// sift restores the order of a heap of cursors below i.
func sift(heap []*cursor, i int) {
	for {
		least := i
		for _, child := range [2]int{2*i + 1, 2*i + 2} {
			if child < len(heap) && bytes.Compare(heap[child].key, heap[least].key) < 0 {
				least = child
			}
		}
		if least == i {
			return
		}
		heap[i], heap[least] = heap[least], heap[i]
		i = least
	}
}

// reference returns the number that stands for owners in the table: that of
// the only one, or beyond all owners that of a list of them, which are sorted.
func (s *Set) reference(owners []uint32, lists map[string]uint32) uint32 {
	if len(owners) == 1 {
		return owners[0]
	}
	name := make([]byte, 0, 4*len(owners))
	for _, o := range owners {
		name = binary.LittleEndian.AppendUint32(name, o)
	}
	i, ok := lists[string(name)]
	if !ok {
		i = uint32(len(s.lists))
		s.lists = append(s.lists, s.claimsOf(owners))
		lists[string(name)] = i
	}
	return uint32(len(s.owners)) + i
}

// manyParts is from how many on the parts of a key are looked up from the other
// terms of their indicators, and not the other way round.
const manyParts = 64

func (s *Set) claimsOf(owners []uint32) claims {
	var c claims
	c.common = true
	for _, o := range owners {
		rule := s.owners[o].rule
		if rule == 0 {
			c.whole = append(c.whole, o)
			continue
		}
		if n := len(c.parts); n > 0 && s.owners[c.parts[n-1]].rule == rule {
			c.common = false
		}
		c.parts = append(c.parts, o)
	}
	c.whole, c.parts = slices.Clip(c.whole), slices.Clip(c.parts)
	c.common = c.common && len(c.parts) >= manyParts
	return c
}

// fill derives from the table what look-ups are gated by.
func (s *Set) fill() {
	s.seed = maphash.MakeSeed()
	var count [256]int
	for c := (cursor{rest: s.keys.data}); c.next(); {
		count[c.key[0]]++
	}
	count[urlGate] = count[tagOf(observable.URL, URLPrefix)]
	for t, n := range count {
		if n > 0 {
			s.filters[t] = newFilter(n)
		}
	}
	var buf []byte
	lengths := [2]map[int]bool{{}, {}}
	urls := map[int]bool{}
	for c := (cursor{rest: s.keys.data}); c.next(); {
		t := tag(c.key[0])
		buf = appendHashed(buf[:0], c.key)
		s.filters[t].add(maphash.Bytes(s.seed, buf))
		s.kinds |= observable.KindsOf(t.kind())
		switch t.match() {
		case URLPrefix:
			s.filters[urlGate].add(maphash.Bytes(s.seed, buf[:authorityEnd(buf)]))
			urls[len(buf)] = true
		case CIDR:
			p := prefixOfKey(c.key)
			if s.prefixes == nil {
				s.prefixes = new(bart.Lite)
			}
			s.prefixes.Insert(p)
			lengths[family(p.Addr())][p.Bits()] = true
		}
	}
	for f := range lengths {
		s.prefixLengths[f] = sortedKeys(lengths[f])
	}
	s.urlLengths = sortedKeys(urls)
	for k := range s.patterns.byKind {
		if len(s.patterns.byKind[k]) > 0 {
			s.kinds |= observable.KindsOf(observable.Kind(k))
		}
	}
}

func sortedKeys(m map[int]bool) []int {
	var out []int
	for k := range m {
		out = append(out, k)
	}
	slices.Sort(out)
	return out
}
