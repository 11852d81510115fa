package correlate

import (
	"container/heap"
	"hash/maphash"
	"math"
	"slices"
	"time"
)

// Bounds of one call of Add.
const (
	maxCombinations = 16     // groups that one event counts for, and values that it brings
	maxFirings      = 10_000 // of chained correlations
	maxValue        = 256    // bytes kept of a group-by value
)

// State holds the events that can still matter to a Plan's correlations. It
// belongs to one goroutine. The same events in the same order give the same
// firings.
type State struct {
	plan      *Plan
	seed      maphash.Seed
	groups    []map[string]*group // by correlation
	recent    []recency           // by correlation
	all       recency
	closing   closingHeap
	watermark int64 // time of the newest event of all
	created   int64
	stats     Stats
	bytes     int64

	pending []firing // fired in this call, to be fed on
	fired   []Fired
	firings int
	event   []entry
	buf     []byte // a key
	raw     []byte // a value
}

// NewState returns an empty state.
func (p *Plan) NewState() *State {
	s := &State{
		plan:      p,
		seed:      maphash.MakeSeed(),
		groups:    make([]map[string]*group, len(p.correlations)),
		recent:    make([]recency, len(p.correlations)),
		all:       recency{in: ofState},
		watermark: never,
	}
	for i := range s.groups {
		s.groups[i] = map[string]*group{}
		s.recent[i].in = ofCorrelation
	}
	return s
}

// Stats returns what the state did and holds.
func (s *State) Stats() Stats {
	out := s.stats
	out.Bytes = s.bytes
	for _, g := range s.groups {
		out.Groups += len(g)
	}
	return out
}

// Times outside these years are taken for broken, so that adding timespans to
// them cannot overflow.
var (
	firstTime = time.Date(1900, 1, 1, 0, 0, 0, 0, time.UTC)
	lastTime  = time.Date(2150, 1, 1, 0, 0, 0, 0, time.UTC)
)

// Add takes in one match of a base rule and returns the correlations that
// fired, in the order in which they did. It keeps nothing of e.Values.
func (s *State) Add(e Event) []Fired {
	src := s.plan.sources[e.Rule]
	if src == nil {
		return nil
	}
	s.stats.Events++
	if !e.HasTime || e.Time.Before(firstTime) || e.Time.After(lastTime) {
		s.stats.Untimed++
		return nil
	}
	s.fired, s.firings = nil, 0
	t := e.Time.UnixNano()
	if t > s.watermark {
		s.watermark = t
		s.closeBefore(t)
	}
	s.feed(src, entry{time: t, ref: e.Ref}, nil, e.Values)
	s.drain()
	return s.fired
}

// Restore tells a new state of a firing from before: that it is not to be told
// again, and its events not to be counted again. correlation is its
// CorrelationKey, group its values in the order of group-by. One that the plan
// does not have is ignored.
func (s *State) Restore(correlation string, group []string, first, last time.Time) {
	for _, c := range s.plan.correlations {
		if c.key != correlation || len(group) != len(c.rule.GroupBy) {
			continue
		}
		s.buf = s.buf[:0]
		for _, v := range group {
			s.buf = appendPart(s.buf, []byte(v))
		}
		g := s.groups[c.at][string(s.buf)]
		if g == nil {
			g = s.open(c, string(s.buf))
			g.values = slices.Clone(group)
		}
		s.recent[c.at].touch(g)
		s.all.touch(g)
		if c.closing {
			g.closed = max(g.closed, first.UnixNano()+c.span)
			s.settle(g)
		} else {
			i, _ := slices.BinarySearch(g.fired, last.UnixNano())
			g.fired = slices.Insert(g.fired, i, last.UnixNano())
		}
		s.account(g)
	}
}

// Flush closes every window, as at the end of a scan, and returns what fired.
// The state is empty afterwards, apart from its counters.
func (s *State) Flush() []Fired {
	s.fired, s.firings = nil, 0
	s.closeBefore(math.MaxInt64)
	fired, stats := s.fired, s.stats
	*s = *s.plan.NewState()
	s.stats = stats
	return fired
}

// drain feeds what fired to the correlations that refer to it.
func (s *State) drain() {
	for len(s.pending) > 0 {
		f := s.pending[0]
		s.pending = s.pending[1:]
		s.feed(&f.from.source, entry{time: f.told.Time.UnixNano()}, f.told.Refs, f.values)
	}
	s.pending = nil
}

// feed gives an event to every correlation that refers to its source. refs
// are the records behind a chained event.
func (s *State) feed(src *source, e entry, refs []Ref, values [][]string) {
	for i := range src.feeds {
		f := &src.feeds[i]
		c := s.plan.correlations[f.to]
		e.rule = f.rule
		n := s.combinations(f.group, values)
		if n == 0 {
			s.stats.Ungrouped++
			continue
		}
		if !s.take(c, f, e, refs, values) {
			s.stats.Valueless++
			continue
		}
		var seen []string
		for k := range n {
			s.buf = s.appendKey(s.buf[:0], f.group, values, k)
			if n > 1 {
				if slices.Contains(seen, string(s.buf)) {
					continue
				}
				seen = append(seen, string(s.buf))
			}
			s.put(c, f.group, values, k)
		}
	}
}

// put adds s.event to the group that s.buf is the key of.
func (s *State) put(c *correlation, fields []int, values [][]string, k int) {
	g := s.groups[c.at][string(s.buf)]
	if g == nil {
		g = s.open(c, string(s.buf))
		for _, at := range fields {
			all := valuesAt(values, at)
			g.values = append(g.values, s.shorten(all[k%len(all)]))
			k /= len(all)
		}
	}
	s.recent[c.at].touch(g)
	s.all.touch(g)
	if c.closing {
		s.hold(g)
	} else {
		s.slide(g)
	}
	s.account(g)
}

// open makes a group, and room for it.
func (s *State) open(c *correlation, key string) *group {
	if len(s.groups[c.at]) >= s.plan.options.Groups {
		s.evict(s.recent[c.at].oldest)
	}
	s.created++
	g := &group{of: c, key: key, newest: never, lost: [2]int64{math.MaxInt64, never}, closed: never, place: -1, order: s.created}
	if !c.closing {
		g.window = newWindow(c)
		if c.kind.temporal() {
			g.held = make([]int32, len(c.rules))
		}
	}
	s.groups[c.at][key] = g
	return g
}

// slide gives s.event to a group whose condition can be judged at once.
func (s *State) slide(g *group) {
	c := g.of
	t := s.event[0].time
	if !c.forever && g.newest != never && t < g.newest-c.wait {
		s.stats.Late++
		return
	}
	end, ok, value := g.slide(s.event)
	if ok {
		i, j := g.since(end-c.span), g.after(end)
		f := s.tell(g, g.entries[i:j], value)
		g.use(end)
		s.emit(f)
	} else if n := g.shrink(c.events); n > 0 {
		s.stats.Overflow += int64(n)
	}
}

// hold gives s.event to a group whose windows are judged when they are over.
// A window is over when the newest event of all is past its end by the
// lateness allowed.
func (s *State) hold(g *group) {
	c := g.of
	t := s.event[0].time
	if t <= g.closed || !c.forever && t+c.span+c.wait < s.watermark {
		s.stats.Late++
		s.settle(g)
		return
	}
	if len(g.entries)+len(s.event) > c.events {
		s.stats.Overflow++
		g.lose(t, t)
		return
	}
	for _, e := range s.event {
		g.insert(e)
	}
	s.settle(g)
}

// settle puts a closing group at its place in the heap.
func (s *State) settle(g *group) {
	c := g.of
	switch {
	case len(g.entries) > 0:
		g.due = g.entries[0].time + c.span + c.wait
	case g.closed != never:
		g.due = g.closed + c.span + c.wait // then it can be forgotten
	default:
		g.due = g.newest
	}
	if g.place < 0 {
		heap.Push(&s.closing, g)
	} else {
		heap.Fix(&s.closing, g.place)
	}
}

// closeBefore judges the windows that are over at time t.
func (s *State) closeBefore(t int64) {
	for len(s.closing) > 0 && s.closing[0].due < t {
		g := s.closing[0]
		if g.of.forever && t != math.MaxInt64 {
			return
		}
		s.close(g)
		s.drain()
	}
}

// close judges the first window of a group, or forgets the group when it has
// none.
func (s *State) close(g *group) {
	c := g.of
	if len(g.entries) == 0 {
		s.forget(g)
		return
	}
	start := g.entries[0].time
	n := g.after(start + c.span)
	w := newWindow(c)
	for i := range n {
		w.enter(c, &g.entries[i])
	}
	value, ok := w.holds(c, start, g.entries[:n])
	var f firing
	if ok {
		f = s.tell(g, g.entries[:n], value)
	}
	g.closed = start + c.span
	g.remove(0, n)
	s.settle(g)
	s.account(g)
	if ok {
		s.emit(f)
	}
}

// emit gives a firing to the caller, unless only other correlations want it,
// and queues it for those.
func (s *State) emit(f firing) {
	s.stats.Fired++
	if len(f.from.feeds) == 0 || f.from.shown {
		s.fired = append(s.fired, f.told)
	}
	if len(f.from.feeds) == 0 {
		return
	}
	if s.firings++; s.firings > maxFirings {
		s.stats.Cut++
		return
	}
	s.pending = append(s.pending, f)
}
