package correlate

import (
	"fmt"
	"math"
	"slices"
	"sort"
	"strconv"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"pgregory.net/rapid"

	"borj.dev/borj/watch/sigma"
)

// oracle keeps every event of one correlation, and looks at every window
// anew. It follows docs/correlations.md.
type oracle struct {
	c         *sigma.Correlation
	span      int64
	wait      int64 // -1: forever
	closing   bool
	groups    map[string]*oracleGroup
	watermark int64
}

type oracleGroup struct {
	events []oracleEvent
	fired  []int64
	newest int64
	closed int64
}

type oracleEvent struct {
	time   int64
	rule   int
	text   string
	record int64
}

type oracleFired struct {
	Group   string
	Time    int64
	Value   float64
	Records []int64
}

func (o *oracle) add(group string, e oracleEvent) []oracleFired {
	g := o.groups[group]
	if g == nil {
		g = &oracleGroup{newest: math.MinInt64, closed: math.MinInt64}
		o.groups[group] = g
	}
	o.watermark = max(o.watermark, e.time)
	if o.closing {
		fired := o.close(false)
		if e.time > g.closed && (o.wait < 0 || e.time+o.span+o.wait >= o.watermark) {
			g.events = append(g.events, e)
		}
		return fired
	}
	if o.wait >= 0 && g.newest > math.MinInt64 && e.time < g.newest-o.wait {
		return nil
	}
	g.newest = max(g.newest, e.time)
	g.events = append(g.events, e)
	var ends []int64
	for _, x := range g.events {
		if x.time >= e.time && x.time <= e.time+o.span {
			ends = append(ends, x.time)
		}
	}
	slices.Sort(ends)
	for _, end := range ends {
		overlaps := slices.ContainsFunc(g.fired, func(f int64) bool { return max(f-end, end-f) <= o.span })
		events := g.between(end-o.span, end)
		if value, ok := o.holds(events); ok && !overlaps {
			g.fired = append(g.fired, end)
			return []oracleFired{{group, end, value, records(events)}}
		}
	}
	return nil
}

// close judges the windows that are over: each starts at a group's first event
// after the window before.
func (o *oracle) close(all bool) (fired []oracleFired) {
	for name, g := range o.groups {
		for {
			rest := g.between(g.closed+1, math.MaxInt64)
			if len(rest) == 0 {
				break
			}
			start := rest[0].time
			if !all && (o.wait < 0 || start+o.span+o.wait >= o.watermark) {
				break
			}
			g.closed = start + o.span
			events := g.between(start, g.closed)
			if value, ok := o.holds(events); ok {
				fired = append(fired, oracleFired{name, events[len(events)-1].time, value, records(events)})
			}
		}
	}
	return fired
}

func (g *oracleGroup) between(from, to int64) []oracleEvent {
	var out []oracleEvent
	for _, e := range g.events {
		if from <= e.time && e.time <= to {
			out = append(out, e)
		}
	}
	sort.SliceStable(out, func(i, j int) bool { return out[i].time < out[j].time })
	return out
}

func records(events []oracleEvent) []int64 {
	var out []int64
	for _, e := range events {
		out = append(out, e.record)
	}
	slices.Sort(out)
	return out
}

func (o *oracle) holds(events []oracleEvent) (value float64, ok bool) {
	var numbers []float64
	texts, rules := map[string]bool{}, map[int]bool{}
	for _, e := range events {
		n, _ := strconv.ParseFloat(e.text, 64)
		numbers = append(numbers, n)
		texts[e.text] = true
		rules[e.rule] = true
	}
	cond := o.c.Condition
	if cond.Expression != "" {
		e, _ := sigma.ParseCorrelationExpression(cond.Expression)
		return float64(len(rules)), o.expression(e, events, rules)
	}
	sum := 0.0
	for _, n := range numbers {
		sum += n
	}
	sorted := slices.Sorted(slices.Values(numbers))
	switch o.c.Type {
	case "event_count":
		value = float64(len(events))
	case "value_count":
		value = float64(len(texts))
	case "value_sum":
		value = sum
	case "value_avg":
		value = sum / float64(len(numbers))
	case "value_min":
		value = sorted[0]
	case "value_max":
		value = sorted[len(sorted)-1]
	case "value_median":
		value = sorted[(len(sorted)-1)/2]/2 + sorted[len(sorted)/2]/2
	case "value_percentile":
		for _, n := range sorted {
			below := 0
			for _, m := range sorted {
				if m <= n {
					below++
				}
			}
			if value = n; below*100 >= cond.Percentile*len(sorted) {
				break
			}
		}
	case "temporal":
		value = float64(len(rules))
	case "temporal_ordered":
		for set := range 1 << len(o.c.Rules) {
			if n := size(set); float64(n) > value && inOrder(events, set, 0, math.MinInt64) {
				value = float64(n)
			}
		}
	}
	for _, x := range cond.Comparisons {
		switch x.Op {
		case "gt":
			ok = value > x.Number
		case "gte":
			ok = value >= x.Number
		case "lt":
			ok = value < x.Number
		case "lte":
			ok = value <= x.Number
		case "eq":
			ok = value == x.Number
		case "neq":
			ok = value != x.Number
		}
		if !ok {
			return value, false
		}
	}
	return value, true
}

func size(set int) (n int) {
	for ; set > 0; set >>= 1 {
		n += set & 1
	}
	return n
}

// inOrder tells whether the rules of the set occur one after the other.
func inOrder(events []oracleEvent, set, rule int, from int64) bool {
	if set>>rule == 0 {
		return true
	}
	if set>>rule&1 == 0 {
		return inOrder(events, set, rule+1, from)
	}
	for _, e := range events {
		if e.rule == rule && e.time >= from && inOrder(events, set, rule+1, e.time) {
			return true
		}
	}
	return false
}

// expression judges an extended condition: not is about every event of the
// window; the rest, when order counts, about rules that occur in order.
func (o *oracle) expression(e sigma.Expr, events []oracleEvent, seen map[int]bool) bool {
	var eval func(e sigma.Expr, set int, negate bool) bool
	eval = func(e sigma.Expr, set int, negate bool) bool {
		all := false
		var parts []sigma.Expr
		switch e := e.(type) {
		case *sigma.Match:
			i := slices.Index(o.c.Rules, e.Field)
			if negate {
				return !seen[i]
			}
			return set>>i&1 == 1
		case sigma.Not:
			return eval(e.Of, set, !negate)
		case sigma.And:
			all, parts = !negate, e
		case sigma.Or:
			all, parts = negate, e
		}
		for _, p := range parts {
			if eval(p, set, negate) != all {
				return !all
			}
		}
		return all
	}
	for set := range 1 << len(o.c.Rules) {
		possible := inOrder(events, set, 0, math.MinInt64)
		if o.c.Type == "temporal" {
			possible = true
			for i := range o.c.Rules {
				possible = possible && (set>>i&1 == 0 || seen[i])
			}
		}
		if possible && eval(e, set, false) {
			return true
		}
	}
	return false
}

var allTypes = []string{
	"event_count", "value_count", "temporal", "temporal_ordered", "value_sum", "value_avg",
	"value_percentile", "value_median", "value_min", "value_max",
}

var expressions = []string{
	"a and b", "a or b and c", "(a or b) and (b or c)", "a and not b", "not (a and b) and c",
	"a and (b or not c)", "b and a", "not a and not b or c and a", "d and (a or b or c)",
}

func drawCorrelation(t *rapid.T, typ string) *sigma.Correlation {
	c := &sigma.Correlation{
		Title: "it", Type: typ, Rules: []string{"a", "b", "c", "d"}[:rapid.IntRange(1, 4).Draw(t, "rules")],
		GroupBy: []string{"g"}, Timespan: fmt.Sprint(rapid.IntRange(1, 12).Draw(t, "span"), "s"),
	}
	if (typ == "temporal" || typ == "temporal_ordered") && rapid.Bool().Draw(t, "extended") {
		c.Condition.Expression = rapid.SampledFrom(expressions).Draw(t, "expression")
		c.Rules = nil
		for _, r := range []string{"a", "b", "c", "d"} {
			if slices.Contains(splitWords(c.Condition.Expression), r) {
				c.Rules = append(c.Rules, r)
			}
		}
		return c
	}
	high := 6
	switch typ {
	case "value_sum", "value_avg", "value_percentile", "value_median", "value_min", "value_max":
		c.Condition.Fields = []string{"v"}
		high = 12
	case "value_count":
		c.Condition.Fields = []string{"v"}
	case "temporal", "temporal_ordered":
		high = len(c.Rules)
	}
	c.Condition.Percentile = rapid.IntRange(0, 100).Draw(t, "percentile")
	for range rapid.IntRange(1, 2).Draw(t, "comparisons") {
		op := rapid.SampledFrom([]string{"gte", "gt", "gte", "lt", "lte", "eq", "neq"}).Draw(t, "op")
		c.Condition.Comparisons = append(c.Condition.Comparisons, sigma.CorrelationComparison{
			Op: op, Number: float64(rapid.IntRange(0, high).Draw(t, "operand")),
		})
	}
	return c
}

func splitWords(s string) []string {
	var words []string
	for i := range s {
		if s[i] >= 'a' && s[i] <= 'd' && (i == 0 || s[i-1] == ' ' || s[i-1] == '(') && (i+1 == len(s) || s[i+1] == ' ' || s[i+1] == ')') {
			words = append(words, s[i:i+1])
		}
	}
	return words
}

func TestStateAgreesWithOracle(t *testing.T) {
	for _, typ := range allTypes {
		t.Run(typ, func(t *testing.T) {
			rapid.Check(t, func(t *rapid.T) { compareWithOracle(t, drawCorrelation(t, typ)) })
		})
	}
}

func compareWithOracle(t *rapid.T, c *sigma.Correlation) {
	var base []*sigma.Rule
	for _, r := range c.Rules {
		base = append(base, &sigma.Rule{ID: r})
	}
	lateness := rapid.SampledFrom([]time.Duration{0, Forever, 3 * time.Second, 20 * time.Second}).Draw(t, "lateness")
	plan, failed := New([]*sigma.Correlation{c}, base, Options{Lateness: lateness, Refs: 1000})
	if len(failed) > 0 {
		t.Skip(failed[0].Reason)
	}
	span, _ := sigma.ParseTimespan(c.Timespan)
	o := &oracle{c: c, span: int64(span), wait: int64(lateness), closing: plan.correlations[0].closing, groups: map[string]*oracleGroup{}, watermark: math.MinInt64}
	if lateness == 0 {
		o.wait = o.span
	}
	s := plan.NewState()
	now := day.UnixNano()
	step := rapid.SampledFrom([]time.Duration{1, 1, -1}).Draw(t, "direction") * 500 * time.Millisecond // -1: newest first
	disorder := int64(rapid.SampledFrom([]int{0, 0, 2, 5, 30}).Draw(t, "disorder"))
	for i := range rapid.IntRange(1, 60).Draw(t, "events") {
		now += int64(rapid.IntRange(0, 4).Draw(t, "step")) * int64(step)
		at := now - rapid.Int64Range(0, disorder).Draw(t, "late")*int64(time.Second)
		group := rapid.SampledFrom([]string{"x", "y"}).Draw(t, "group")
		rule := rapid.IntRange(0, len(c.Rules)-1).Draw(t, "rule")
		text := rapid.SampledFrom([]string{"0", "1", "2", "3", "5", "12", "0.1", "-2", "9007199254740992"}).Draw(t, "value")
		e := Event{
			Rule: c.Rules[rule], Time: time.Unix(0, at), HasTime: true, Ref: Ref{Record: int64(i + 1)},
			Values: [][]string{{group}, {text}},
		}
		want := o.add(group, oracleEvent{at, rule, text, int64(i + 1)})
		compareFired(t, fmt.Sprint("event ", i+1), want, s.Add(e))
	}
	if o.closing {
		compareFired(t, "flush", o.close(true), s.Flush())
	}
}

func compareFired(t *rapid.T, when string, want []oracleFired, fired []Fired) {
	var got []oracleFired
	for _, f := range fired {
		var records []int64
		for _, r := range f.Refs {
			records = append(records, r.Record)
		}
		slices.Sort(records)
		got = append(got, oracleFired{f.Group[0].Value, f.Time.UnixNano(), f.Value, records})
		if f.Count != len(records) {
			t.Errorf("%s: count %d with %d records", when, f.Count, len(records))
		}
	}
	for _, list := range [][]oracleFired{want, got} {
		slices.SortFunc(list, func(a, b oracleFired) int {
			return cmpOr(a.Time-b.Time, int64(len(a.Group))-int64(len(b.Group)), int64(a.Group[0])-int64(b.Group[0]))
		})
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Fatalf("%s (-oracle +state):\n%s", when, diff)
	}
}

func cmpOr(values ...int64) int {
	for _, v := range values {
		switch {
		case v < 0:
			return -1
		case v > 0:
			return 1
		}
	}
	return 0
}
