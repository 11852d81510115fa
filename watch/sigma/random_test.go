package sigma_test

import (
	"encoding/json"
	"fmt"
	"strings"
	"testing"

	"pgregory.net/rapid"

	"borj.dev/borj/watch/record"
	"borj.dev/borj/watch/sigma"
)

// Rules and records are drawn from few names and values, so that they meet.
var (
	fieldNames = rapid.SampledFrom([]string{"a", "b", "c", "c.d"})
	texts      = rapid.SampledFrom([]string{"", "x", "X", "xy", "yx", "é", "5", "10.0.0.1", "2024-02-29T23:04:05Z", " -x"})
	entries    = rapid.SampledFrom([]string{
		"%s: %q", "%s|contains: %q", "%s|startswith: %q", "%s|endswith: %q", "%s|cased: %q", "%s|re: %q", "%s|re|i: %q",
		"%s|contains|windash: %q", "%s|base64offset|contains: x%q", "%s: '*%s*y'", "%s: '?%s'", "%s|neq: %q",
		"%s: null #%s", "%s: '*' #%s", "%s|exists: true #%s", "%s|exists: false #%s", "%s|fieldref: b #%s", "%s|gte: 5 #%s",
		"%s|hour: 23 #%s", "%s|cidr: 10.0.0.0/8 #%s", "'|all': [%.0s%q]",
	})
	conditions = rapid.SampledFrom([]string{
		"s0", "not s0", "s0 and s1", "s0 or s1", "s0 and not s1", "not (s0 or s1)", "1 of s*", "all of s*", "2 of s*", "not 2 of them",
	})
)

func drawRule(t *rapid.T) string {
	var b strings.Builder
	for i := range 3 {
		fmt.Fprintf(&b, "s%d:\n", i)
		indent := "  "
		if rapid.Bool().Draw(t, "list") {
			indent = "- "
		}
		keys := map[string]bool{}
		for range rapid.IntRange(1, 3).Draw(t, "entries") {
			line := fmt.Sprintf(entries.Draw(t, "entry"), fieldNames.Draw(t, "field"), texts.Draw(t, "text"))
			if key, _, _ := strings.Cut(line, ":"); !keys[key] {
				keys[key] = true
				b.WriteString(indent + line + "\n")
			}
		}
	}
	return b.String() + "condition: " + conditions.Draw(t, "condition")
}

func drawRecord(t *rapid.T) string {
	value := func(depth int) any { return nil }
	value = func(depth int) any {
		switch n := rapid.IntRange(0, 9).Draw(t, "kind"); {
		case n == 0:
			return nil
		case n == 1:
			return rapid.IntRange(4, 6).Draw(t, "number")
		case n == 2:
			return rapid.Bool().Draw(t, "bool")
		case n == 3 && depth < 3:
			var list []any
			for range rapid.IntRange(0, 3).Draw(t, "length") {
				list = append(list, value(depth+1))
			}
			return list
		case n == 4 && depth < 3:
			return map[string]any{"d": value(depth + 1)}
		}
		return texts.Draw(t, "text")
	}
	fields := map[string]any{}
	for range rapid.IntRange(0, 4).Draw(t, "fields") {
		fields[rapid.SampledFrom([]string{"a", "b", "c"}).Draw(t, "field")] = value(0)
	}
	text, err := json.Marshal(fields)
	if err != nil {
		t.Fatal(err)
	}
	return string(text)
}

// What a hit shows rests on the same truth as the hit, and every value that it
// shows stands at its place in the record.
func TestMatchedAgreesWithEvaluate(t *testing.T) {
	rapid.Check(t, func(rt *rapid.T) {
		text := "title: x\nlogsource: {category: x}\ndetection:\n" + indent(drawRule(rt))
		rules, _, _, failed := sigma.Parse("f.yml", []byte(text))
		if len(failed) > 0 {
			rt.Fatalf("%s\n%v", text, failed)
		}
		e, err := rules[0].Resolve()
		if err != nil {
			rt.Fatalf("%s\n%v", text, err)
		}
		json := drawRecord(rt)
		r, err := record.NewFlattener(record.NewPaths(0), record.DefaultLimits).Flatten([]byte(json), record.FormatJSON)
		if err != nil {
			rt.Fatalf("%s: %v", json, err)
		}
		matched := sigma.Matched(e, r)
		if got := sigma.Evaluate(e, r); got != (matched != nil) {
			rt.Fatalf("%s\n%s\nEvaluate says %v, Matched %v", text, json, got, matched)
		}
		places := map[sigma.MatchedField]bool{}
		for i := range r.Fields {
			places[sigma.MatchedField{Path: r.Locate(&r.Fields[i]), Value: r.String(&r.Fields[i])}] = true
		}
		for _, m := range matched {
			if !places[m] {
				rt.Fatalf("%s\nhas no %v", json, m)
			}
		}
	})
}
