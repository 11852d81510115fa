package correlate

import (
	"fmt"
	"runtime"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"pgregory.net/rapid"

	"borj.dev/borj/watch/sigma"
)

// drawChain draws a few correlations over the rules a to d, some of which
// refer to others.
func drawChain(t *rapid.T) []*sigma.Correlation {
	var list []*sigma.Correlation
	for i := range rapid.IntRange(1, 4).Draw(t, "correlations") {
		c := drawCorrelation(t, rapid.SampledFrom(allTypes).Draw(t, "type"))
		c.ID = fmt.Sprint("c", i)
		if i > 0 && c.Condition.Expression == "" && rapid.Bool().Draw(t, "chained") {
			c.Rules[0] = fmt.Sprint("c", rapid.IntRange(0, i-1).Draw(t, "inner"))
		}
		if rapid.Bool().Draw(t, "other group") {
			c.GroupBy = []string{"v"}
		}
		list = append(list, c)
	}
	return list
}

// TestBoundsHold floods chains of correlations under tiny bounds: the books
// stay balanced, the bounds hold, and a second run does the same.
func TestBoundsHold(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		options := Options{
			Memory: rapid.Int64Range(1, 12_000).Draw(t, "memory"), Groups: rapid.IntRange(1, 5).Draw(t, "groups"),
			Events: rapid.IntRange(1, 8).Draw(t, "kept"), Refs: rapid.IntRange(1, 4).Draw(t, "refs"),
			Lateness: rapid.SampledFrom([]time.Duration{0, Forever, time.Second}).Draw(t, "lateness"),
		}
		plan, _ := New(drawChain(t), named("a", "b", "c", "d"), options)
		one, two := plan.NewState(), plan.NewState()
		now := day
		least := rapid.SampledFrom([]int{-4, -9}).Draw(t, "least step")
		for i := range rapid.IntRange(0, 80).Draw(t, "events") {
			now = now.Add(time.Duration(rapid.IntRange(least, least+10).Draw(t, "step")) * time.Second)
			rule := rapid.SampledFrom([]string{"a", "b", "c", "d"}).Draw(t, "rule")
			e := Event{Rule: rule, HasTime: true, Time: now, Ref: Ref{Record: int64(i)}}
			for range plan.Fields(rule) {
				e.Values = append(e.Values, rapid.SliceOfN(rapid.SampledFrom([]string{"1", "2", "7", "-3.5", "x"}), 0, 20).Draw(t, "values"))
			}
			got := one.Add(e)
			if diff := cmp.Diff(got, two.Add(e)); diff != "" {
				t.Fatalf("two runs differ:\n%s", diff)
			}
			for _, f := range got {
				if len(f.Refs) > options.Refs {
					t.Fatalf("%d refs", len(f.Refs))
				}
			}
			checkBooks(t, one)
		}
		if diff := cmp.Diff(one.Flush(), two.Flush()); diff != "" {
			t.Fatalf("two flushes differ:\n%s", diff)
		}
	})
}

func checkBooks(t *rapid.T, s *State) {
	bytes, n := int64(0), 0
	for i, groups := range s.groups {
		if len(groups) > s.plan.options.Groups {
			t.Fatalf("correlation %d holds %d groups", i, len(groups))
		}
		listed := 0
		for g := s.recent[i].oldest; g != nil; g = g.links[ofCorrelation].newer {
			listed++
		}
		if listed != len(groups) {
			t.Fatalf("correlation %d: %d groups listed of %d", i, listed, len(groups))
		}
		for _, g := range groups {
			n++
			bytes += g.size()
			if g.cost != g.size() {
				t.Fatalf("group %q accounted at %d, has %d", g.key, g.cost, g.size())
			}
			if limit := max(g.of.events, 1); len(g.entries) > limit+maxCombinations {
				t.Fatalf("group %q holds %d entries", g.key, len(g.entries))
			}
			if g.place >= 0 && s.closing[g.place] != g {
				t.Fatalf("group %q is not at its place", g.key)
			}
			if !slices.IsSortedFunc(g.entries, func(a, b entry) int { return int(a.time/1000 - b.time/1000) }) {
				t.Fatalf("group %q is out of order", g.key)
			}
		}
	}
	for _, groups := range s.groups {
		for _, g := range groups {
			if !g.of.closing {
				checkWindows(t, g)
			}
		}
	}
	if bytes != s.bytes {
		t.Fatalf("%d bytes accounted, %d held", s.bytes, bytes)
	}
	if s.bytes > s.plan.options.Memory && n > 1 {
		t.Fatalf("%d bytes held by %d groups, more than %d", s.bytes, n, s.plan.options.Memory)
	}
}

// checkWindows compares a group's running contents with ones made anew.
func checkWindows(t *rapid.T, g *group) {
	made := func(entries []entry) *window {
		w := newWindow(g.of)
		for i := range entries {
			w.enter(g.of, &entries[i])
		}
		return &w
	}
	same := func(what string, a, b *window) {
		if a.events != b.events || a.tally.len() != b.tally.len() || a.mask != b.mask || a.hits != b.hits || a.sum != b.sum {
			t.Fatalf("%s of group %q: %+v, made anew %+v", what, g.key, a, b)
		}
	}
	if r := g.reach; r != nil {
		same("reach", &r.window, made(g.entries[g.since(r.from):g.after(r.to)]))
	}
	if g.stale || g.newest == never {
		return
	}
	events, start := g.entries[g.from:], g.newest-g.of.span
	if g.from != g.since(start) {
		t.Fatalf("group %q: its window is from %d, want %d", g.key, g.from, g.since(start))
	}
	w := made(events)
	same("window", &g.window, w)
	_, got := g.window.holds(g.of, start, events)
	if _, want := w.holds(g.of, start, events); got != want {
		t.Fatalf("group %q: its window holds %v, made anew %v", g.key, got, want)
	}
}

// TestRestore cuts a stream at some place: a state rebuilt from the firings and
// matches within the horizon goes on as the old one does.
func TestRestore(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		c := drawCorrelation(t, rapid.SampledFrom(allTypes).Draw(t, "type"))
		plan, failed := New([]*sigma.Correlation{c}, named(c.Rules...), Options{})
		if len(failed) > 0 || plan.correlations[0].closing {
			t.Skip("nothing to compare")
		}
		old, rebuilt := plan.NewState(), plan.NewState()
		now := day
		draw := func(i int) Event {
			now = now.Add(time.Duration(rapid.IntRange(0, 3).Draw(t, "step")) * time.Second)
			return Event{
				Rule: rapid.SampledFrom(c.Rules).Draw(t, "rule"), HasTime: true,
				Time: now.Add(-time.Duration(rapid.IntRange(0, 3).Draw(t, "late")) * time.Second), Ref: Ref{Record: int64(i)},
				Values: [][]string{{"G"}, {rapid.SampledFrom([]string{"1", "2", "7"}).Draw(t, "value")}},
			}
		}
		var events []Event
		var told []Fired
		for i := range rapid.IntRange(0, 80).Draw(t, "before") {
			events = append(events, draw(i))
			told = append(told, old.Add(events[i])...)
		}
		newest := day
		for _, e := range events {
			if e.Time.After(newest) {
				newest = e.Time
			}
		}
		from := newest.Add(-plan.Horizon())
		for _, f := range told {
			if !f.Time.Before(from) {
				rebuilt.Restore(CorrelationKey(c), []string{f.Group[0].Value}, f.First, f.Last)
			}
		}
		for _, e := range events {
			if !e.Time.Before(from) {
				rebuilt.Add(e)
			}
		}
		for i := range 20 {
			e := draw(1000 + i)
			if diff := cmp.Diff(old.Add(e), rebuilt.Add(e)); diff != "" {
				t.Fatalf("event %d after the cut (-old +rebuilt):\n%s", i, diff)
			}
		}
	})
}

// TestBurstBeyondTheBound finds the burst however the events come, in groups
// with more of them than are kept.
func TestBurstBeyondTheBound(t *testing.T) {
	sparse := func(from, step int) (seconds []int) {
		for i := range 30 {
			seconds = append(seconds, from+i*step)
		}
		return seconds
	}
	burst := []int{0, 1, 2, 3, 4}
	cases := map[string]struct {
		seconds []int
		atLeast bool
	}{
		"oldest first":               {append(sparse(-3000, 60), burst...), false},
		"newest first":               {append(sparse(3000, -60), 4, 3, 2, 1, 0), false},
		"newest first, then on":      {append(sparse(-60, -60), burst...), false},
		"in a second, older file":    {slices.Concat(sparse(10_000, 60), sparse(-3000, 60), burst), true},
		"between newer and older":    {slices.Concat(sparse(2000, -60), burst), false},
		"newest first, newer before": {slices.Concat(sparse(9000, -60), sparse(6000, -60), []int{4, 3, 2, 1, 0}), false},
	}
	for _, typ := range []string{"event_count", "value_count", "value_sum", "temporal_ordered"} {
		c := count("c", "a", "b")
		c.Type, c.Condition.Fields = typ, []string{"v"}
		c.Condition.Comparisons[0].Number = 5
		if typ == "temporal_ordered" {
			c.Condition.Comparisons[0].Number = 2
		}
		plan, failed := New([]*sigma.Correlation{c}, named("a", "b"), Options{Events: 10, Lateness: Forever})
		if len(failed) > 0 {
			t.Fatal(failed)
		}
		for name, tc := range cases {
			t.Run(typ+"/"+name, func(t *testing.T) {
				s := plan.NewState()
				var got []Fired
				for _, second := range tc.seconds {
					e := Event{Rule: "a", HasTime: true, Time: day.Add(time.Duration(second) * time.Second), Values: [][]string{{"x"}, {fmt.Sprint(second)}}}
					if typ == "value_sum" {
						e.Values[1][0] = "1"
					}
					if second == 4 {
						e.Rule = "b"
					}
					got = append(got, s.Add(e)...)
				}
				if len(got) != 1 || got[0].AtLeast != tc.atLeast || !got[0].Last.Equal(day.Add(4*time.Second)) {
					t.Errorf("want the burst alone, at least: %v; have %+v", tc.atLeast, got)
				}
			})
		}
	}
}

// TestMemoryEstimate compares the estimate with what the heap grew by.
func TestMemoryEstimate(t *testing.T) {
	c := &sigma.Correlation{
		Title: "it", Type: "value_count", Rules: []string{"a"}, GroupBy: []string{"g"}, Timespan: "1h",
		Condition: sigma.CorrelationCondition{Fields: []string{"v"}, Comparisons: []sigma.CorrelationComparison{{Op: "gte", Number: 100}}},
	}
	plan, failed := New([]*sigma.Correlation{c}, named("a"), Options{})
	if len(failed) > 0 {
		t.Fatal(failed)
	}
	heap := func() int64 {
		var m runtime.MemStats
		runtime.GC()
		runtime.ReadMemStats(&m)
		return int64(m.HeapAlloc)
	}
	before := heap()
	s := plan.NewState()
	for i := range 100_000 {
		s.Add(Event{
			Rule: "a", HasTime: true, Time: day.Add(time.Duration(i) * time.Millisecond),
			Values: [][]string{{fmt.Sprint("host-", i%10_000)}, {fmt.Sprint(i % 7)}},
		})
	}
	grown, estimate := heap()-before, s.Stats().Bytes
	t.Logf("heap %d, estimate %d", grown, estimate)
	if estimate < grown*3/4 || estimate > grown*2 {
		t.Errorf("estimated %d bytes where the heap grew by %d", estimate, grown)
	}
	runtime.KeepAlive(s)
}

func TestLongValues(t *testing.T) {
	c := &sigma.Correlation{
		Title: "it", Type: "event_count", Rules: []string{"a"}, GroupBy: []string{"g"}, Timespan: "1h",
		Condition: sigma.CorrelationCondition{Comparisons: []sigma.CorrelationComparison{{Op: "gte", Number: 2}}},
	}
	plan, _ := New([]*sigma.Correlation{c}, named("a"), Options{})
	s := plan.NewState()
	long := strings.Repeat("é", 5000)
	add := func(v string) []Fired {
		return s.Add(Event{Rule: "a", HasTime: true, Time: day, Values: [][]string{{v}}})
	}
	if got := append(add(long+"1"), add(long+"2")...); len(got) > 0 {
		t.Fatal("values that differ after their beginning are one group")
	}
	got := add(strings.ToUpper(long) + "1")
	if len(got) != 1 || len(got[0].Group[0].Value) > maxValue+20 {
		t.Fatalf("want one firing with a short value, have %v", got)
	}
	s = plan.NewState()
	s.Restore("it", []string{got[0].Group[0].Value}, day, day)
	if got := append(add(long+"1"), add(long+"1")...); len(got) > 0 {
		t.Fatal("the restored group is another one")
	}
}
