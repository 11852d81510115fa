package correlate

import "container/heap"

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
