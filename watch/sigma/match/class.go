package match

import (
	"maps"
	"math/bits"
	"slices"

	"borj.dev/borj/watch/record"
	"borj.dev/borj/watch/sigma"
)

type bitset []uint64

// ranked is a set of numbers that tells how many of its members are smaller.
type ranked struct {
	bits   bitset
	before []uint32 // by word of bits: members in the words before
}

func newRanked(n int, members []uint32) ranked {
	r := ranked{bits: newBitset(n)}
	for _, i := range members {
		r.bits.set(i)
	}
	r.before = make([]uint32, len(r.bits))
	for i := 1; i < len(r.bits); i++ {
		r.before[i] = r.before[i-1] + uint32(bits.OnesCount64(r.bits[i-1]))
	}
	return r
}

func (r *ranked) has(i uint32) bool { return r.bits != nil && r.bits.has(i) }

func (r *ranked) rank(i uint32) int {
	return int(r.before[i>>6]) + bits.OnesCount64(r.bits[i>>6]&(1<<(i&63)-1))
}

func newBitset(n int) bitset       { return make(bitset, (n+63)/64) }
func (b bitset) has(i uint32) bool { return b[i>>6]>>(i&63)&1 != 0 }
func (b bitset) set(i uint32)      { b[i>>6] |= 1 << (i & 63) }

// class is what is known of all records that agree in the routing fields: the
// rules that can still hold for them, and how those are called up.
type class struct {
	fed     bitset       // routes that such a record meets
	idle    bool         // no rule can hold
	gate    *keywordGate // of the keywords that call up rules; nil: search every value
	generic bool         // its records are of no known source
	scan    []search     // what to search before rules are called up
	always  []uint32
	present []slotRules
	foreign []slotRules // rules called up where it holds more than ASCII
	covers  ranked      // predicates that call up rules
	calls   [][]uint32  // the rules, by rank of the predicate
}

// search names one tier of one slot.
type search struct {
	slot uint16
	tier tier
}

type slotRules struct {
	slot  uint16
	rules []uint32
}

// maxClasses bounds the classes that are kept. Records whose routing fields
// have ever new values share the classes of their routes beyond that.
const maxClasses = 1024

// class returns the class of the record that was gathered.
func (w *Worker) class() *class {
	if w.keyed {
		if cl, ok := w.classes[string(w.key)]; ok {
			return cl
		}
		if cl := w.m.shared(w.key); cl != nil {
			w.classes[string(w.key)] = cl
			return cl
		}
		if len(w.classes) < maxClasses {
			cl := w.newClass(w.routesMet(), true)
			w.remember(cl)
			return cl
		}
	}
	// Too many classes, or a routing field too long to be part of a key.
	fed := w.routesMet()
	w.key = append(w.key[:0], 0xFF, byte(w.rec.Format))
	for _, b := range fed {
		for s := 0; s < 64; s += 8 {
			w.key = append(w.key, byte(b>>s))
		}
	}
	if cl := w.m.shared(w.key); cl != nil {
		return cl
	}
	cl := w.newClass(fed, false)
	w.remember(cl)
	return cl
}

func (m *Matcher) shared(key []byte) *class {
	m.mu.RLock()
	defer m.mu.RUnlock()
	return m.classes[string(key)]
}

func (w *Worker) remember(cl *class) {
	key := string(w.key)
	w.m.mu.Lock()
	defer w.m.mu.Unlock()
	if len(w.m.classes) < 2*maxClasses {
		w.m.classes[key] = cl
	}
	if len(w.classes) < maxClasses {
		w.classes[key] = cl
	}
}

func (w *Worker) routesMet() bitset {
	fed := newBitset(len(w.m.routes))
	for i := range w.m.routes {
		if r := &w.m.routes[i]; r.expr == nil || w.eval(r.root) {
			fed.set(uint32(i))
		}
	}
	return fed
}

// newClass works out the class of the record that was gathered. exact tells
// that the class key holds all values of the routing fields, so predicates on
// them are decided.
func (w *Worker) newClass(fed bitset, exact bool) *class {
	m := w.m
	cl := &class{fed: fed, generic: isGeneric(w.rec.Format)}
	calls := map[uint32][]uint32{}
	know := func(p uint32) truth {
		pr := &m.preds[p]
		s := &m.slots[pr.slot]
		asksPresence := pr.Op == sigma.OpExists || pr.Op == sigma.OpNull
		if !exact || !s.routing && !(s.present && asksPresence) || pr.Op == sigma.OpFieldRef {
			return unknown
		}
		if w.holds(p) {
			return yes
		}
		return no
	}
	c := coverer{m: m, know: know}
	for i := range m.rules {
		r := &m.rules[i]
		if !fed.has(uint32(r.route)) || r.generic && !cl.generic {
			continue
		}
		switch t := c.truth(r.root); {
		case t == no:
		case t == yes, c.cost(r.root) >= impossible:
			cl.always = append(cl.always, uint32(i))
		default:
			var cov cover
			c.collect(r.root, &cov)
			cl.callUp(m, uint32(i), &cov, calls)
		}
	}
	if len(calls) > 0 {
		preds := slices.Sorted(maps.Keys(calls))
		cl.covers = newRanked(len(m.preds), preds)
		for _, p := range preds {
			cl.calls = append(cl.calls, calls[p])
		}
	}
	cl.idle = len(cl.always)+len(cl.calls)+len(cl.present)+len(cl.foreign) == 0
	cl.gate = w.keywordGate(calls)
	return cl
}

// callUp files a rule under its cover.
func (cl *class) callUp(m *Matcher, rule uint32, cov *cover, calls map[uint32][]uint32) {
	for _, p := range cov.preds {
		if list := calls[p]; len(list) == 0 || list[len(list)-1] != rule {
			calls[p] = append(list, rule)
		}
		if s := (search{m.preds[p].slot, m.preds[p].tier}); !slices.Contains(cl.scan, s) {
			cl.scan = append(cl.scan, s)
		}
	}
	for _, s := range cov.present {
		cl.present = addTo(cl.present, s, rule)
	}
	for _, s := range cov.foreign {
		cl.foreign = addTo(cl.foreign, s, rule)
	}
}

func addTo(list []slotRules, s uint16, rule uint32) []slotRules {
	i := slices.IndexFunc(list, func(x slotRules) bool { return x.slot == s })
	if i < 0 {
		return append(list, slotRules{s, []uint32{rule}})
	}
	if r := list[i].rules; r[len(r)-1] != rule {
		list[i].rules = append(r, rule)
	}
	return list
}

// isGeneric tells the formats that say nothing about where a record is from.
func isGeneric(f record.Format) bool { return f == record.FormatJSON || f == record.FormatCSV }

// keywordGate returns the gate of the keywords among what calls up rules.
func (w *Worker) keywordGate(calls map[uint32][]uint32) *keywordGate {
	var texts []string
	for p := range calls {
		if pr := &w.m.preds[p]; pr.slot == keywordSlot {
			texts = append(texts, pr.Text)
		}
	}
	return newKeywordGate(texts)
}
