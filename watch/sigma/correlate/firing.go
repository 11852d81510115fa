package correlate

import (
	"slices"
	"time"
)

// firing is a fired correlation on its way to those that it feeds.
type firing struct {
	from   *correlation
	told   Fired
	values [][]string // by source.fields
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
		AtLeast:     g.lost[0] <= last && g.lost[1] >= last-c.span,
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
