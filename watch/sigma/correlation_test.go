package sigma_test

import (
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"borj.dev/borj/watch/sigma"
)

func correlation(id, body string, extra ...string) string {
	return "title: Correlation " + id + "\nid: " + id + "\ncorrelation:\n" + indent(body) + strings.Join(extra, "\n")
}

func TestCorrelationAttributes(t *testing.T) {
	_, got, _, failed := sigma.Parse("f.yml", []byte(`title: Many
id: c1
name: many
status: test
level: high
tags: [attack.t1110]
correlation:
  type: value_percentile
  rules: [r1, r2]
  group-by: [user, host]
  timespan: 90m
  aliases:
    user: {r1: a.b, r2: c}
  condition: {gt: 10, lte: 20.5, field: [x, y], percentile: 95}
  generate: true
`))
	if len(failed) > 0 {
		t.Fatal(failed)
	}
	want := &sigma.Correlation{
		ID: "c1", Name: "many", Title: "Many", Status: "test", Level: sigma.High, HasLevel: true, Tags: []string{"attack.t1110"},
		Type: "value_percentile", Rules: []string{"r1", "r2"}, GroupBy: []string{"user", "host"}, Timespan: "90m",
		Aliases: map[string]map[string]string{"user": {"r1": "a.b", "r2": "c"}},
		Condition: sigma.CorrelationCondition{
			Comparisons: []sigma.CorrelationComparison{{Op: "gt", Number: 10}, {Op: "lte", Number: 20.5}},
			Fields:      []string{"x", "y"}, Percentile: 95,
		},
		Generate: true, File: "f.yml", Line: 1,
	}
	if diff := cmp.Diff([]*sigma.Correlation{want}, got); diff != "" {
		t.Error(diff)
	}
}

func TestCorrelationConditions(t *testing.T) {
	tests := []struct {
		body string
		want sigma.CorrelationCondition
	}{
		{"type: temporal\nrules: [a, b]\ntimespan: 5m", sigma.CorrelationCondition{Comparisons: []sigma.CorrelationComparison{{Op: "gte", Number: 2}}}},
		{"type: temporal\nrules: [a, b]\ntimespan: 5m\ncondition: a AND not b", sigma.CorrelationCondition{Expression: "a AND not b"}},
		{"type: temporal_ordered\ntimespan: 5m\ncondition: a and (b or a)", sigma.CorrelationCondition{Expression: "a and (b or a)"}},
		{"type: event_count\nrules: a\ntimespan: 1w\ngroup-by: x\ncondition: {eq: 3}", sigma.CorrelationCondition{Comparisons: []sigma.CorrelationComparison{{Op: "eq", Number: 3}}}},
		{"type: value_median\nrules: a\ntimespan: 1M\ncondition: {neq: 3, field: f}", sigma.CorrelationCondition{Comparisons: []sigma.CorrelationComparison{{Op: "neq", Number: 3}}, Fields: []string{"f"}}},
	}
	for _, tt := range tests {
		_, got, _, failed := sigma.Parse("f.yml", []byte(correlation("c", tt.body)))
		if len(failed) > 0 {
			t.Errorf("%s: %v", tt.body, failed)
			continue
		}
		if diff := cmp.Diff(tt.want, got[0].Condition); diff != "" {
			t.Errorf("%s\n%s", tt.body, diff)
		}
		if want := []string{"a", "b"}[:len(got[0].Rules)]; !cmp.Equal(got[0].Rules, want) {
			t.Errorf("%s: rules %v, want %v", tt.body, got[0].Rules, want)
		}
	}
}

func TestCorrelationErrors(t *testing.T) {
	const count = "type: event_count\nrules: [a]\ngroup-by: [x]\n"
	var many strings.Builder
	for i := range 1001 {
		fmt.Fprintf(&many, "r%d,", i)
	}
	tests := []struct {
		body   string
		line   int
		reason string
	}{
		{"type: often\nrules: [a]\ntimespan: 5m\ncondition: {gte: 1}", 3, `unknown correlation type "often"; there are event_count`},
		{"type: event_count\ntimespan: 5m\ncondition: {gte: 1}", 3, "needs rules"},
		{count + "condition: {gte: 1}", 3, "needs a timespan"},
		{count + "timespan: 5x\ncondition: {gte: 1}", 7, "write a whole number and s, m, h"},
		{count + "timespan: 0s\ncondition: {gte: 1}", 7, "write a whole number"},
		{count + "timespan: 1.5h\ncondition: {gte: 1}", 7, "write a whole number"},
		{count + "timespan: 99999d\ncondition: {gte: 1}", 7, "longer than a year"},
		{count + "timespan: 5m", 3, "needs a condition"},
		{count + "timespan: 5m\ncondition: {field: x}", 8, "compares with nothing"},
		{count + "timespan: 5m\ncondition: {gte: many}", 8, `gte needs a number, not "many"`},
		{count + "timespan: 5m\ncondition: {gte: .inf}", 8, "gte needs a number"},
		{count + "timespan: 5m\ncondition: {above: 5}", 8, `unknown attribute "above"`},
		{count + "timespan: 5m\ncondition: a and b", 8, "only temporal and temporal_ordered"},
		{count + "timespan: 5m\nevery: 5\ncondition: {gte: 1}", 8, `unknown attribute "every"`},
		{count + "timespan: 5m\ncondition: {gte: 1}\ngenerate: maybe", 9, "generate is true or false"},
		{count + "timespan: 5m\ncondition: {gte: 1}\naliases: {u: {b: f}}", 9, "the alias u speaks of b"},
		{count + "timespan: 5m\ncondition: {gte: 1}\naliases: {u: {a: ''}}", 9, "names no field for a"},
		{"type: value_count\nrules: [a]\ntimespan: 5m\ncondition: {gte: 1}", 7, "needs condition: field"},
		{"type: value_percentile\nrules: [a]\ntimespan: 5m\ncondition: {gte: 1, field: f, percentile: 101}", 7, "percentile is a whole number"},
		{"type: temporal\nrules: [a, b]\ntimespan: 5m\ncondition: a and", 7, "ends where a selection should stand"},
		{"type: temporal\nrules: [a, b]\ntimespan: 5m\ncondition: a and c", 3, "the condition names c"},
		{"type: temporal\nrules: [a, b]\ntimespan: 5m\ncondition: a", 3, "lists the rule b, and its condition does not name it"},
		{"type: temporal\nrules: [a, a]\ntimespan: 5m", 3, "names a twice"},
		{"type: event_count\nrules: [" + many.String() + "]\ntimespan: 5m\ncondition: {gte: 1}", 3, "names 1001 rules; at most 1000"},
		{"type: event_count\nrules: [a]\ngroup-by: [" + strings.Repeat("x,", 33) + "]\ntimespan: 5m\ncondition: {gte: 1}", 3, "groups by 33 fields; at most 32"},
		{count + "timespan: 5m\ncondition: {gte: 1}\nrules: [b]", 9, `the key "rules" stands here and in line 5`},
	}
	for _, tt := range tests {
		t.Run(tt.reason, func(t *testing.T) {
			_, got, _, failed := sigma.Parse("f.yml", []byte(correlation("c", tt.body)))
			if len(got) > 0 || len(failed) != 1 {
				t.Fatalf("%d correlations, failed %v", len(got), failed)
			}
			if f := failed[0]; !strings.Contains(f.Reason, tt.reason) || f.Line != tt.line {
				t.Errorf("line %d: %s\nwant line %d: %s", f.Line, f.Reason, tt.line, tt.reason)
			}
		})
	}
}

func TestParseTimespan(t *testing.T) {
	for s, want := range map[string]time.Duration{
		"1s": time.Second, "15m": 15 * time.Minute, "24h": 24 * time.Hour, "7d": 7 * 24 * time.Hour,
		"2w": 14 * 24 * time.Hour, "1M": 2629746 * time.Second, "1y": 31556952 * time.Second,
	} {
		if got, err := sigma.ParseTimespan(s); err != nil || got != want {
			t.Errorf("%s is %v (%v), want %v", s, got, err, want)
		}
	}
	for _, s := range []string{"", "m", "5", "-1m", "+1m", "1 m", "1mm", "2y", "4294967296s", "1H"} {
		if got, err := sigma.ParseTimespan(s); err == nil {
			t.Errorf("%q is %v", s, got)
		}
	}
}

func TestCorrelationReferences(t *testing.T) {
	count := func(id string, rules string) string {
		return correlation(id, "type: event_count\nrules: ["+rules+"]\ngroup-by: [x]\ntimespan: 5m\ncondition: {gte: 2}")
	}
	named := strings.Replace(rule("a", simple, "level: high"), "id: a", "id: a\nname: base", 1)
	chain := []string{named, count("c0", "a")}
	for i := 1; i <= 20; i++ {
		chain = append(chain, count(fmt.Sprint("c", i), fmt.Sprint("c", i-1)))
	}
	tests := []struct {
		name      string
		documents []string
		loaded    int
		reason    string
	}{
		{"by id and name", []string{named, rule("b", simple), count("c", "A, b"), count("d", "base")}, 2, ""},
		{"written before its rule", []string{count("c", "a"), named}, 1, ""},
		{"chained", []string{named, count("c", "a"), count("d", "c, a")}, 2, ""},
		{"unknown", []string{named, count("c", "a, q")}, 0, "refers to q, and no loaded rule has that id or name"},
		{"itself", []string{named, count("c", "a, c")}, 0, "refers to itself"},
		{"in a circle", []string{named, count("c", "d"), count("d", "e"), count("e", "c")}, 0, "refers to itself"},
		{"through one that fails", []string{named, count("c", "q"), count("d", "c")}, 0, "its rule c cannot be used"},
		{"two of a name", []string{named, strings.Replace(named, "id: a", "id: z", 1), count("c", "base")}, 0, "means 2 rules; refer by id"},
		{"a deprecated rule", []string{rule("a", simple, "status: deprecated"), count("c", "a")}, 0, "which was left out: status deprecated"},
		{"a rule that failed", []string{rule("a", "s: {a|x: 1}\ncondition: s"), count("c", "a")}, 0, "which was left out: a|x: unknown modifier"},
		{"chained too deep", chain, 16, "chained more than 16 deep"},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			set := load(t, tt.documents...)
			if len(set.Correlations) != tt.loaded {
				t.Errorf("%d correlations, want %d", len(set.Correlations), tt.loaded)
			}
			if got := reasons(set.Failed); !strings.Contains(got, tt.reason) || tt.reason == "" && got != "" {
				t.Errorf("failed: %s", got)
			}
		})
	}
}

func TestCorrelationLevels(t *testing.T) {
	count := func(id, rules string, extra ...string) string {
		return correlation(id, "type: event_count\nrules: ["+rules+"]\ntimespan: 5m\ncondition: {gte: 2}", extra...)
	}
	documents := []string{
		rule("low", simple, "level: low"), rule("medium", simple, "level: medium"), rule("other", simple, "level: low"),
		count("c", "low, medium"), count("d", "c", "level: critical"), count("e", "other"),
	}
	levels := map[string]sigma.Level{}
	for _, c := range load(t, documents...).Correlations {
		levels[c.ID] = c.Level
	}
	want := map[string]sigma.Level{"c": sigma.Medium, "d": sigma.Critical, "e": sigma.Low}
	if diff := cmp.Diff(want, levels); diff != "" {
		t.Error(diff)
	}
	// What a correlation of the least level needs stays, whatever its own level.
	high := sigma.High
	set := loadWith(t, sigma.Options{MinLevel: &high}, documents...)
	if got := ids(set); got != "low medium" || len(set.Correlations) != 2 || len(set.Skipped) != 2 {
		t.Errorf("loaded %s and %d correlations; skipped %s", got, len(set.Correlations), reasons(set.Skipped))
	}
}
