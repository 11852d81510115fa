package sigma_test

import (
	"strings"
	"testing"

	"borj.dev/borj/watch/record"
	"borj.dev/borj/watch/sigma"
)

// In these tests a record has the fields of the selections that hold.
const threeSelections = `
sel_a: {a: 1}
sel_b: {b: 1}
sel_c: {c: 1}
_hidden: {h: 1}
condition: `

func TestConditions(t *testing.T) {
	tests := []struct {
		condition string
		yes, no   string // records, by the letters of what holds in them; - holds nothing
	}{
		{"sel_a", "a ab", "- b"},
		{"not sel_a", "- b", "a"},
		{"not not sel_a", "a", "-"},
		{"sel_a or sel_b and sel_c", "a bc abc", "b c -"},
		{"(sel_a or sel_b) and sel_c", "ac bc", "a b c ab"},
		{"not sel_a and sel_b", "b bc", "ab a -"},
		{"not (sel_a and sel_b)", "a b -", "ab"},
		{"sel_a and not sel_b or sel_c", "a c bc", "ab b"},
		{"SEL_a or 1 of sel_b", "", ""}, // names mind their case
		{"sel_a OR sel_b", "a b", "c"},
		{"sel_a AND NOT sel_b", "a", "ab b"},
		{"((((sel_a))))", "a", "b"},
		{"1 of them", "a b c", "h -"},
		{"any of them", "a", "h"},
		{"all of them", "abc", "ab abh"},
		{"1 of sel_*", "a b", "h -"},
		{"1 of *", "a", "h"},
		{"1 of s*_b", "b", "a"},
		{"1 of sel_a", "a", "b"},
		{"all of sel_*", "abc", "ab"},
		{"2 of sel_*", "ab ac bc abc", "a b c ah"},
		{"2 of them", "ab", "ah"},
		{"3 of them", "abc", "ab"},
		{"not 1 of sel_*", "- h", "a abc"},
		{"not all of sel_*", "a ab -", "abc"},
		{"1 of _*", "h", "a"},
		{"_hidden", "h", "a"},
		{"sel_a\n  or\n  sel_b", "a b", "c"},
		{"[sel_a, sel_b and sel_c]", "a bc", "b c"}, // a list: or
	}
	for _, tt := range tests {
		t.Run(tt.condition, func(t *testing.T) {
			text := tt.condition
			if text[0] != '[' {
				text = "\"" + strings.ReplaceAll(text, "\n", "\\n") + "\""
			}
			e, err := ruleOf(t, threeSelections+text).Resolve()
			if tt.yes == "" {
				if err == nil {
					t.Fatal("no error")
				}
				return
			}
			if err != nil {
				t.Fatal(err)
			}
			for want, list := range map[bool]string{true: tt.yes, false: tt.no} {
				for _, letters := range strings.Fields(list) {
					if got := sigma.Evaluate(e, recordOf(t, letters)); got != want {
						t.Errorf("with %s: %v, want %v", letters, got, want)
					}
				}
			}
		})
	}
}

func recordOf(t *testing.T, letters string) *record.Record {
	fields := []string{`"x":0`}
	for _, l := range strings.Trim(letters, "-") {
		fields = append(fields, `"`+string(l)+`":1`)
	}
	return flatten(t, "{"+strings.Join(fields, ",")+"}")
}

func TestExpressionsAreSimple(t *testing.T) {
	e := resolve(t, threeSelections+"not not ((sel_a and (sel_b and sel_c)))")
	and, ok := e.(sigma.And)
	if !ok || len(and) != 3 {
		t.Fatalf("%#v is not one And of three", e)
	}
	for _, part := range and {
		if _, ok := part.(*sigma.Match); !ok {
			t.Errorf("%#v is no Match", part)
		}
	}
	if e := resolve(t, "s: {a: x*}\ncondition: s"); e.(*sigma.Match).Op != sigma.OpStartsWith {
		t.Errorf("%#v is no OpStartsWith", e)
	}
	if e := resolve(t, "s: {a: 'x*?*?**y'}\ncondition: s"); len(e.(*sigma.Match).Glob) != 5 {
		t.Errorf("%#v is not x??*y", e)
	}
}

func TestKeysTellComparisonsApart(t *testing.T) {
	items := []string{
		`a: x`, `b: x`, `a|cased: x`, `a: X?`, `a: x*y`, `a: '*x'`, `a: 'x*'`, `a|contains: x`, `a|re: x`, `a|re|i: x`,
		`a|cidr: 10.0.0.0/8`, `a|cidr: 10.0.0.0/9`, `a|gt: 1`, `a|gt: 2`, `a|lt: 1`, `a|hour: 1`, `a|day: 1`, `a|hour|gt: 1`,
		`a|fieldref: x`, `a|fieldref|contains: x`, `a|exists: true`, `a: null`, `a: '"x'`, `a: ''`,
	}
	seen := map[string]string{}
	for _, item := range items {
		detection := "s:\n  " + item + "\ncondition: s"
		key := resolve(t, detection).(*sigma.Match).Key()
		if other, ok := seen[key]; ok {
			t.Errorf("%s and %s have the same key", item, other)
		}
		seen[key] = item
		if resolve(t, detection).(*sigma.Match).Key() != key {
			t.Errorf("%s has two keys", item)
		}
	}
	if a, b := resolve(t, "s: {a: '*X*'}\ncondition: s"), resolve(t, "s: {a|contains: x}\ncondition: s"); a.(*sigma.Match).Key() != b.(*sigma.Match).Key() {
		t.Error("two ways to write the same have different keys")
	}
}
