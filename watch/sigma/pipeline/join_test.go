package pipeline

import (
	"encoding/json"
	"testing"

	"pgregory.net/rapid"

	"borj.dev/borj/watch/record"
	"borj.dev/borj/watch/sigma"
)

// TestJoinedFields holds what is asked of two fields to what is asked of the
// whole: on any record and any pattern, both rules fire or neither does.
func TestJoinedFields(t *testing.T) {
	p, err := load(t, `transformations: [{type: joined_fields, field: whole, fields: [left, right], separator: '\'}]`)
	if err != nil {
		t.Fatal(err)
	}
	text := rapid.StringOfN(rapid.SampledFrom([]rune(`ab\`)), 0, 5, -1)
	rapid.Check(t, func(t *rapid.T) {
		left, right := text.Draw(t, "left"), text.Draw(t, "right")
		raw, err := json.Marshal(map[string]string{"left": left, "right": right, "whole": left + `\` + right})
		if err != nil {
			t.Fatal(err)
		}
		rec, err := record.NewFlattener(record.NewPaths(0), record.DefaultLimits).Flatten(raw, record.FormatJSON)
		if err != nil {
			t.Fatal(err)
		}
		item := &sigma.Item{Field: "whole"}
		for range rapid.IntRange(1, 3).Draw(t, "values") {
			item.Values = append(item.Values, sigma.Value{Text: rapid.StringOfN(rapid.SampledFrom([]rune(`aab\\*?`)), 0, 6, -1).Draw(t, "pattern")})
		}
		if m := rapid.SampledFrom([]string{"", "contains", "startswith", "endswith", "cased"}).Draw(t, "modifier"); m != "" {
			item.Modifiers = append(item.Modifiers, m)
		}
		if rapid.Bool().Draw(t, "all") && len(item.Values) > 1 {
			item.Modifiers = append(item.Modifiers, "all")
		}
		r := &sigma.Rule{Title: "r", Detection: sigma.Detection{
			Selections: []sigma.Selection{{Name: "s", Node: item}}, Conditions: []string{"s"},
		}}
		whole, err := r.Resolve()
		if err != nil {
			t.Skip(err)
		}
		routed, err := p.Route(r)
		if err != nil {
			t.Fatal(err)
		}
		want, got := sigma.Evaluate(whole, rec), sigma.Evaluate(routed[0].Expr, rec)
		if got != want {
			t.Fatalf("%s: %s is %t, and %s is %t", raw, render(whole), want, render(routed[0].Expr), got)
		}
	})
}
