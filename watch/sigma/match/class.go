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
	fed     bitset // routes that such a record meets
	generic bool   // its records are of no known source
	// universal marks the class of records that no other was made for: every
	// rule is in it, and fed and generic are each record's own.
	universal bool
	idle      bool         // no rule can hold
	gate      *keywordGate // of the keywords that call up rules; nil: search every value
	scan      []search     // what to search before rules are called up
	always    []uint32
	present   []slotRules // rules called up where the field is there
	foreign   []slotRules // rules called up where it holds more than ASCII
	covers    ranked      // predicates that call up rules
	calls     [][]uint32  // the rules, by rank of the predicate
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

const (
	// maxClasses bounds the classes that a worker keeps. Logs have a few hundred.
	maxClasses = 1024
	// classLife is after how many records classes are made anew, once there are
	// so many: what fills them may have been one sender's noise.
	classLife = 1 << 20
)

// class returns the class of the record that was gathered.
func (w *Worker) class() *class {
	if w.keyed {
		if cl, ok := w.classes[string(w.key)]; ok {
			return cl
		}
		if len(w.classes) >= w.limit && w.age >= classLife {
			clear(w.classes)
			w.age = 0
		}
		if len(w.classes) < w.limit {
			key := string(w.key)
			cl := w.newClass(w.routesMet())
			w.classes[key] = cl
			w.feeds(cl.fed, cl.generic)
			return cl
		}
	}
	// Too many classes, or a routing field too long to be part of a key.
	w.fed = w.routesMet()
	w.feeds(w.fed, isGeneric(w.rec.Format))
	return w.m.universal()
}

// feeds notes the routes that a record met.
func (w *Worker) feeds(routes bitset, generic bool) {
	kind := 0
	if generic {
		kind = 1
	}
	for i, b := range routes {
		w.everFed[kind][i] |= b
	}
}

// isFed tells whether a rule of the universal class is for the record.
func (w *Worker) isFed(rule uint32) bool {
	r := &w.m.rules[rule]
	return w.fed.has(uint32(r.route)) && (!r.generic || isGeneric(w.rec.Format))
}

func (w *Worker) routesMet() bitset {
	fed := w.routes
	clear(fed)
	for i := range w.m.routes {
		if r := &w.m.routes[i]; r.expr == nil || w.eval(r.root) {
			fed.set(uint32(i))
		}
	}
	return fed
}

// newClass works out the class of the record that was gathered, whose key
// holds all values of the routing fields: predicates on them are decided.
func (w *Worker) newClass(fed bitset) *class {
	m := w.m
	cl := &class{fed: slices.Clone(fed), generic: isGeneric(w.rec.Format)}
	cl.fill(m, func(p uint32) truth {
		pr := &m.preds[p]
		s := &m.slots[pr.slot]
		asksPresence := pr.Op == sigma.OpExists || pr.Op == sigma.OpNull
		if !s.routing && !(s.present && asksPresence) || pr.Op == sigma.OpFieldRef {
			return unknown
		}
		if w.holds(p) {
			return yes
		}
		return no
	})
	return cl
}

// universal returns the class in which nothing is decided yet.
func (m *Matcher) universal() *class {
	m.once.Do(func() {
		m.any = &class{universal: true}
		m.any.fill(m, func(uint32) truth { return unknown })
	})
	return m.any
}

// fill files the rules that can still hold, as far as know tells.
func (cl *class) fill(m *Matcher, know func(pred uint32) truth) {
	calls := map[uint32][]uint32{}
	c := coverer{m: m, know: know}
	for i := range m.rules {
		r := &m.rules[i]
		if !cl.universal && (!cl.fed.has(uint32(r.route)) || r.generic && !cl.generic) {
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
	cl.gate = m.keywordGate(calls)
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
func (m *Matcher) keywordGate(calls map[uint32][]uint32) *keywordGate {
	var texts []string
	for p := range calls {
		if pr := &m.preds[p]; pr.slot == keywordSlot {
			texts = append(texts, pr.Text)
		}
	}
	return newKeywordGate(texts)
}
