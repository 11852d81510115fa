package correlate

import (
	"container/heap"
	"encoding/binary"
	"hash/maphash"
	"math"
	"slices"
	"strconv"
	"strings"
	"time"
	"unicode/utf8"

	"github.com/cespare/xxhash/v2"

	"borj.dev/borj/watch/sigma"
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

// firing is a fired correlation on its way to those that it feeds.
type firing struct {
	from   *correlation
	told   Fired
	values [][]string // by source.fields
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

// take makes s.event the entries of an event for one correlation: one, or one
// for each value that the condition looks at. It reports false when the event
// has none.
func (s *State) take(c *correlation, f *feed, e entry, refs []Ref, values [][]string) bool {
	s.event = s.event[:0]
	e.first = true
	if refs != nil || len(f.carry) > 0 {
		e.extra = &extra{refs: refs}
		for _, at := range f.carry {
			e.extra.carried = append(e.extra.carried, s.copyValues(at, values))
		}
	}
	switch {
	case c.kind.numeric():
		for _, v := range valuesAt(values, f.value[0]) {
			n, err := strconv.ParseFloat(strings.TrimSpace(v), 64)
			if err == nil && !math.IsInf(n, 0) && !math.IsNaN(n) {
				s.addValue(e, math.Float64bits(n))
			}
		}
	case c.kind == valueCount:
		for k := range s.combinations(f.value, values) {
			s.buf = s.appendKey(s.buf[:0], f.value, values, k)
			s.addValue(e, maphash.Bytes(s.seed, s.buf))
		}
	default:
		s.event = append(s.event, e)
	}
	return len(s.event) > 0
}

func (s *State) addValue(e entry, v uint64) {
	if len(s.event) == maxCombinations {
		s.stats.Cut++
		return
	}
	e.value = v
	if len(s.event) > 0 {
		e.first, e.extra = false, nil
	}
	s.event = append(s.event, e)
}

func valuesAt(values [][]string, at int) []string {
	if at < len(values) {
		return values[at]
	}
	return nil
}

// combinations returns how many combinations the values of some fields make:
// 0 when one of the fields has none, 1 without fields.
func (s *State) combinations(fields []int, values [][]string) int {
	n := 1
	for _, at := range fields {
		n *= min(len(valuesAt(values, at)), maxCombinations+1)
		if n > maxCombinations {
			s.stats.Cut++
			n = maxCombinations
		}
	}
	return n
}

// appendKey appends what tells the k-th combination of values from others.
func (s *State) appendKey(buf []byte, fields []int, values [][]string, k int) []byte {
	for _, at := range fields {
		all := valuesAt(values, at)
		v := all[k%len(all)]
		k /= len(all)
		mark := len(buf)
		buf = append(buf, 0, 0, 0, 0)
		if len(v) <= maxValue {
			s.raw = append(s.raw[:0], v...)
		} else {
			s.raw = append(s.raw[:0], s.shorten(v)...)
		}
		buf = sigma.Fold(buf, s.raw)
		binary.BigEndian.PutUint32(buf[mark:], uint32(len(buf)-mark))
	}
	return buf
}

// shorten copies a value. Of a long one it keeps the beginning, and a hash so
// that different values stay different.
func (s *State) shorten(v string) string {
	if len(v) <= maxValue {
		return strings.Clone(v)
	}
	cut := maxValue
	for cut > 0 && !utf8.RuneStart(v[cut]) {
		cut--
	}
	s.raw = sigma.Fold(s.raw[:0], []byte(v))
	return v[:cut] + "…" + strconv.FormatUint(xxhash.Sum64(s.raw), 16)
}

// copyValues copies at most maxCombinations values of a field.
func (s *State) copyValues(at int, values [][]string) []string {
	from := valuesAt(values, at)
	if len(from) > maxCombinations {
		s.stats.Cut++
		from = from[:maxCombinations]
	}
	out := make([]string, len(from))
	for i, v := range from {
		out[i] = s.shorten(v)
	}
	return out
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
	g := &group{of: c, key: key, newest: never, dropped: never, closed: never, place: -1, order: s.created}
	if !c.closing {
		g.window = newWindow(c)
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
		g.dropped = max(g.dropped, t)
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

// tell describes a group's window that fired.
func (s *State) tell(g *group, events []entry, value float64) firing {
	c := g.of
	first, last := events[0].time, events[len(events)-1].time
	told := Fired{
		Correlation: c.rule,
		Time:        time.Unix(0, last).UTC(),
		First:       time.Unix(0, first).UTC(),
		Last:        time.Unix(0, last).UTC(),
		Value:       value,
		AtLeast:     g.dropped != never && g.dropped >= last-c.span,
		Refs:        s.refs(c, events),
	}
	for i, f := range c.rule.GroupBy {
		told.Group = append(told.Group, FieldValue{f, g.values[i]})
	}
	seen := make([]bool, len(c.rules))
	for i := range events {
		seen[events[i].rule] = true
		if events[i].first {
			told.Count++
		}
	}
	for i, ok := range seen {
		if ok {
			told.Rules = append(told.Rules, c.rules[i])
		}
	}
	return firing{c, told, c.given(g, events)}
}

// refs names records of the window: of each rule the first, and then as many
// of the newest as there is room for.
func (s *State) refs(c *correlation, events []entry) []Ref {
	room := s.plan.options.Refs
	take := make([]bool, len(events))
	seen := make([]bool, len(c.rules))
	for i := range events {
		if r := events[i].rule; c.kind.temporal() && !seen[r] && room > 0 {
			seen[r], take[i] = true, true
			room -= events[i].records()
		}
	}
	for i := len(events) - 1; i >= 0 && room > 0; i-- {
		if events[i].first && !take[i] {
			take[i] = true
			room -= events[i].records()
		}
	}
	var out []Ref
	known := map[Ref]bool{}
	for i := range events {
		if !take[i] {
			continue
		}
		list := []Ref{events[i].ref}
		if x := events[i].extra; x != nil && x.refs != nil {
			list = x.refs
		}
		for _, r := range list {
			if !known[r] && len(out) < s.plan.options.Refs {
				known[r] = true
				out = append(out, r)
			}
		}
	}
	return out
}

// records returns how many records an entry stands for.
func (e *entry) records() int {
	if e.extra == nil {
		return 1
	}
	return max(1, len(e.extra.refs))
}

// given returns the values that a firing brings to those it feeds: the
// group's own, and those that its events carried, each once.
func (c *correlation) given(g *group, events []entry) [][]string {
	if len(c.feeds) == 0 {
		return nil
	}
	values := make([][]string, len(c.give))
	for i, at := range c.give {
		if at >= 0 {
			values[i] = []string{g.values[at]}
			continue
		}
		for k := range events {
			if events[k].extra == nil {
				continue
			}
			for _, v := range events[k].extra.carried[^at] {
				if len(values[i]) < maxCombinations && !slices.Contains(values[i], v) {
					values[i] = append(values[i], v)
				}
			}
		}
	}
	return values
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

// account brings the estimate of memory up to date and makes room when it is
// too much.
func (s *State) account(g *group) {
	limit := s.plan.options.Memory
	size := g.size()
	s.bytes += size - g.cost
	g.cost = size
	for s.bytes > limit {
		oldest := s.all.oldest
		if oldest != g {
			s.evict(oldest)
			continue
		}
		n := g.shrink(len(g.entries) / 2)
		if n == 0 {
			return
		}
		s.stats.Overflow += int64(n)
		s.bytes += g.size() - g.cost
		g.cost = g.size()
		if g.of.closing {
			s.settle(g)
		}
	}
}

// evict drops a group to make room. It is counted when its events could still
// have mattered.
func (s *State) evict(g *group) {
	c := g.of
	newest := g.newest
	if c.closing && len(g.entries) > 0 {
		newest = g.entries[len(g.entries)-1].time
	}
	if len(g.entries) > 0 && (c.forever || newest >= s.watermark-c.span-c.wait) {
		s.stats.Evicted++
	}
	s.forget(g)
}

// forget drops a group.
func (s *State) forget(g *group) {
	if g.place >= 0 {
		heap.Remove(&s.closing, g.place)
		g.place = -1
	}
	s.recent[g.of.at].remove(g)
	s.all.remove(g)
	delete(s.groups[g.of.at], g.key)
	s.bytes -= g.cost
}
