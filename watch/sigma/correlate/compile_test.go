package correlate

import (
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"pgregory.net/rapid"

	"borj.dev/borj/watch/sigma"
)

// count returns an event_count over rules.
func count(id string, rules ...string) *sigma.Correlation {
	return &sigma.Correlation{
		ID: id, Type: "event_count", Rules: rules, GroupBy: []string{"g"}, Timespan: "10s", File: "f.yml", Line: 3,
		Condition: sigma.CorrelationCondition{Comparisons: []sigma.CorrelationComparison{{Op: "gte", Number: 2}}},
	}
}

func TestFailures(t *testing.T) {
	with := func(change func(*sigma.Correlation)) []*sigma.Correlation {
		c := count("c", "a", "b")
		change(c)
		return []*sigma.Correlation{c}
	}
	many := make([]string, 65)
	for i := range many {
		many[i] = fmt.Sprint("r", i)
	}
	var pairs []string
	for i := range 24 {
		pairs = append(pairs, fmt.Sprintf("(r%d or r%d)", 2*i, 2*i+1))
	}
	cases := []struct {
		name  string
		given []*sigma.Correlation
		want  []string // a part of each failure's reason
	}{
		{"itself", []*sigma.Correlation{count("c", "c")}, []string{`"c", which cannot be used`}},
		{"a circle", []*sigma.Correlation{count("c", "d"), count("d", "e"), count("e", "c")},
			[]string{`"c", which cannot be used`, `"e", which cannot be used`, `"d", which cannot be used`}},
		{"not loaded", with(func(c *sigma.Correlation) { c.Rules = []string{"nowhere"} }), []string{`refers to "nowhere", and no usable rule`}},
		{"ambiguous", append(with(func(c *sigma.Correlation) { c.Rules = []string{"twice"} }), &sigma.Correlation{Name: "twice"}),
			[]string{"the id or name of 2 rules", "type"}},
		{"twice", with(func(c *sigma.Correlation) { c.Rules = []string{"a", "A-name"} }), []string{"one rule twice"}},
		{"no rules", with(func(c *sigma.Correlation) { c.Rules = nil }), []string{"rules is empty"}},
		{"type", with(func(c *sigma.Correlation) { c.Type = "near" }), []string{`type "near" is not known`}},
		{"timespan", with(func(c *sigma.Correlation) { c.Timespan = "99999999d" }), []string{"longer than"}},
		{"no timespan", with(func(c *sigma.Correlation) { c.Timespan = "" }), []string{"timespan"}},
		{"operator", with(func(c *sigma.Correlation) { c.Condition.Comparisons[0].Op = "like" }), []string{"none of gt"}},
		{"no condition", with(func(c *sigma.Correlation) { c.Condition.Comparisons = nil }), []string{"needs a condition"}},
		{"huge count", with(func(c *sigma.Correlation) { c.Condition.Comparisons[0].Number = 1e9 }), []string{"counts beyond 1048576"}},
		{"no field", with(func(c *sigma.Correlation) { c.Type = "value_count" }), []string{"needs condition.field"}},
		{"expression", with(func(c *sigma.Correlation) { c.Condition.Expression = "a and b" }), []string{"belongs to the temporal types"}},
		{"contradiction", with(func(c *sigma.Correlation) {
			c.Type, c.Rules = "temporal", []string{"a"}
			c.Condition = sigma.CorrelationCondition{Expression: "a and not a"}
		}), []string{"can never hold"}},
		{"unused", with(func(c *sigma.Correlation) {
			c.Type, c.Condition = "temporal", sigma.CorrelationCondition{Expression: "a"}
		}), []string{`rules has "b"`}},
		{"unnamed", with(func(c *sigma.Correlation) {
			c.Type, c.Rules, c.Condition = "temporal", []string{"a"}, sigma.CorrelationCondition{Expression: "a or z"}
		}), []string{`names "z"`}},
		{"many rules", with(func(c *sigma.Correlation) { c.Type, c.Rules, c.Condition.Comparisons = "temporal", many, nil }), []string{"more than the 64"}},
		{"many alternatives", with(func(c *sigma.Correlation) {
			c.Type, c.Rules = "temporal", many[:48]
			c.Condition = sigma.CorrelationCondition{Expression: strings.Join(pairs, " and ")}
		}), []string{"more than 1024 alternatives"}},
	}
	base := append(named(many...), &sigma.Rule{ID: "a", Name: "A-name"}, &sigma.Rule{ID: "b"}, &sigma.Rule{ID: "t", Name: "twice"})
	for _, tc := range cases {
		t.Run(tc.name, func(t *testing.T) {
			plan, failed := New(tc.given, base, Options{})
			var got []string
			for _, f := range failed {
				got = append(got, f.Reason)
			}
			for _, w := range tc.want {
				if !slices.ContainsFunc(got, func(g string) bool { return strings.Contains(g, w) }) {
					t.Errorf("no failure says %q: %q", w, got)
				}
			}
			if plan.Len() > 0 || plan.Uses("a") || plan.Silent("a") {
				t.Error("what failed takes part")
			}
		})
	}
}

func TestFieldsAndSilence(t *testing.T) {
	inner := count("inner", "a", "B-NAME")
	outer := count("outer", "inner", "c")
	outer.GroupBy = []string{"who", "site"}
	outer.Aliases = map[string]map[string]string{"who": {"inner": "g", "c": "account"}}
	outer.Type, outer.Condition = "temporal", sigma.CorrelationCondition{}
	loud := count("loud", "c")
	loud.Generate = true
	base := []*sigma.Rule{{ID: "A", Name: "x"}, {ID: "b", Name: "B-NAME"}, {ID: "c"}, {ID: "free"}}
	plan, failed := New([]*sigma.Correlation{outer, inner, loud}, base, Options{})
	if len(failed) > 0 {
		t.Fatal(failed)
	}
	for rule, want := range map[string][]string{"A": {"g", "site"}, "b": {"g", "site"}, "c": {"account", "site", "g"}, "free": nil} {
		got := slices.Clone(plan.Fields(rule))
		slices.Sort(got)
		slices.Sort(want)
		if diff := cmp.Diff(want, got); diff != "" {
			t.Errorf("fields of %s:\n%s", rule, diff)
		}
	}
	for rule, want := range map[string]bool{"A": true, "b": true, "c": false, "free": false} {
		if plan.Silent(rule) != want {
			t.Errorf("silent %s: %v", rule, !want)
		}
	}
	// inner: 3×10 s and 10 s of lateness; outer: the same after it.
	if want := 80*time.Second + 10*time.Second; plan.Horizon() != want {
		t.Errorf("horizon %v, want %v", plan.Horizon(), want)
	}
}

// TestAlternativesAgreeWithExpression compares the disjunctive form with the
// expression itself, for every set of rules seen.
func TestAlternativesAgreeWithExpression(t *testing.T) {
	rules := []string{"a", "b", "c", "d", "e"}
	var draw func(t *rapid.T, depth int) sigma.Expr
	draw = func(t *rapid.T, depth int) sigma.Expr {
		k := rapid.IntRange(0, 3).Draw(t, "kind")
		if depth == 0 || k == 0 {
			return &sigma.Match{Field: rapid.SampledFrom(rules).Draw(t, "rule")}
		}
		if k == 1 {
			return sigma.Not{Of: draw(t, depth-1)}
		}
		var parts []sigma.Expr
		for range rapid.IntRange(0, 4).Draw(t, "parts") {
			parts = append(parts, draw(t, depth-1))
		}
		if k == 2 {
			return sigma.And(parts)
		}
		return sigma.Or(parts)
	}
	var eval func(e sigma.Expr, set uint64) bool
	eval = func(e sigma.Expr, set uint64) bool {
		switch e := e.(type) {
		case *sigma.Match:
			return set>>slices.Index(rules, e.Field)&1 == 1
		case sigma.Not:
			return !eval(e.Of, set)
		case sigma.And:
			return !slices.ContainsFunc(e, func(p sigma.Expr) bool { return !eval(p, set) })
		case sigma.Or:
			return slices.ContainsFunc(e, func(p sigma.Expr) bool { return eval(p, set) })
		}
		panic("unknown expression")
	}
	rapid.Check(t, func(t *rapid.T) {
		e := draw(t, 4)
		terms, err := alternatives(e, func(name string) (int, error) { return slices.Index(rules, name), nil })
		for set := range uint64(1 << len(rules)) {
			got := slices.ContainsFunc(terms, func(m term) bool { return set&m.present == m.present && set&m.absent == 0 })
			if want := eval(e, set); got != want {
				t.Fatalf("%05b: %v, want %v (%v, %v)", set, got, want, terms, err)
			}
		}
	})
}

// FuzzExpression compiles extended conditions: no crash, and no more work than
// the bounds allow.
func FuzzExpression(f *testing.F) {
	for _, s := range append(expressions, "not not a", "((a))", "a and (b or", "or", strings.Repeat("(", 200), strings.Repeat("(a or b) and ", 300)+"c") {
		f.Add(s)
	}
	f.Fuzz(func(t *testing.T, s string) {
		c := count("c", "a", "b", "c", "d")
		c.Type, c.Condition = "temporal_ordered", sigma.CorrelationCondition{Expression: s}
		plan, failed := New([]*sigma.Correlation{c}, named("a", "b", "c", "d"), Options{})
		if plan.Len()+len(failed) != 1 {
			t.Fatalf("%d compiled, %d failed", plan.Len(), len(failed))
		}
		state := plan.NewState()
		for i, r := range []string{"a", "b", "c", "d", "a"} {
			state.Add(Event{Rule: r, HasTime: true, Time: day.Add(time.Duration(i) * time.Second), Values: [][]string{{"g"}}})
		}
		state.Flush()
	})
}
