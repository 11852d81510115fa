package correlate

import (
	"math/bits"
	"slices"
)

// reach is the running content of all windows that an event can be part of:
// from one timespan before it to one after it. Where the condition cannot hold
// of that it holds of none of the windows, because what is judged at once is
// what more events cannot undo. From one late event to the next the reach moves
// a little, where to look at the windows anew would take all entries.
type reach struct {
	window
	from, to int64 // it has the group's entries from and to these times
}

func (r *reach) has(t int64) bool { return r != nil && r.from <= t && t <= r.to }

// near moves the reach to the windows of an event at t, and tells whether the
// condition may hold of one of them.
func (g *group) near(t int64) bool {
	c, r := g.of, g.reach
	from, to := t-c.span, t+c.span
	if r == nil || to < r.from || r.to < from {
		r = &reach{window: newWindow(c), from: from, to: from - 1}
		g.reach = r
		r.chains = nil // of no use where events enter and leave at both ends
	}
	for i := g.since(r.from); i < len(g.entries) && g.entries[i].time < min(from, r.to+1); i++ {
		r.leave(c, &g.entries[i])
	}
	for i := g.since(max(to+1, r.from)); i < len(g.entries) && g.entries[i].time <= r.to; i++ {
		r.leave(c, &g.entries[i])
	}
	for i := g.since(from); i < len(g.entries) && g.entries[i].time < min(r.from, to+1); i++ {
		r.enter(c, &g.entries[i])
	}
	for i := g.since(max(r.to+1, from)); i < len(g.entries) && g.entries[i].time <= to; i++ {
		r.enter(c, &g.entries[i])
	}
	r.from, r.to = from, to
	if r.rough {
		r.sumAgain(g.entries[g.since(from):g.after(to)])
	}
	return r.possible(c)
}

// possible tells whether the condition can hold of a part of the window.
func (w *window) possible(c *correlation) bool {
	if len(c.cond) == 0 {
		return slices.ContainsFunc(c.terms, func(t term) bool { return w.mask&t.present == t.present })
	}
	switch c.kind {
	case eventCount:
		return c.cond.holds(float64(w.events))
	case valueCount:
		return c.cond.holds(float64(w.tally.len()))
	case temporal, temporalOrdered:
		return c.cond.holds(float64(bits.OnesCount64(w.mask)))
	case valueSum: // a part may leave out the negative values
		const rounding = 1 + 1e-9
		return c.cond.holds(w.size * rounding)
	}
	return w.hits > 0
}
