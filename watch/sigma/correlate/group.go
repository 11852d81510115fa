package correlate

import (
	"cmp"
	"math"
	"math/bits"
	"slices"
	"sort"
)

// entry is one event of a group, or one of its values.
type entry struct {
	time  int64  // Unix nanoseconds
	value uint64 // hash of the value, or the bits of a number
	ref   Ref
	extra *extra
	rule  uint16 // index in correlation.rules
	first bool   // false for the further values of one event
}

// extra is what few entries have.
type extra struct {
	refs    []Ref      // of a chained event
	carried [][]string // by correlation.carried
}

func (e *entry) number() float64 { return math.Float64frombits(e.value) }

// group is what one correlation holds for one combination of group-by values.
type group struct {
	of      *correlation
	key     string
	values  []string // by group-by field, as first seen
	entries []entry  // by time; of one time by rule for temporal_ordered, else as they came
	front   []entry  // the free places before entries, in the same array
	from    int      // where in entries the newest window starts
	newest  int64    // time of the newest event ever
	window  window   // of entries[from:], unless closing
	stale   bool     // temporal_ordered: the window is to be made again
	reach   *reach   // of the last late event, if one came
	held    []int32  // temporal types: entries by rule
	fired   []int64  // when fired windows ended, ascending
	latest  int64    // time of the event that came last
	lost    [2]int64 // times of the oldest and newest event dropped for want of room
	closed  int64    // closing: the end of the last window judged
	due     int64    // closing: when the first window is over
	place   int      // closing: in State.closing
	order   int64    // of creation
	cost    int64    // as last added to State.bytes
	extras  int64    // bytes of the entries' extras

	links [2]link // recency: within the correlation, within the state
}

// Estimated sizes in bytes, measured on 64-bit machines and rounded up.
const (
	groupCost = 640
	entryCost = 96
	reachCost = 192
	tallyCost = 32
	extraCost = 96
	refCost   = 64
)

func (g *group) size() int64 {
	n := groupCost + int64(2*len(g.key)) + int64(len(g.entries))*entryCost + g.extras
	n += int64(g.window.tally.len())*tallyCost + int64(len(g.fired)+len(g.window.chains)+len(g.window.seen)+len(g.held))*8
	if g.reach != nil {
		n += reachCost + int64(g.reach.tally.len())*tallyCost + int64(len(g.reach.seen))*8
	}
	return n
}

func (x *extra) size() int64 {
	if x == nil {
		return 0
	}
	n := int64(extraCost + len(x.refs)*refCost)
	for _, values := range x.carried {
		for _, v := range values {
			n += int64(16 + len(v))
		}
	}
	return n
}

// since returns the index of the first entry not before t.
func (g *group) since(t int64) int {
	return sort.Search(len(g.entries), func(i int) bool { return g.entries[i].time >= t })
}

// after returns the index of the first entry after t.
func (g *group) after(t int64) int { return g.since(t + 1) }

// insert puts e at its place and returns it.
func (g *group) insert(e entry) int {
	i := len(g.entries)
	if i > 0 && g.before(&e, &g.entries[i-1]) {
		i = sort.Search(i, func(i int) bool { return g.before(&e, &g.entries[i]) })
	}
	g.put(i, e)
	if g.reach.has(e.time) {
		g.reach.enter(g.of, &e)
	}
	g.extras += e.extra.size()
	if g.held != nil {
		g.held[e.rule]++
	}
	return i
}

// put moves the entries of the shorter side to put e at i: logs come newest
// first as well as oldest first.
func (g *group) put(i int, e entry) {
	n := len(g.entries)
	if 2*i >= n {
		full := n == cap(g.entries)
		if full && g.reach != nil { // events come late: keep room for them
			g.grow(min(len(g.front), n/4), n/2+1)
			full = false
		}
		g.entries = slices.Insert(g.entries, i, e)
		if full {
			g.front = g.entries[:0]
		}
		return
	}
	if len(g.front) == 0 {
		g.grow(n/2+2, min(cap(g.entries)-n, n/4))
	}
	at := len(g.front) - 1
	all := g.front[:at+1+n]
	copy(all[at:], all[at+1:at+1+i])
	all[at+i] = e
	g.front, g.entries = all[:at], all[at:]
}

// grow moves the entries to an array with free places at both ends.
func (g *group) grow(front, back int) {
	n := len(g.entries)
	array := make([]entry, front+n+back)
	copy(array[front:], g.entries)
	g.front, g.entries = array[:front], array[front:front+n]
}

func (g *group) before(a, b *entry) bool {
	if a.time != b.time || g.of.kind != temporalOrdered {
		return a.time < b.time
	}
	return a.rule < b.rule
}

// remove takes out entries[i:j].
func (g *group) remove(i, j int) {
	for k := i; k < j; k++ {
		if g.reach.has(g.entries[k].time) {
			g.reach.leave(g.of, &g.entries[k])
		}
		g.extras -= g.entries[k].extra.size()
		if g.held != nil {
			g.held[g.entries[k].rule]--
		}
	}
	if i == 0 {
		clear(g.entries[:j])
		g.front, g.entries = g.front[:len(g.front)+j], g.entries[j:]
		return
	}
	g.entries = slices.Delete(g.entries, i, j)
}

// suppressed tells whether a window that ends at t overlaps one that fired.
func (g *group) suppressed(t int64) bool {
	i, _ := slices.BinarySearch(g.fired, t-g.of.span)
	return i < len(g.fired) && g.fired[i] <= t+g.of.span
}

// used tells whether an event at t lies in a window that fired.
func (g *group) used(t int64) bool {
	i, _ := slices.BinarySearch(g.fired, t)
	return i < len(g.fired) && g.fired[i]-g.of.span <= t
}

// slide takes an event into a group whose condition can be judged at once,
// and returns the end of the window that it makes fire.
func (g *group) slide(event []entry) (end int64, ok bool, value float64) {
	c, t := g.of, event[0].time
	g.latest = t
	if t >= g.newest {
		g.newest = t
		g.advance()
	}
	if g.used(t) {
		return 0, false, 0
	}
	inOrder := len(g.entries) == 0 || !g.before(&event[0], &g.entries[len(g.entries)-1])
	for _, e := range event {
		i := g.insert(e)
		switch {
		case t < g.newest-c.span:
			g.from++
		case inOrder || c.kind != temporalOrdered:
			g.window.enter(c, &g.entries[i])
		}
	}
	if !inOrder && c.kind == temporalOrdered && t >= g.newest-c.span {
		g.stale = true
	}
	if t == g.newest {
		if g.suppressed(t) {
			return 0, false, 0
		}
		if g.stale {
			g.rebuild()
		}
		value, ok = g.window.holds(c, t-c.span, g.entries[g.from:])
		return t, ok, value
	}
	return g.late(t)
}

// advance lets the newest window end at g.newest, and drops what no window
// can hold any more.
func (g *group) advance() {
	c := g.of
	for g.from < len(g.entries) && g.entries[g.from].time < g.newest-c.span {
		g.window.leave(c, &g.entries[g.from])
		g.from++
	}
	if c.forever {
		return
	}
	oldest := g.newest - c.wait - c.span
	n := 0
	for n < g.from && g.entries[n].time < oldest {
		n++
	}
	g.remove(0, n)
	g.from -= n
	n, _ = slices.BinarySearch(g.fired, oldest)
	g.fired = slices.Delete(g.fired, 0, n)
}

// late judges the windows that an event at t, older than the newest, is part
// of.
func (g *group) late(t int64) (end int64, ok bool, value float64) {
	c := g.of
	lo := g.since(t - c.span)
	if g.after(t+c.span)-lo < c.least || !g.possible() || !g.near(t) {
		return 0, false, 0
	}
	hi := lo
	w := newWindow(c)
	for hi < len(g.entries) && g.entries[hi].time <= t+c.span {
		end = g.entries[hi].time
		for ; hi < len(g.entries) && g.entries[hi].time == end; hi++ {
			w.enter(c, &g.entries[hi])
		}
		for ; g.entries[lo].time < end-c.span; lo++ {
			w.leave(c, &g.entries[lo])
		}
		if end < t || g.suppressed(end) {
			continue
		}
		if value, ok = w.holds(c, end-c.span, g.entries[lo:hi]); ok {
			return end, true, value
		}
	}
	return 0, false, 0
}

// possible tells whether the rules that a group holds events of can make the
// condition of a temporal type hold. It spares late events a look at windows.
func (g *group) possible() bool {
	if g.held == nil {
		return true
	}
	mask := uint64(0)
	for r, n := range g.held {
		if n > 0 {
			mask |= 1 << r
		}
	}
	if len(g.of.terms) == 0 {
		return bits.OnesCount64(mask) >= g.of.least
	}
	return slices.ContainsFunc(g.of.terms, func(t term) bool { return mask&t.present == t.present })
}

// rebuild makes the newest window again from the entries.
func (g *group) rebuild() {
	g.window, g.stale = newWindow(g.of), false
	g.from = g.since(g.newest - g.of.span)
	for i := g.from; i < len(g.entries); i++ {
		g.window.enter(g.of, &g.entries[i])
	}
}

// use marks the window that ends at t as fired and takes its events out: they
// have been told, and no other window that holds them fires.
func (g *group) use(t int64) {
	i, _ := slices.BinarySearch(g.fired, t)
	g.fired = slices.Insert(g.fired, i, t)
	g.remove(g.since(t-g.of.span), g.after(t))
	g.rebuild()
}

// shrink drops entries until at most n are left, and returns how many it
// dropped: the oldest, or the newest when the event that came last is nearer to
// the oldest, as in logs that come newest first and in the files of a scan.
func (g *group) shrink(n int) int {
	drop := len(g.entries) - n
	if drop <= 0 {
		return 0
	}
	if !g.of.closing && g.entries[len(g.entries)-1].time-g.latest > g.latest-g.entries[0].time {
		g.shrinkNewest(n)
		return drop
	}
	g.lose(g.entries[0].time, g.entries[drop-1].time)
	if g.of.closing {
		g.remove(0, drop)
		return drop
	}
	for i := range drop {
		if i >= g.from {
			g.window.leave(g.of, &g.entries[i])
		}
	}
	g.remove(0, drop)
	g.from = max(g.from-drop, 0)
	return drop
}

// lose notes that events between two times were dropped.
func (g *group) lose(from, to int64) {
	g.lost = [2]int64{min(g.lost[0], from), max(g.lost[1], to)}
}

// shrinkNewest drops entries[n:].
func (g *group) shrinkNewest(n int) {
	g.lose(g.entries[n].time, g.entries[len(g.entries)-1].time)
	for i := max(n, g.from); i < len(g.entries); i++ {
		g.window.leave(g.of, &g.entries[i])
	}
	g.stale = g.of.kind == temporalOrdered // its chains may have ended there
	g.remove(n, len(g.entries))
	g.from = min(g.from, n)
}

// olderFirst orders groups by when their first window is over, inner
// correlations and older groups first.
func olderFirst(a, b *group) int {
	return cmp.Or(cmp.Compare(a.due, b.due), cmp.Compare(a.of.depth, b.of.depth), cmp.Compare(a.order, b.order))
}

// closingHeap is a heap of the groups that have a window to close.
type closingHeap []*group

func (h closingHeap) Len() int           { return len(h) }
func (h closingHeap) Less(i, j int) bool { return olderFirst(h[i], h[j]) < 0 }
func (h closingHeap) Swap(i, j int) {
	h[i], h[j] = h[j], h[i]
	h[i].place, h[j].place = i, j
}

func (h *closingHeap) Push(x any) {
	g := x.(*group)
	g.place = len(*h)
	*h = append(*h, g)
}

func (h *closingHeap) Pop() any {
	old := *h
	g := old[len(old)-1]
	old[len(old)-1] = nil
	*h = old[:len(old)-1]
	return g
}
