package correlate

import (
	"fmt"
	"math/rand/v2"
	"runtime"
	"strconv"
	"testing"
	"time"

	"borj.dev/borj/watch/sigma"
)

// BenchmarkAdd feeds each type with events of 100,000 groups, about ten of
// which stand in a window, and thresholds that seldom fire.
func BenchmarkAdd(b *testing.B) {
	const groups = 100_000
	cases := []struct{ typ, op, expression string }{
		{"event_count", "gte", ""},
		{"event_count", "lt", ""},
		{"value_count", "gte", ""},
		{"temporal", "", ""},
		{"temporal", "", "a and b and not c"},
		{"temporal_ordered", "", ""},
		{"value_sum", "gte", ""},
		{"value_avg", "gte", ""},
		{"value_percentile", "gte", ""},
		{"value_max", "gte", ""},
	}
	for _, tc := range cases {
		b.Run(tc.typ+"/"+tc.op+tc.expression, func(b *testing.B) {
			c := &sigma.Correlation{Title: "it", Type: tc.typ, Rules: []string{"a", "b", "c"}, GroupBy: []string{"g"}, Timespan: "1000s"}
			c.Condition.Expression = tc.expression
			c.Condition.Percentile = 90
			if tc.op != "" {
				c.Condition.Comparisons = []sigma.CorrelationComparison{{Op: tc.op, Number: 30}}
				c.Condition.Fields = []string{"v"}
			}
			if tc.typ == "value_sum" {
				c.Condition.Comparisons[0].Number = 1e9
			}
			plan, failed := New([]*sigma.Correlation{c}, named("a", "b", "c"), Options{})
			if len(failed) > 0 {
				b.Fatal(failed)
			}
			benchmarkEvents(b, plan, groups)
		})
	}
}

func named(keys ...string) []*sigma.Rule {
	var base []*sigma.Rule
	for _, k := range keys {
		base = append(base, &sigma.Rule{ID: k})
	}
	return base
}

func benchmarkEvents(b *testing.B, plan *Plan, groups int) {
	r := rand.New(rand.NewPCG(1, 2))
	events := make([]Event, 1<<18)
	for i := range events {
		rule := "a"
		if r.IntN(20) == 0 {
			rule = []string{"b", "c"}[r.IntN(2)]
		}
		events[i] = Event{
			Rule: rule, HasTime: true, Ref: Ref{Input: "bench", Record: int64(i)},
			Values: [][]string{{fmt.Sprint("host-", r.IntN(groups))}, {strconv.Itoa(r.IntN(8))}},
		}
	}
	s := plan.NewState()
	now := day
	step := func(i int) {
		e := &events[i&(len(events)-1)]
		now = now.Add(time.Millisecond) // a million events in a window
		e.Time = now
		s.Add(*e)
	}
	for i := range 1_200_000 {
		step(i)
	}
	runtime.GC()
	var m runtime.MemStats
	runtime.ReadMemStats(&m)
	i := 0
	b.ReportAllocs()
	for b.Loop() {
		step(i)
		i++
	}
	stats := s.Stats()
	b.ReportMetric(float64(stats.Bytes)/1e6, "estimatedMB")
	b.ReportMetric(float64(m.HeapAlloc)/1e6, "heapMB")
	b.ReportMetric(float64(stats.Groups), "groups")
	b.ReportMetric(float64(b.N)/b.Elapsed().Seconds(), "events/s")
}

// BenchmarkOneGroup scans 40,000 failed logons of 40 users at one computer, of
// which no window has enough, as logs come: oldest first and newest first.
func BenchmarkOneGroup(b *testing.B) {
	cases := []struct {
		typ, op string
		number  float64
	}{{"value_count", "gte", 50}, {"event_count", "gte", 20_000}, {"value_sum", "gte", 1e9}, {"temporal", "", 0}, {"temporal_ordered", "", 0}}
	for _, tc := range cases {
		c := &sigma.Correlation{Title: "it", Type: tc.typ, Rules: []string{"a", "b"}, GroupBy: []string{"g"}, Timespan: "1h"}
		if tc.op != "" {
			c.Condition.Comparisons = []sigma.CorrelationComparison{{Op: tc.op, Number: tc.number}}
			c.Condition.Fields = []string{"v"}
		}
		plan, failed := New([]*sigma.Correlation{c}, named("a", "b"), Options{Lateness: Forever})
		if len(failed) > 0 {
			b.Fatal(failed)
		}
		for _, step := range []time.Duration{100 * time.Millisecond, -100 * time.Millisecond} {
			name := map[bool]string{true: "/oldest first", false: "/newest first"}[step > 0]
			b.Run(tc.typ+name, func(b *testing.B) {
				for b.Loop() {
					s := plan.NewState()
					for i := range 40_000 {
						s.Add(Event{Rule: "a", HasTime: true, Time: day.Add(time.Duration(i) * step), Values: [][]string{{"dc"}, {strconv.Itoa(i % 40)}}})
					}
				}
			})
		}
	}
}

// BenchmarkManyCorrelations feeds one base rule to 1,000 correlations.
func BenchmarkManyCorrelations(b *testing.B) {
	var list []*sigma.Correlation
	for i := range 1000 {
		list = append(list, &sigma.Correlation{
			ID: fmt.Sprint("c", i), Type: "event_count", Rules: []string{"a"}, GroupBy: []string{"g"}, Timespan: "10s",
			Condition: sigma.CorrelationCondition{Comparisons: []sigma.CorrelationComparison{{Op: "gte", Number: 1000}}},
		})
	}
	plan, failed := New(list, named("a"), Options{})
	if len(failed) > 0 {
		b.Fatal(failed)
	}
	s := plan.NewState()
	i := 0
	for b.Loop() {
		i++
		s.Add(Event{Rule: "a", HasTime: true, Time: day.Add(time.Duration(i) * time.Millisecond), Values: [][]string{{strconv.Itoa(i & 1023)}}})
	}
}
