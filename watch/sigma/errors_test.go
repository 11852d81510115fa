package sigma_test

import (
	"fmt"
	"strings"
	"testing"

	"borj.dev/borj/watch/sigma"
)

// Whoever writes a rule learns from these sentences what to change.
func TestDetectionErrors(t *testing.T) {
	tests := []struct {
		detection string
		line      int // of the rule, whose detection begins in line 4
		reason    string
	}{
		{"s: {a|holds: x}\ncondition: s", 4, `unknown modifier "holds"`},
		{"s: {a|contains: null}\ncondition: s", 4, "null needs a selection of its own"},
		{"s: {a|contains|re: x}\ncondition: s", 4, "re must be the first modifier"},
		{"s: {a|re|base64: x}\ncondition: s", 4, "base64 works on text and cannot follow re"},
		{"s: {a|i: x}\ncondition: s", 4, "i is a flag of regular expressions and must follow re"},
		{"s: {a|re|cased: x}\ncondition: s", 4, "minds the case"},
		{"s: {a|contains|cidr: 10.0.0.0/8}\ncondition: s", 4, "cidr must be the first modifier"},
		{"s: {a|cidr: 10.0.0.0/33}\ncondition: s", 4, "is no network"},
		{"s: {a|cidr: host}\ncondition: s", 4, "write it like 192.168.0.0/16"},
		{"s: {a|cidr|contains: 10.0.0.0/8}\ncondition: s", 4, "contains works on text and cannot follow cidr"},
		{"s: {a|gt: x}\ncondition: s", 4, "gt compares numbers"},
		{"s: {a|contains|gt: 5}\ncondition: s", 4, "gt must be the first modifier"},
		{"s: {a|gt|lt: 5}\ncondition: s", 4, "lt must be the first modifier"},
		{"s: {a|hour: noon}\ncondition: s", 4, "hour compares numbers"},
		{"s: {a|hour|day: 1}\ncondition: s", 4, "day must be the first modifier"},
		{"s: {a|exists: maybe}\ncondition: s", 4, "exists takes true or false"},
		{"s: {a|exists: [true, false]}\ncondition: s", 4, "exists takes one value"},
		{"s: {'|exists': true}\ncondition: s", 4, "exists needs a field"},
		{"s: {a|fieldref: 'b*'}\ncondition: s", 4, "takes no wildcards"},
		{"s: {a|endswith|fieldref: b}\ncondition: s", 4, "fieldref must be the first modifier"},
		{"s: {'|fieldref': b}\ncondition: s", 4, "fieldref needs a field"},
		{"s: {'|gt': 5}\ncondition: s", 4, "gt needs a field"},
		{"s: {a|base64: 'x*'}\ncondition: s", 4, "has wildcards"},
		{"s: {a|contains|base64offset: x}\ncondition: s", 4, "contains after base64offset"},
		{"s: {a|base64: ''}\ncondition: s", 4, "nothing to encode"},
		{"s: {a|expand: '%admins%'}\ncondition: s", 4, "placeholder %admins% has no values"},
		{"s: {a: '" + strings.Repeat("*?", 600) + "'}\ncondition: s", 4, "has more than 1000 parts between its wildcards"},
		{"s: {a: []}\ncondition: s", 4, "the list of values is empty"},
		{"s: [null]\ncondition: s", 4, "null needs a field"},
		{"s:\n  a: 1\n  b|cidr: x\ncondition: s", 6, "b|cidr"},
		{"s: {a|windash: '" + strings.Repeat(" -a", 6) + "'}\ncondition: s", 4, "windash gives more than 3125 variants"},

		{"s: {a|re: 'a(?=b)'}\ncondition: s", 4, "uses a lookahead (?="},
		{"s: {a|re: 'a(?!b)'}\ncondition: s", 4, "uses a negative lookahead (?!"},
		{"s: {a|re: '(?<=a)b'}\ncondition: s", 4, "uses a lookbehind (?<="},
		{"s: {a|re: '(?<!a)b'}\ncondition: s", 4, "uses a negative lookbehind (?<!"},
		{"s: {a|re: '(?>a)b'}\ncondition: s", 4, "uses an atomic group"},
		{"s: {a|re: 'a++b'}\ncondition: s", 4, `uses a possessive quantifier "++"`},
		{`s: {a|re: '(a)\1'}` + "\ncondition: s", 4, `uses a back reference \1`},
		{"s: {a|re: '(a'}\ncondition: s", 4, "missing closing )"},
		{"s: {a|re: '[a'}\ncondition: s", 4, "missing closing ]"},
		{`s: {a|re: 'a\'}` + "\ncondition: s", 4, `ends in a lone \`},
		{"s: {a|re: '((a{100}){100}){100}'}\ncondition: s", 4, "is too costly: its repetitions"},
		{"s: {a|re: '" + strings.Repeat("a{900}", 6) + "'}\ncondition: s", 4, "is too costly: it compiles to"},
		{"s: {a|re: '" + strings.Repeat("a", 9000) + "'}\ncondition: s", 4, "at most 8192 are compiled"},
		{"s: {a|re: ['" + strings.Repeat(".{990}','", 110) + "b']}\ncondition: s", 4, "together are too costly"},

		{"s: {a: 1}\ncondition: t", 5, `names "t", and no selection is called so; there are s`},
		{"s: {a: 1}\ncondition: s s", 5, `goes on with "s"`},
		{"s: {a: 1}\ncondition: s and", 5, "ends where a selection should stand"},
		{"s: {a: 1}\ncondition: and s", 5, `has "and" where a selection should stand`},
		{"s: {a: 1}\ncondition: (s", 5, "a parenthesis is not closed"},
		{"s: {a: 1}\ncondition: s)", 5, `goes on with ")"`},
		{"s: {a: 1}\ncondition: ()", 5, "closes a parenthesis"},
		{"s: {a: 1}\ncondition: ' '", 5, "the condition is empty"},
		{"s: {a: 1}\ncondition: s*", 5, "a pattern needs a quantifier, such as 1 of s*"},
		{"s: {a: 1}\ncondition: 1 of t*", 5, "no selection has such a name"},
		{"s: {a: 1}\ncondition: 2 of s*", 5, "only 1 selections have such a name"},
		{"s: {a: 1}\ncondition: 0 of s*", 5, "write all, any, or a number from 1"},
		{"s: {a: 1}\ncondition: few of s*", 5, "write all, any, or a number from 1"},
		{"s: {a: 1}\ncondition: 1 of", 5, "of nothing"},
		{"s: {a: 1}\ncondition: s & s", 5, `has "&", which means nothing there`},
		{"s: {a: 1}\ncondition: s | count() by b > 5", 5, "type: event_count or value_count"},
		{"s: {a: 1}\ncondition: s | sum(b) by c > 5", 5, "type: value_sum"},
		{"s: {a: 1}\ncondition: s | min(b) > 5", 5, "type: value_percentile"},
		{"s: {a|re: '" + strings.Repeat("(", 1100) + strings.Repeat(")", 1100) + "'}\ncondition: s", 4, "nests too deeply"},
		{"s: {a|re: 'a(?# b'}\ncondition: s", 4, "comment (?# that does not end"},
		{"s: {a: 1}\ncondition: s | near t", 5, "add a correlation rule (correlation: type: temporal,"},
		{"s: {a: 1}\ncondition: " + strings.Repeat("(", 70) + "s" + strings.Repeat(")", 70), 5, "nests deeper than 64 levels"},
		{"s: {a: 1}\ncondition: " + strings.Repeat("not ", 70) + "s", 5, "nests deeper than 64 levels"},
	}
	for _, tt := range tests {
		t.Run(tt.reason, func(t *testing.T) {
			set := load(t, rule("x", tt.detection))
			failed := append(set.Failed, set.Skipped...)
			if len(failed) != 1 {
				t.Fatalf("%s\nfailed: %v", tt.detection, failed)
			}
			f := failed[0]
			if !strings.Contains(f.Reason, tt.reason) {
				t.Errorf("the reason is %s\nand should say   %s", f.Reason, tt.reason)
			}
			if f.Line != tt.line+1 {
				t.Errorf("line %d, want %d: %s", f.Line, tt.line+1, f.Reason)
			}
			if f.Rule != "x" || !strings.HasSuffix(f.File, "rules.yml") {
				t.Errorf("the failure names %q in %q", f.Rule, f.File)
			}
		})
	}
}

// Combinations that would be enormous are refused before they are made.
func TestExpansionIsBounded(t *testing.T) {
	many := ""
	for i := range 40 {
		many += fmt.Sprintf("s%d: {a: %d}\n", i, i)
	}
	set := load(t, rule("x", many+"condition: 20 of s*"))
	if len(set.Failed) != 1 || !strings.Contains(set.Failed[0].Reason, "too many combinations") {
		t.Errorf("failed: %v", set.Failed)
	}
	values := "s: {a: [" + strings.Repeat("x,", 5000) + "x]}\ncondition: s" + strings.Repeat(" or s", 100)
	set = load(t, rule("x", values))
	if len(set.Failed) != 1 || !strings.Contains(set.Failed[0].Reason, "more than 200000 comparisons") {
		t.Errorf("failed: %v", set.Failed)
	}
	dashes := "s: {a|windash: [" + strings.Repeat("' -a -b -c -d -e',", 100) + "x]}\ncondition: s"
	set = load(t, rule("x", dashes))
	if len(set.Failed) != 1 || !strings.Contains(set.Failed[0].Reason, "more than 200000 values") {
		t.Errorf("failed: %v", set.Failed)
	}
}

func TestDocumentErrors(t *testing.T) {
	const logsource = "logsource: {category: x}\n"
	const detection = "detection:\n  s: {a: 1}\n  condition: s\n"
	tests := []struct {
		text   string
		line   int
		reason string
	}{
		{logsource + detection, 1, "a rule needs a title"},
		{"title: x\n" + detection, 1, "needs a logsource"},
		{"title: x\nlogsource: {}\n" + detection, 2, "a category, product or service"},
		{"title: x\nlogsource: windows\n" + detection, 2, "logsource must be a map"},
		{"title: x\n" + logsource, 1, "a rule needs a detection"},
		{"title: x\n" + logsource + "detection:\n  s: {a: 1}\n", 3, "needs a condition"},
		{"title: x\n" + logsource + "detection:\n  condition: s\n", 3, "needs at least one selection"},
		{"title: x\n" + logsource + "detection:\n  s: {}\n  condition: s\n", 4, "selection s is empty"},
		{"title: x\n" + logsource + "detection:\n  s: {a: {b: 1}}\n  condition: s\n", 4, "a value must be text"},
		{"title: x\n" + logsource + "detection:\n  s: {a: 1, a: 2}\n  condition: s\n", 4, `the key "a" stands here and in line 4`},
		{"title: x\n" + logsource + "detection:\n  s: {'': 1}\n  condition: s\n", 4, "a field needs a name"},
		{"title: x\ntitle: y\n" + logsource + detection, 2, `the key "title" stands here and in line 1`},
		{"title: x\nlevel: hgih\n" + logsource + detection, 2, `unknown level "hgih"`},
		{"title: x\nstatus: good\n" + logsource + detection, 2, `unknown status "good"`},
		{"title: x\ntags: {a: b}\n" + logsource + detection, 2, "tags must be a text or a list of texts"},
		{"title: [x]\n" + logsource + detection, 1, "title must be a single text"},
		{"title: 'x\n", 0, "not valid YAML"},
		{"title: x\n\tb: c\n", 2, "not valid YAML"},
		{"- a\n- b\n", 1, "the document must be a map"},
		{"a: b\n", 1, "not a Sigma document"},
		{"action: jump\ntitle: x\n", 1, `unknown action "jump"`},
		{"action: repeat\ntitle: x\n", 1, "no rule before it"},
		{"a: &a [*a]\ntitle: x\n" + logsource + detection, 1, "a: not valid YAML: anchor 'a' value contains itself"},
		{"title: x\n" + logsource + "detection:\n  s: &s [*s]\n  condition: s\n", 4, "nests deeper than 32 levels"},
		{bomb(), 0, "more than 2000000 parts once aliases and actions are followed"},
		{"title: x\n" + logsource + "filter:\n  rules: any\n  s: {a: 1}\n", 3, "the filter needs a condition"},
		{"title: x\n" + logsource + "filter:\n  s: {a: 1}\n  condition: s\n", 3, "a filter needs rules"},
		{"title: x\n" + logsource + "filter:\n  rules:\n  s: {a: 1}\n  condition: s\n", 4, "a list of rule ids or names, or any"},
		{"title: x\n" + logsource + "filter:\n  rules: any\n  s: {a: 1}\n  condition: [s, s]\n", 6, "a filter takes one condition"},
		{"title: x\nfilter:\n  rules: any\n  s: {a: 1}\n  condition: s\n", 1, "a filter needs a logsource"},
	}
	for _, tt := range tests {
		t.Run(tt.reason, func(t *testing.T) {
			rules, correlations, filters, failed := sigma.Parse("f.yml", []byte(tt.text))
			if len(rules)+len(correlations)+len(filters) != 0 || len(failed) != 1 {
				t.Fatalf("%d rules, %d correlations, %d filters, failed: %v", len(rules), len(correlations), len(filters), failed)
			}
			f := failed[0]
			if !strings.Contains(f.Reason, tt.reason) {
				t.Errorf("the reason is %s\nand should say   %s", f.Reason, tt.reason)
			}
			if tt.line > 0 && f.Line != tt.line {
				t.Errorf("line %d, want %d: %s", f.Line, tt.line, f.Reason)
			}
		})
	}
}

// bomb is a rule whose aliases stand for 10^7 values.
func bomb() string {
	var b strings.Builder
	b.WriteString("title: x\nlogsource: {category: x}\ndetection:\n  s0: &s0 [x,x,x,x,x,x,x,x,x,x]\n")
	for i := 1; i < 7; i++ {
		fmt.Fprintf(&b, "  s%d: &s%d [%s*s%d]\n", i, i, strings.Repeat(fmt.Sprintf("*s%d, ", i-1), 9), i-1)
	}
	b.WriteString("  condition: s6\n")
	return b.String()
}
