package pipeline

import (
	"strings"
	"testing"
)

// TestTransformations has each transformation do its work on one rule. The
// pipeline is what stands beneath transformations.
func TestTransformations(t *testing.T) {
	for _, c := range []struct{ name, pipeline, detection, want string }{
		{"field_name_mapping to one", "- {type: field_name_mapping, mapping: {Image: exe}}",
			"s: {Image: a, Other: b}\ncondition: s", "(exe=a and Other=b)"},
		{"field_name_mapping to several", "- {type: field_name_mapping, mapping: {Image: [exe, path]}}",
			"s: {Image: [a, b], Other: c}\ncondition: s", "((exe=a or exe=b or path=a or path=b) and Other=c)"},
		{"field_name_mapping to several, all of the values in one of them", "- {type: field_name_mapping, mapping: {Image: [exe, path]}}",
			"s: {Image|contains|all: [a, b]}\ncondition: s", "((exe contains a and exe contains b) or (path contains a and path contains b))"},
		{"field_name_mapping swaps", "- {type: field_name_mapping, mapping: {a: b, b: a}}", "s: {a: 1, b: 2}\ncondition: s", "(b=1 and a=2)"},
		{"field_name_mapping of keywords", "- {type: field_name_mapping, mapping: {~: message}}",
			"s: [one, 'two*']\ncondition: s", "(message contains one or message contains two)"},
		{"field_name_mapping of a reference", "- {type: field_name_mapping, mapping: {a: x, b: y}}",
			"s: {a|fieldref: b}\ncondition: s", "x equals field y"},
		{"field_name_mapping in lists, negations and nested maps", "- {type: field_name_mapping, mapping: {Image: exe}}",
			"s:\n- Image: a\n- Image: b\n  Other: c\nf: {Image: d}\ncondition: s and not f",
			"((exe=a or (exe=b and Other=c)) and not exe=d)"},
		{"field_name_prefix_mapping", "- {type: field_name_prefix_mapping, mapping: {win.: w., 'win': [x, y]}}",
			"s: {win.a: 1, winb: 2, other: 3}\ncondition: s", "(w.a=1 and (xb=2 or yb=2) and other=3)"},
		{"field_name_prefix", "- {type: field_name_prefix, prefix: winlog.}", "s: {a: 1}\nk: [word]\ncondition: s or k",
			"(winlog.a=1 or any contains word)"},
		{"field_name_suffix", "- {type: field_name_suffix, suffix: .keyword}", "s: {a: 1}\ncondition: s", "a.keyword=1"},
		{"drop_detection_item", "- {type: drop_detection_item, field_name_conditions: [{type: include_fields, fields: [b]}]}",
			"s: {a: 1, b: 2}\ncondition: s", "a=1"},
		{"drop_detection_item empties an alternative", "- {type: drop_detection_item, field_name_conditions: [{type: include_fields, fields: [b]}]}",
			"s: [{a: 1}, {b: 2}]\ncondition: s", "a=1"},
		{"hashes_fields", "- {type: hashes_fields, valid_hash_algos: [MD5, SHA256, IMPHASH], field_prefix: File}",
			"s:\n  Hashes|contains:\n  - IMPHASH=0123456789ABCDEF0123456789ABCDEF\n  - '*MD5=0a*'\n  - 00112233445566778899aabbccddeeff\ncondition: s",
			"(FileIMPHASH=0123456789abcdef0123456789abcdef or FileMD5=0a or FileMD5=00112233445566778899aabbccddeeff)"},
		{"hashes_fields without the algorithm", "- {type: hashes_fields, valid_hash_algos: [MD5], field_prefix: file.hash, drop_algo_prefix: true}",
			"s: {Hashes: MD5=0a}\ncondition: s", "file.hash=0a"},
		{"replace_string", `- {type: replace_string, regex: '^C:\\(\w+)', replacement: 'D:\\\1'}`,
			`s: {Image: 'C:\Users\x', Other: 'C:x'}` + "\ncondition: s", `(Image=d:\users\x and Other=c:x)`},
		{"replace_string by a group's name", `- {type: replace_string, regex: '^(?P<going>a)', replacement: 'x\g<going>\g<1>'}`,
			"s: {Image: abc}\ncondition: s", "Image=xaabc"},
		{"joined_fields", `- {type: joined_fields, field: whole, fields: [key, name], separator: '\'}`,
			`s: {whole|endswith: '\Run\a', other: 1}` + "\ncondition: s",
			`(((not key null and name endswith \run\a) or (not key null and name=run\a) or (key endswith \run and name=a)) and other=1)`},
		{"replace_string sees modifiers as wildcards", `- {type: replace_string, regex: '^\*/(.*)$', replacement: '\1'}`,
			"s: {Image|endswith: /arp}\ncondition: s", "Image=arp"},
		{"replace_string of plain parts", `- {type: replace_string, regex: 'a', replacement: 'b', skip_special: true}`,
			`s: {Image: 'a*a\*'}` + "\ncondition: s", "Image like b*b*"},
		{"replace_string of a number", `- {type: replace_string, regex: '^46', replacement: '56'}`, "s: {EventID: 4688}\ncondition: s", "EventID=5688"},
		{"replace_string leaves expressions", `- {type: replace_string, regex: 'a', replacement: 'b'}`, "s: {Image|re: a+}\ncondition: s", "Image matches a+"},
		{"replace_string with a dollar", `- {type: replace_string, regex: 'a', replacement: '$1'}`, "s: {Image: a}\ncondition: s", "Image=$1"},
		{"map_string", "- {type: map_string, mapping: {System: S-1-16-16384, High: [x, y]}}",
			"s: {Level: [System, High, Other]}\ncondition: s", "(Level=s-1-16-16384 or Level=x or Level=y or Level=other)"},
		{"set_value", "- {type: set_value, value: 7, field_name_conditions: [{type: include_fields, fields: [b]}]}",
			"s: {a: 1, b: [2, 3]}\ncondition: s", "(a=1 and b=7)"},
		{"set_value of null", "- {type: set_value, value: null}", "s: {a: 1}\ncondition: s", "a null"},
		{"set_value of a forced type", "- {type: set_value, value: 7, force_type: str}", "s: {a: 1}\ncondition: s", "a=7"},
		{"convert_type", "- {type: convert_type, target_type: str}", "s: {a: 1, b: null}\ncondition: s", "(a=1 and b null)"},
		{"case", "- {type: case, method: snake_case}", "s: {a|cased: HTTPServerName}\ncondition: s", "a=http_server_name cased"},
		{"value_placeholders", "- {type: value_placeholders}", "s: {a|expand: '%admins%-x'}\ncondition: s", "(a=root-x or a=su-x)"},
		{"wildcard_placeholders", "- {type: wildcard_placeholders}", "s: {a|expand: 'x%any%'}\ncondition: s", "a startswith x"},
		{"placeholders that are named", "- {type: value_placeholders, include: [admins]}\n- {type: wildcard_placeholders, exclude: [admins]}",
			"s: {a|expand: '%admins%%any%'}\ncondition: s", "(a startswith root or a startswith su)"},
		{"nest", "- type: nest\n  items:\n  - {type: field_name_mapping, mapping: {a: b}}\n  - {type: field_name_suffix, suffix: .x}",
			"s: {a: 1}\ncondition: s", "b.x=1"},
		{"what only concerns the list of fields", "- {type: add_field, field: x}\n- {type: remove_field, field: [Other]}\n- {type: set_field, fields: [y]}",
			"s: {a: 1}\ncondition: s", "a=1"},
		{"set_custom_attribute, and a condition on it",
			"- {type: set_custom_attribute, attribute: index, value: win}\n" +
				"- {type: field_name_prefix, prefix: x., rule_conditions: [{type: rule_attribute, attribute: index, value: win}]}",
			"s: {a: 1}\ncondition: s", "x.a=1"},
		{"set_state, and a condition on it",
			"- {type: set_state, key: n, val: 3}\n" +
				"- {type: field_name_prefix, prefix: x., rule_conditions: [{type: processing_state, key: n, val: 2, op: gt}]}\n" +
				"- {type: field_name_prefix, prefix: y., rule_conditions: [{type: processing_state, key: m, val: 2, op: ne}]}",
			"s: {a: 1}\ncondition: s", "x.a=1"},
		{"change_logsource, and a condition on it",
			"- {type: change_logsource, product: p, service: q}\n" +
				"- {type: field_name_prefix, prefix: x., rule_conditions: [{type: logsource, service: q}]}",
			"s: {a: 1}\ncondition: s", "x.a=1"},
	} {
		t.Run(c.name, func(t *testing.T) {
			p, err := load(t, "vars: {admins: [root, su]}\ntransformations:\n"+c.pipeline)
			if err != nil {
				t.Fatal(err)
			}
			got := routesOf(t, p, rule(t, "{product: any}", c.detection))
			if len(got) != 1 || got[0].Expr != c.want {
				t.Errorf("got %v, want %s", got, c.want)
			}
		})
	}
}

// TestConditions asks which conditions hold: the pipeline prefixes a field
// when they do.
func TestConditions(t *testing.T) {
	for _, c := range []struct {
		conditions, want string
	}{
		{"rule_conditions: [{type: logsource, category: c}]", "x.a=one"},
		{"rule_conditions: [{type: logsource, category: C, product: p}]", "x.a=one"},
		{"rule_conditions: [{type: logsource, category: c, service: s}]", "a=one"},
		{"rule_conditions: [{type: logsource, category: d}]\n  rule_cond_not: true", "x.a=one"},
		{"rule_conditions: [{type: logsource, category: d}, {type: tag, tag: attack.t1059}]", "a=one"},
		{"rule_conditions: [{type: logsource, category: d}, {type: tag, tag: attack.t1059}]\n  rule_cond_op: or", "x.a=one"},
		{"rule_conditions: {one: {type: logsource, category: d}, two: {type: tag, tag: attack.t1059}}\n  rule_cond_expr: not one and (two or one)", "x.a=one"},
		{"rule_conditions: {one: {type: logsource, category: d}, two: {type: tag, tag: attack.t1059}}\n  rule_cond_expr: one or not two", "a=one"},
		{"rule_conditions: []", "x.a=one"},
		{"rule_conditions: [{type: is_sigma_rule}]", "x.a=one"},
		{"rule_conditions: [{type: is_sigma_correlation_rule}]", "a=one"},
		{"rule_conditions: [{type: contains_field, field: a}]", "x.a=one"},
		{"rule_conditions: [{type: contains_field, field: b}]", "a=one"},
		{"rule_conditions: [{type: contains_detection_item, field: a, value: one}]", "x.a=one"},
		{"rule_conditions: [{type: contains_detection_item, field: a, value: two}]", "a=one"},
		{"rule_conditions: [{type: processing_item_applied, processing_item_id: first}]", "x.a=one"},
		{"rule_conditions: [{type: processing_item_applied, processing_item_id: other}]", "a=one"},
		{"rule_conditions: [{type: rule_attribute, attribute: level, value: medium, op: gte}]", "x.a=one"},
		{"rule_conditions: [{type: rule_attribute, attribute: level, value: high, op: gt}]", "a=one"},
		{"rule_conditions: [{type: rule_attribute, attribute: status, value: stable, op: lt}]", "x.a=one"},
		{"rule_conditions: [{type: rule_attribute, attribute: tags, value: attack.t1059, op: in}]", "x.a=one"},
		{"rule_conditions: [{type: rule_attribute, attribute: tags, value: attack.t1059, op: not_in}]", "a=one"},
		{"rule_conditions: [{type: rule_attribute, attribute: title, value: A rule}]", "x.a=one"},
		{"rule_conditions: [{type: rule_attribute, attribute: nothing, value: A rule}]", "a=one"},
		{"rule_conditions: [{type: rule_attribute, attribute: logsource.service, value: ''}]", "x.a=one"},
		{"field_name_conditions: [{type: include_fields, fields: [a, b]}]", "x.a=one"},
		{"field_name_conditions: [{type: exclude_fields, fields: [a, b]}]", "a=one"},
		{"field_name_conditions: [{type: include_fields, fields: ['[ab]$'], mode: re}]", "x.a=one"},
		{"field_name_conditions: [{type: include_fields, fields: ['b'], mode: re}]\n  field_name_cond_not: true", "x.a=one"},
		{"field_name_conditions: [{type: processing_item_applied, processing_item_id: first}]", "x.a=one"},
		{"field_name_conditions: [{type: processing_state, key: k, val: v}]", "x.a=one"},
		{"detection_item_conditions: [{type: match_string, pattern: 'o.e$'}]", "x.a=one"},
		{"detection_item_conditions: [{type: match_string, pattern: 'ne'}]", "a=one"},
		{"detection_item_conditions: [{type: match_string, pattern: 'two', negate: true}]", "x.a=one"},
		{"detection_item_conditions: [{type: match_value, value: one, cond: all}]", "x.a=one"},
		{"detection_item_conditions: [{type: contains_wildcard}]", "a=one"},
		{"detection_item_conditions: [{type: is_null}]", "a=one"},
		{"detection_item_conditions: [{type: processing_item_applied, processing_item_id: first}]", "x.a=one"},
		{"detection_item_conditions: [{type: processing_state, key: k, val: w}]", "a=one"},
	} {
		t.Run(c.conditions, func(t *testing.T) {
			p, err := load(t, "transformations:\n- {id: first, type: field_name_mapping, mapping: {start: a}}\n"+
				"- {type: set_state, key: k, val: v}\n- type: field_name_prefix\n  prefix: x.\n  "+c.conditions+"\n")
			if err != nil {
				t.Fatal(err)
			}
			got := routesOf(t, p, rule(t, "{category: c, product: p}", "s: {start: one}\ncondition: s"))
			if len(got) != 1 || got[0].Expr != c.want {
				t.Errorf("got %v, want %s", got, c.want)
			}
		})
	}
}

// TestAddCondition asks for the route.
func TestAddCondition(t *testing.T) {
	for _, c := range []struct{ pipeline, want string }{
		{"- {type: add_condition, conditions: {a: 1}}", "a=1"},
		{"- {type: add_condition, conditions: {a: [1, 2], b|contains: x}}", "((a=1 or a=2) and b contains x)"},
		{"- {type: add_condition, conditions: [{a: 1}, {b: 2, c: null}]}", "(a=1 or (b=2 and c null))"},
		{"- {type: add_condition, conditions: {a: 1}}\n- {type: add_condition, negated: true, conditions: {b: 2}}", "(a=1 and not b=2)"},
		{"- {type: add_condition, name: x, template: true, conditions: {a: '$product-${category}'}}", "a=p-c"},
		{"- {type: add_condition, conditions: {a: 1}}\n- {type: field_name_mapping, mapping: {a: b}}", "b=1"},
	} {
		p, err := load(t, "transformations:\n"+c.pipeline)
		if err != nil {
			t.Fatal(err)
		}
		got := routesOf(t, p, rule(t, "{product: p, category: c}", "s: {z: 1}\ncondition: s"))
		if len(got) != 1 || got[0].Route != c.want {
			t.Errorf("%s\n\tgot %v, want %s", c.pipeline, got, c.want)
		}
	}
}

// TestRouteErrors are pipelines that a rule breaks.
func TestRouteErrors(t *testing.T) {
	for _, c := range []struct{ name, pipeline, detection, want string }{
		{"rule_failure", "- {type: rule_failure, message: not here}", "s: {a: 1}\ncondition: s", "a.yml:2: not here"},
		{"detection_item_failure", "- {type: detection_item_failure, message: no such field, field_name_conditions: [{type: include_fields, fields: [b]}]}",
			"s: {a: 1, b: 2}\ncondition: s", `no such field (field "b")`},
		{"a selection of which nothing is left", "- {type: drop_detection_item}", "s: {a: 1}\ncondition: s", `drops every item of "s"`},
		{"hashes of no known kind", "- {type: hashes_fields, valid_hash_algos: [MD5]}", "s: {Hashes: SHA1=00}\ncondition: s", "is no hash of MD5"},
		{"a placeholder without values", "- {type: value_placeholders}", "s: {a|expand: '%x%'}\ncondition: s", `vars has no "x"`},
		{"a number that is none", "- {type: convert_type, target_type: num}", "s: {a: x}\ncondition: s", `"x" is no number`},
		{"a condition that does not resolve", "- {type: add_condition, conditions: {a|cidr: x}}", "s: {a: 1}\ncondition: s", "a.yml:2: add_condition"},
		{"a value that doubles and doubles", strings.Repeat("- {type: replace_string, regex: '^(.*)$', replacement: '\\1\\1'}\n", 20), "s: {a: x}\ncondition: s", "grows beyond"},
		{"mappings to many names in a row", strings.Repeat("- {type: field_name_mapping, mapping: {a: [a, a, a, a, a, a, a, a]}}\n", 9), "s: {a: 1}\ncondition: s", "take more than"},
	} {
		t.Run(c.name, func(t *testing.T) {
			p, err := load(t, "transformations:\n"+c.pipeline)
			if err != nil {
				t.Fatal(err)
			}
			_, err = p.Route(rule(t, "{product: any}", c.detection))
			if err == nil || !strings.Contains(err.Error(), c.want) {
				t.Errorf("the error is %v, want it to say %q", err, c.want)
			}
		})
	}
}
