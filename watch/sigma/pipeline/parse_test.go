package pipeline

import (
	"strings"
	"testing"

	"borj.dev/borj/watch/sigma"
)

// TestParseErrors asks that what a file gets wrong is named, with its line.
func TestParseErrors(t *testing.T) {
	for _, c := range []struct{ name, text, want string }{
		{"empty", "", "a.yml: no pipeline in this file"},
		{"not YAML", "a: [", "a.yml: yaml"},
		{"not a map", "- a", "a.yml:1: a map is wanted here"},
		{"no transformations", "name: x", "a.yml:1: transformations is missing"},
		{"an unknown key", "transformations: []\nfoo: 1", `a.yml:2: unknown key "foo"`},
		{"a key twice", "name: a\nname: b", `the key "name" stands twice`},
		{"a priority that is none", "priority: high", `a.yml:1: priority: a whole number is wanted, not "high"`},
		{"postprocessing", "transformations: []\npostprocessing:\n- {type: embed}", "a.yml:3: postprocessing: not supported"},
		{"finalizers", "transformations: []\nfinalizers:\n- {type: concat}", "a.yml:3: finalizers: not supported"},
		{"no type", "transformations:\n- {id: x}", "a.yml:2: type is missing"},
		{"an unknown type", "transformations:\n- {type: foo}", `a.yml:2: unknown transformation "foo"`},
		{"a type that means nothing here", "transformations:\n- {type: query_expression_placeholders}", "a.yml:2: query_expression_placeholders: not supported"},
		{"an unknown key of a transformation", "transformations:\n- type: field_name_prefix\n  prefix: a\n  foo: b", `a.yml:4: field_name_prefix: unknown key "foo"`},
		{"a missing key", "transformations:\n- {type: field_name_prefix}", "a.yml:2: field_name_prefix: prefix is missing"},
		{"a mapping that is none", "transformations:\n- {type: field_name_mapping, mapping: [a]}", "a.yml:2: a map is wanted here"},
		{"a mapping to nothing", "transformations:\n- {type: field_name_mapping, mapping: {a: []}}", `the field "a" is mapped to no field`},
		{"a flag that is none", "transformations:\n- {type: add_condition, conditions: {a: 1}, negated: maybe}", "negated: true or false is wanted"},
		{"empty conditions", "transformations:\n- {type: add_condition, conditions: {}}", "the conditions are empty"},
		{"an expression that is none", "transformations:\n- {type: replace_string, regex: '(', replacement: x}", "a.yml:2: replace_string: regex: error parsing regexp"},
		{"joined fields that are not two", "transformations:\n- {type: joined_fields, field: a, fields: [b], separator: x}", "two fields and a separator"},
		{"an expression with look-ahead", "transformations:\n- {type: replace_string, regex: '(?=a)', replacement: x}", "RE2"},
		{"an unknown condition", "transformations:\n- type: case\n  method: lower\n  rule_conditions:\n  - {type: foo}", `a.yml:5: unknown rule condition "foo"`},
		{"a condition without type", "transformations:\n- type: case\n  rule_conditions: [{field: a}]", "a.yml:3: type is missing"},
		{"an unknown key of a condition", "transformations:\n- type: case\n  rule_conditions: [{type: tag, tag: a, x: y}]", `a.yml:3: tag: unknown key "x"`},
		{"a log source without anything", "transformations:\n- type: case\n  rule_conditions: [{type: logsource}]", "one of category, product and service is needed"},
		{"both ways of joining", "transformations:\n- type: case\n  rule_conditions: {a: {type: is_sigma_rule}}\n  rule_cond_op: or\n  rule_cond_expr: a", "exclude each other"},
		{"an expression with an unknown name", "transformations:\n- type: case\n  rule_conditions: {a: {type: is_sigma_rule}}\n  rule_cond_expr: a or b", `a.yml:4: rule_cond_expr: no condition is named "b"`},
		{"an expression that leaves one out", "transformations:\n- type: case\n  rule_conditions: {a: {type: is_sigma_rule}, b: {type: is_sigma_rule}}\n  rule_cond_expr: a", `does not use the condition "b"`},
		{"an expression that does not end", "transformations:\n- type: case\n  rule_conditions: {a: {type: is_sigma_rule}}\n  rule_cond_expr: (a", "a ) is missing"},
		{"nest without items", "transformations:\n- {type: nest}", "nest: items is missing"},
		{"nests within nests", "transformations:\n" + nested(20), "more than 16 transformations within each other"},
		{"aliases that multiply", "vars:\n  a: &a [x, x, x, x, x, x, x, x, x]\n" + bomb(), "values in this file"},
		{"placeholders both ways", "transformations:\n- {type: value_placeholders, include: [a], exclude: [b]}", "exclude each other"},
		{"a choice that is none", "transformations:\n- {type: case, method: upside}", `case: method: one of lower, upper, snake_case is wanted, not "upside"`},
	} {
		t.Run(c.name, func(t *testing.T) {
			_, err := load(t, c.text)
			if err == nil || !strings.Contains(err.Error(), c.want) {
				t.Errorf("the error is %v, want it to say %q", err, c.want)
			}
		})
	}
}

func nested(n int) string {
	var b strings.Builder
	for i := range n {
		pad := strings.Repeat("  ", i)
		b.WriteString(pad + "- type: nest\n" + pad + "  items:\n")
	}
	b.WriteString(strings.Repeat("  ", n) + "- {type: case}\n")
	return b.String()
}

// bomb is a pipeline whose aliases stand for 9^8 values.
func bomb() string {
	var b strings.Builder
	b.WriteString("transformations:\n- &t0 {type: case}\n")
	for i := 1; i < 9; i++ {
		prev := "*t" + string(rune('0'+i-1))
		b.WriteString("- &t" + string(rune('0'+i)) + " {type: nest, items: [" + strings.Repeat(prev+", ", 8) + prev + "]}\n")
	}
	return b.String()
}

func TestAnchors(t *testing.T) {
	p, err := load(t, "transformations:\n- type: case\n  rule_conditions: &c [{type: is_sigma_rule}]\n- {type: case, rule_conditions: *c}\n---\ntransformations: []\n")
	if err != nil {
		t.Fatal(err)
	}
	if got := len(p.Names()); got != 2 {
		t.Errorf("%d pipelines, want the 2 of the file", got)
	}
}

// FuzzPipeline reads any text as a pipeline and, when it is one, routes rules
// with it: neither may panic, and a route must not change the rule.
func FuzzPipeline(f *testing.F) {
	files, err := builtinFiles.ReadDir("builtin")
	if err != nil {
		f.Fatal(err)
	}
	for _, file := range files {
		text, err := builtinFiles.ReadFile("builtin/" + file.Name())
		if err != nil {
			f.Fatal(err)
		}
		f.Add(string(text))
	}
	f.Add(source)
	f.Add("transformations:\n- {type: replace_string, regex: '(.*)', replacement: '\\1\\1\\1\\1'}\n")
	f.Add("transformations:\n- {type: hashes_fields, valid_hash_algos: MD5}\n- {type: wildcard_placeholders}\n")
	f.Add(bomb())
	rules := []*sigma.Rule{
		rule(f, "{product: windows, category: process_creation}", "s: {Image|endswith: '\\a', User: b, Hashes|contains: MD5=0}\ncondition: s"),
		rule(f, "{category: dns}", "s: [{query: a}, {a|expand: '%x%'}, {b|re: x}]\nk: [word, null]\ncondition: s or not k"),
	}
	f.Fuzz(func(t *testing.T, text string) {
		list, err := parse("fuzz.yml", []byte(text))
		if err != nil {
			return
		}
		p := &Pipelines{given: list, routes: map[string]sigma.Expr{}}
		for _, r := range rules {
			before := r.Clone()
			_, _ = p.Route(r)
			if got, want := describeAll(r), describeAll(before); got != want {
				t.Fatalf("Route changed the rule from %s to %s", want, got)
			}
		}
	})
}

func describeAll(r *sigma.Rule) string {
	var b strings.Builder
	for _, s := range r.Detection.Selections {
		describe(&b, s.Node)
	}
	return b.String()
}
