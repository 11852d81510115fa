package match

import (
	"bytes"
	"net/netip"
	"slices"

	"borj.dev/borj/watch/record"
	"borj.dev/borj/watch/sigma"
)

// Worker evaluates the rules of a Matcher. It is not safe for concurrent use.
type Worker struct {
	m       *Matcher
	paths   *record.Paths
	plans   []plan // by PathID
	classes map[string]*class
	limit   int       // of classes
	age     int       // records since classes was cleared
	everFed [2]bitset // routes that records of known, and of no known, source met
	routes  bitset    // scratch of routesMet

	// Everything below is about the record at hand. A number stamped with
	// the epoch is of this record; any other is stale.
	epoch     uint32
	rec       *record.Record
	cl        *class
	fed       bitset // of the universal class: routes that the record meets
	values    []value
	entries   []entry
	slots     []slotState
	state     []uint32 // by predicate: epoch<<1 | holds
	queued    []uint32 // by rule: epoch
	queue     []uint32
	folded    []byte
	plain     []byte
	key       []byte // of the class
	keyed     bool   // key says all about the routing fields
	gated     uint32 // the epoch of mayHold
	mayHold   bool   // what the gate of the class said
	addressOf int32  // the value that address was read from, or -1
	address   netip.Addr
	// searched tells that a slot was scanned.
	searched bool
}

// plan says which slots a path feeds.
type plan struct {
	resolved bool
	routing  bool // a slot of it is part of the class key
	slots    []uint16
	beneath  []uint16 // slots that are asked for existence and stand above the path
}

// value is one field of the record that some slot needs.
type value struct {
	field  int32
	offset int32 // of its folded bytes, -1 until needed
	length int32
	ascii  bool   // known once folded
	plain  []byte // decoded, nil until needed
}

// entry links a value into a slot.
type entry struct{ value, next int32 }

type slotState struct {
	epoch       uint32 // first and last are of this record
	scanned     [tiers]uint32
	beneath     uint32
	first, last int32
}

// Match appends to dst the positions of the rules that hold for rec, in rising
// order.
func (w *Worker) Match(rec *record.Record, dst []int) []int {
	w.begin(rec)
	w.gather()
	cl := w.class()
	if w.searched { // while the class was not known yet, so nothing was called up
		w.begin(rec)
		w.gather()
	}
	w.cl = cl
	w.age++
	if cl.idle {
		return dst
	}
	w.queue = append(w.queue[:0], cl.always...)
	for _, r := range cl.always {
		w.queued[r] = w.epoch
	}
	for _, s := range cl.scan {
		if s.slot != keywordSlot || cl.gate == nil || w.keywordsMayHold() {
			w.scanSlot(s.slot, s.tier)
		}
	}
	for i := range cl.present {
		if p := &cl.present[i]; w.slots[p.slot].epoch == w.epoch {
			w.call(p.rules)
		}
	}
	for i := range cl.foreign {
		if p := &cl.foreign[i]; w.isForeign(p.slot) {
			w.call(p.rules)
		}
	}
	from := len(dst)
	for _, r := range w.queue {
		if cl.universal && !w.isFed(r) {
			continue
		}
		if w.eval(w.m.rules[r].root) {
			dst = append(dst, int(r))
		}
	}
	slices.Sort(dst[from:])
	return dst
}

// Fed calls yield with each rule that at least one record was fed to.
func (w *Worker) Fed(yield func(rule int)) {
	for i := range w.m.rules {
		r := &w.m.rules[i]
		if w.everFed[1].has(uint32(r.route)) || !r.generic && w.everFed[0].has(uint32(r.route)) {
			yield(i)
		}
	}
}

func (w *Worker) begin(rec *record.Record) {
	w.rec, w.cl, w.searched, w.addressOf = rec, nil, false, -1
	w.epoch++
	if w.epoch == 1<<31 { // the stamps would repeat
		w.epoch = 1
		clear(w.state)
		clear(w.queued)
		clear(w.slots)
		w.gated = 0
	}
	w.values, w.entries, w.folded, w.plain = w.values[:0], w.entries[:0], w.folded[:0], w.plain[:0]
}

// gather notes the values of all slots and builds the key of the class.
func (w *Worker) gather() {
	w.keyed = true
	w.key = append(w.key[:0], byte(w.rec.Format))
	fields := w.rec.Fields
	for i := range fields {
		f := &fields[i]
		if int(f.Path) >= len(w.plans) {
			w.plans = append(w.plans, make([]plan, w.paths.Len()-len(w.plans))...)
		}
		p := &w.plans[f.Path]
		if !p.resolved {
			p = w.resolve(f)
		}
		for _, s := range p.beneath {
			if sl := &w.m.slots[s]; w.slots[s].beneath != w.epoch && (sl.routing || sl.present) {
				w.key = append(w.key, byte(s), byte(s>>8), keyBeneath)
			}
			w.slots[s].beneath = w.epoch
		}
		if len(p.slots) == 0 {
			continue
		}
		w.values = append(w.values, value{field: int32(i), offset: -1})
		v := int32(len(w.values) - 1)
		for _, s := range p.slots {
			w.feed(s, v)
		}
		if p.routing {
			w.addToKey(p, f)
		}
	}
	if w.m.keywordRoutes {
		w.keyed = false
	}
}

// feed links value v into slot s.
func (w *Worker) feed(s uint16, v int32) {
	w.entries = append(w.entries, entry{v, -1})
	e := int32(len(w.entries) - 1)
	if st := &w.slots[s]; st.epoch == w.epoch {
		w.entries[st.last].next = e
		st.last = e
	} else {
		st.epoch, st.first, st.last = w.epoch, e, e
	}
}

// gatherKeywords makes every value of the record one of the keyword slot.
func (w *Worker) gatherKeywords() {
	if w.slots[keywordSlot].epoch == w.epoch {
		return
	}
	for i := range w.rec.Fields {
		w.values = append(w.values, value{field: int32(i), offset: -1})
		w.feed(keywordSlot, int32(len(w.values)-1))
	}
}

const (
	maxKey = 1024 // bounds the class key
	// In a class key, where a value's kind would stand:
	keyBeneath = 0xFE // something stands beneath the field
	keyThere   = 0xFD // the field is there, and only its kind matters
)

func (w *Worker) addToKey(p *plan, f *record.Field) {
	valued := false
	for _, s := range p.slots {
		sl := &w.m.slots[s]
		if sl.routing || sl.present {
			w.key = append(w.key, byte(s), byte(s>>8))
		}
		valued = valued || sl.routing
	}
	if !valued {
		w.key = append(w.key, keyThere, byte(f.Kind))
		return
	}
	if f.End-f.Start > maxKey/4 || len(w.key) > maxKey {
		w.keyed = false
		return
	}
	text := w.rec.Raw[f.Start:f.End]
	w.key = append(w.key, byte(f.Kind), byte(len(text)), byte(len(text)>>8))
	w.key = append(w.key, text...)
}

// resolve works out the plan of a field's path.
func (w *Worker) resolve(f *record.Field) *plan {
	p := &plan{resolved: true}
	for _, name := range w.rec.NamesOf(f) {
		if s, ok := w.m.byName[name]; ok && s != keywordSlot {
			p.slots = append(p.slots, s)
			p.routing = p.routing || w.m.slots[s].routing || w.m.slots[s].present
		}
		for s := range w.m.slots {
			if sl := &w.m.slots[s]; sl.beneath && len(name) > len(sl.name) && name[:len(sl.name)] == sl.name && name[len(sl.name)] == '.' {
				p.beneath = append(p.beneath, uint16(s))
			}
		}
	}
	if f.Path == record.Overflow {
		return p // names differ from record to record
	}
	w.plans[f.Path] = *p
	return &w.plans[f.Path]
}

// foldedValue returns the folded text of a value.
func (w *Worker) foldedValue(v int32) []byte {
	val := &w.values[v]
	if val.offset < 0 {
		start := len(w.folded)
		var n int
		w.folded, n, val.ascii = appendFolded(w.folded, w.rec, &w.rec.Fields[val.field], func() []byte { return w.plainValue(v) })
		val.offset, val.length = int32(start), int32(n)
	}
	return w.folded[val.offset : val.offset+val.length]
}

// keywordsMayHold asks the gate of the class, once a record.
func (w *Worker) keywordsMayHold() bool {
	if w.gated != w.epoch {
		w.gated, w.mayHold = w.epoch, w.cl.gate.mayHold(w.rec)
	}
	return w.mayHold
}

// isForeign tells whether a value of the slot holds more than ASCII.
func (w *Worker) isForeign(s uint16) bool {
	st := &w.slots[s]
	if st.epoch != w.epoch {
		return false
	}
	for e := st.first; e >= 0; e = w.entries[e].next {
		v := w.entries[e].value
		w.foldedValue(v)
		if !w.values[v].ascii {
			return true
		}
	}
	return false
}

// scanSlot decides the indexed predicates of a tier of the slot.
func (w *Worker) scanSlot(s uint16, t tier) {
	st := &w.slots[s]
	if st.scanned[t] == w.epoch {
		return
	}
	st.scanned[t], w.searched = w.epoch, true
	if s == keywordSlot {
		w.gatherKeywords()
	}
	if st.epoch != w.epoch {
		return
	}
	x := &w.m.slots[s].index
	for e := st.first; e >= 0; e = w.entries[e].next {
		v := w.entries[e].value
		if !isText(w.rec.Fields[w.values[v].field].Kind) {
			continue
		}
		n := len(w.foldedValue(v))
		at := w.values[v].offset
		x.scan(t, w.folded[at:int(at)+n+padding], n, w)
	}
}

// isText tells the kinds of value that text is compared with.
func isText(k record.Kind) bool { return k != record.Null && k != record.Empty }

// knows tells that a predicate was found to hold already.
func (w *Worker) knows(pred uint32) bool { return w.state[pred] == w.epoch<<1|1 }

// found notes that an indexed predicate holds, and calls up its rules.
func (w *Worker) found(pred uint32) {
	if w.knows(pred) {
		return
	}
	w.state[pred] = w.epoch<<1 | 1
	if w.cl != nil && w.cl.covers.has(pred) {
		w.call(w.cl.calls[w.cl.covers.rank(pred)])
	}
}

func (w *Worker) call(rules []uint32) {
	for _, r := range rules {
		if w.queued[r] != w.epoch {
			w.queued[r] = w.epoch
			w.queue = append(w.queue, r)
		}
	}
}

// eval evaluates a node.
func (w *Worker) eval(n uint32) bool {
	nd := &w.m.nodes[n]
	switch nd.op {
	case opPred:
		return w.holds(nd.pred)
	case opNot:
		return !w.eval(nd.kids[0])
	case opAnd:
		for _, k := range nd.kids {
			if !w.eval(k) {
				return false
			}
		}
		return true
	default:
		for _, k := range nd.kids {
			if w.eval(k) {
				return true
			}
		}
		return false
	}
}

// holds evaluates a predicate, once a record.
func (w *Worker) holds(p uint32) bool {
	if s := w.state[p]; s>>1 == w.epoch {
		return s&1 != 0
	}
	pr := &w.m.preds[p]
	if pr.indexed {
		if w.slots[pr.slot].scanned[pr.tier] == w.epoch {
			return false
		}
		w.scanSlot(pr.slot, pr.tier)
		return w.knows(p)
	}
	ok := w.decide(pr)
	w.state[p] = w.epoch << 1
	if ok {
		w.state[p] |= 1
	}
	return ok
}

// decide evaluates a predicate that no index decides.
func (w *Worker) decide(pr *predicate) bool {
	if pr.slot == keywordSlot {
		w.gatherKeywords()
	}
	st := &w.slots[pr.slot]
	there := st.epoch == w.epoch
	switch pr.Op {
	case sigma.OpExists:
		return there || st.beneath == w.epoch
	case sigma.OpNull:
		if !there && st.beneath != w.epoch {
			return true
		}
	}
	if !there {
		return false
	}
	if len(pr.gates) > 0 && !(pr.loose && w.isForeign(pr.slot)) {
		for _, g := range pr.gates {
			if !w.anyHolds(g) {
				return false
			}
		}
	}
	for e := st.first; e >= 0; e = w.entries[e].next {
		if w.decideValue(pr, w.entries[e].value) {
			return true
		}
	}
	return false
}

// decideValue evaluates a predicate for one value.
func (w *Worker) decideValue(pr *predicate, v int32) bool {
	f := &w.rec.Fields[w.values[v].field]
	if pr.Op == sigma.OpNull {
		return f.Kind == record.Null
	}
	if !isText(f.Kind) {
		return false
	}
	if pr.Op <= sigma.OpGlob && !pr.Cased && pr.Part == sigma.WholeValue {
		return pr.HoldsForFolded(w.foldedValue(v))
	}
	if pr.Op == sigma.OpCIDR {
		return w.isInside(pr, v)
	}
	if int(f.End-f.Start) < pr.minLen && (f.Kind == record.Text || f.Kind == record.Escaped) {
		return false
	}
	value := w.plainValue(v)
	if pr.Op == sigma.OpFieldRef {
		return w.refersTo(pr, v, value)
	}
	if pr.run != nil && !pr.run.in(value) {
		return false
	}
	if pr.longLine > 0 {
		return hasLongLine(value, pr.longLine)
	}
	return pr.HoldsFor(value)
}

// isInside tells whether an address stands in the prefix of pr. Rules ask that
// of many prefixes, so the address is kept.
func (w *Worker) isInside(pr *predicate, v int32) bool {
	if w.addressOf != v {
		w.addressOf = v
		w.address, _ = sigma.ParseAddress(w.plainValue(v))
	}
	return pr.Prefix.Contains(w.address)
}

// plainValue returns the text of a value as it is.
func (w *Worker) plainValue(v int32) []byte {
	val := &w.values[v]
	if val.plain == nil {
		// What was handed out before stays where it is, even if plain moves.
		val.plain, w.plain, _ = sigma.ValueText(w.rec, &w.rec.Fields[val.field], w.plain)
	}
	return val.plain
}

// refersTo compares a value with those of the field that pr refers to.
func (w *Worker) refersTo(pr *predicate, v int32, value []byte) bool {
	st := &w.slots[pr.ref]
	if st.epoch != w.epoch {
		return false
	}
	for e := st.first; e >= 0; e = w.entries[e].next {
		o := w.entries[e].value
		f := &w.rec.Fields[w.values[o].field]
		if !isText(f.Kind) {
			continue
		}
		if pr.Cased {
			if compare(pr.RefOp, value, w.plainValue(o)) {
				return true
			}
			continue
		}
		w.foldedValue(o) // before the other, since it may move both
		if compare(pr.RefOp, w.foldedValue(v), w.foldedValue(o)) {
			return true
		}
	}
	return false
}

func compare(op sigma.Op, value, text []byte) bool {
	switch op {
	case sigma.OpContains:
		return bytes.Contains(value, text)
	case sigma.OpStartsWith:
		return bytes.HasPrefix(value, text)
	case sigma.OpEndsWith:
		return bytes.HasSuffix(value, text)
	}
	return bytes.Equal(value, text)
}

func (w *Worker) anyHolds(preds []uint32) bool {
	for _, p := range preds {
		if w.holds(p) {
			return true
		}
	}
	return false
}
