package sigma_test

import (
	"encoding/base64"
	"fmt"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"borj.dev/borj/watch/record"
	"borj.dev/borj/watch/sigma"
)

// flatten reads one JSON object.
func flatten(t testing.TB, json string) *record.Record {
	t.Helper()
	r, err := record.NewFlattener(record.NewPaths(0), record.DefaultLimits).Flatten([]byte(json), record.FormatJSON)
	if err != nil {
		t.Fatalf("%s: %v", json, err)
	}
	return r
}

// ruleOf reads a rule whose detection is given.
func ruleOf(t testing.TB, detection string) *sigma.Rule {
	t.Helper()
	text := "title: Test\nlogsource: {category: test}\ndetection:\n" + indent(detection)
	rules, _, _, failed := sigma.Parse("test.yml", []byte(text))
	if len(failed) > 0 || len(rules) != 1 {
		t.Fatalf("%s\n%d rules, failed: %v", text, len(rules), failed)
	}
	return rules[0]
}

func indent(s string) string {
	return "  " + strings.ReplaceAll(strings.TrimSpace(s), "\n", "\n  ") + "\n"
}

func resolve(t testing.TB, detection string) sigma.Expr {
	t.Helper()
	e, err := ruleOf(t, detection).Resolve()
	if err != nil {
		t.Fatalf("%s\n%v", detection, err)
	}
	return e
}

// check evaluates, and holds Matched to the same answer.
func check(t testing.TB, e sigma.Expr, json string, want bool) {
	t.Helper()
	r := flatten(t, json)
	if got := sigma.Evaluate(e, r); got != want {
		t.Errorf("%s holds: %v, want %v", json, got, want)
	}
	if sigma.Matched(e, r) != nil != want {
		t.Errorf("%s: Matched disagrees with Evaluate", json)
	}
}

func b64(s string) string { return base64.StdEncoding.EncodeToString([]byte(s)) }

func utf16le(s string) string {
	var out []byte
	for _, c := range []byte(s) {
		out = append(out, c, 0)
	}
	return string(out)
}

func TestModifiers(t *testing.T) {
	tests := []struct {
		name, item string
		yes, no    []string // values of the field f, as JSON
	}{
		{"plain, in any case", `f: 'Cmd.EXE'`, []string{`"cmd.exe"`, `"CMD.exe"`}, []string{`"cmd.exe "`, `"xcmd.exe"`, `""`, `null`}},
		{"one of a list", `f: [a, b]`, []string{`"a"`, `"B"`, `["x","b"]`}, []string{`"c"`, `[]`, `{}`}},
		{"letters beyond ASCII", `f: 'ÀÉ'`, []string{`"àé"`, `"\u00c0\u00c9"`}, []string{`"ae"`}},
		{"a Kelvin sign is no k", `f: k`, []string{`"K"`}, []string{`"\u212a"`}},
		{"numbers are text", `f: 4688`, []string{`4688`, `"4688"`}, []string{`46880`, `4688.5`, `null`}},
		{"hexadecimal numbers are decimal", `f: 0x10`, []string{`16`}, []string{`"0x10"`}},
		{"booleans are text", `f: true`, []string{`true`, `"True"`}, []string{`false`, `1`}},
		{"quoted numbers", `f: '007'`, []string{`"007"`}, []string{`7`}},
		{"null", `f: null`, []string{`null`, `["a",null]`}, []string{`""`, `"x"`, `0`, `{}`}},
		{"nothing is null", `f:`, []string{`null`}, []string{`""`}},
		{"empty text", `f: ''`, []string{`""`}, []string{`null`, `" "`, `[]`}},
		{"any value", `f: '*'`, []string{`""`, `"x"`, `0`, `{"a":1}`, `[{"a":null}]`}, []string{`null`}},

		{"star", `f: 'a*z'`, []string{`"az"`, `"A.Z"`, `"a\nz"`}, []string{`"azz."`, `"bz"`}},
		{"question mark", `f: 'prog?.exe'`, []string{`"progA.exe"`, `"progé.exe"`}, []string{`"prog.exe"`, `"progAB.exe"`}},
		{"escaped star", `f: 'a\*z'`, []string{`"a*z"`}, []string{`"abz"`, `"a\\*z"`}},
		{"escaped question mark", `f: 'a\?'`, []string{`"a?"`}, []string{`"ab"`}},
		{"backslash before a star", `f: 'C:\\*'`, []string{`"c:\\"`, `"C:\\x"`}, []string{`"C:*"`, `"c:x"`}},
		{"three backslashes and a star", `f: 'C:\\\*'`, []string{`"c:\\*"`}, []string{`"c:\\x"`}},
		{"lone backslash", `f: 'C:\Windows'`, []string{`"c:\\windows"`}, []string{`"c:windows"`}},
		{"two backslashes are one", `f: 'C:\\Windows'`, []string{`"c:\\windows"`}, []string{`"c:\\\\windows"`}},
		{"four backslashes are two", `f: '\\\\host'`, []string{`"\\\\host"`}, []string{`"\\host"`}},
		{"three backslashes are two", `f: '\\\host'`, []string{`"\\\\host"`}, []string{`"\\host"`}},
		{"backslash at the end", `f|startswith: 'C:\'`, []string{`"c:\\x"`}, []string{`"c:x"`}},

		{"contains", `f|contains: 'Bar'`, []string{`"foobarbaz"`, `"BAR"`}, []string{`"ba r"`, `null`}},
		{"contains a number", `f|contains: 12`, []string{`"a123"`, `3124`}, []string{`13`}},
		{"contains with a wildcard", `f|contains: 'a?c'`, []string{`"xxabcxx"`}, []string{`"ac"`}},
		{"contains an empty text", `f|contains: ''`, []string{`""`, `"x"`}, []string{`null`}},
		{"startswith", `f|startswith: ab`, []string{`"ABC"`, `"ab"`}, []string{`"cab"`}},
		{"endswith", `f|endswith: '\cmd.exe'`, []string{`"C:\\CMD.EXE"`}, []string{`"cmd.exe"`, `"\\cmd.exe "`}},
		{"both ends", `f|startswith|endswith: ab`, []string{`"xabx"`}, []string{`"axb"`}},
		{"all", `f|contains|all: [a, b]`, []string{`"xbxa"`}, []string{`"a"`, `"b"`}},
		{"all over an array", `f|all: [a, b]`, []string{`["b","a"]`}, []string{`["a"]`}},
		{"all first", `f|all|contains: [a, b]`, []string{`"ab"`}, []string{`"a"`}},
		{"cased", `f|cased: Cmd`, []string{`"Cmd"`}, []string{`"cmd"`}},
		{"cased contains", `f|contains|cased: Cmd`, []string{`"xCmdx"`}, []string{`"xcmdx"`}},
		{"neq", `f|neq: a`, []string{`"b"`, `null`}, []string{`"A"`}},
		{"neq of several", `f|neq: [a, b]`, []string{`"c"`}, []string{`"a"`, `"b"`}},
		{"neq contains", `f|contains|neq: a`, []string{`"b"`}, []string{`"bab"`}},
		{"neq number", `f|neq: 5`, []string{`6`}, []string{`5`, `"5"`}},

		{"base64", `f|base64: 'foo bar'`, []string{`"` + b64("foo bar") + `"`}, []string{`"foo bar"`, `"x` + b64("foo bar") + `"`}},
		{"base64 contains", `f|base64|contains: 'foobar'`, []string{`"x` + b64("foobar") + `"`}, []string{`"foobar"`}},
		{"base64offset at each offset", `f|base64offset|contains: 'http://'`,
			[]string{`"` + b64("http://a") + `"`, `"` + b64("1http://a") + `"`, `"` + b64("12http://") + `"`, `"` + b64("123http://a") + `"`},
			[]string{`"` + b64("https//") + `"`, `"http://"`}},
		{"base64offset alone stands anywhere", `f|base64offset: 'evil'`, []string{`"x` + b64("..evil..") + `"`}, []string{`"evil"`}},
		{"wide base64offset", `f|wide|base64offset|contains: 'cmd'`, []string{`"` + b64(utf16le("1cmd")) + `"`}, []string{`"` + b64("cmd") + `"`}},
		{"utf16le is wide", `f|utf16le|base64: 'cmd'`, []string{`"` + b64(utf16le("cmd")) + `"`}, nil},
		{"utf16be", `f|utf16be|base64: 'cmd'`, []string{`"` + b64("\x00c\x00m\x00d") + `"`}, nil},
		{"utf16 begins with its mark", `f|utf16|base64: 'cmd'`, []string{`"` + b64("\xff\xfe"+utf16le("cmd")) + `"`}, []string{`"` + b64(utf16le("cmd")) + `"`}},
		{"wide in the value", `f|wide|contains: 'cmd'`, []string{`"xc\u0000m\u0000d\u0000"`}, []string{`"cmd"`}},
		{"windash", `f|contains|windash: ' -foo'`, []string{`"a -foo"`, `"a /foo"`, `"a –foo"`, `"a —foo"`, `"a ―foo"`}, []string{`"a foo"`, `"a \\foo"`}},
		{"windash of a slash", `f|windash|contains: ' /c'`, []string{`"cmd -c"`, `"cmd /C"`}, nil},
		{"windash leaves inner dashes", `f|windash: '-a-b'`, []string{`"/a-b"`}, []string{`"/a/b"`}},
		{"windash of several", `f|windash: '-a -b'`, []string{`"/a -b"`, `"–a /b"`}, []string{`"a b"`}},

		{"re", `f|re: '^a[0-9]+z$'`, []string{`"a1z"`}, []string{`"A1z"`, `"xa1z"`}},
		{"re anywhere", `f|re: 'b.d'`, []string{`"abcde"`}, []string{`"b\nd"`}},
		{"re i", `f|re|i: 'B.D'`, []string{`"abcde"`}, nil},
		{"re s", `f|re|s: 'b.d'`, []string{`"b\nd"`}, nil},
		{"re m", `f|re|m: '^b$'`, []string{`"a\nb\nc"`}, []string{`"ab"`}},
		{"re ims", `f|re|i|m|s: '^B.c'`, []string{`"a\nb\nc"`}, nil},
		{"re keeps backslashes", `f|re: '\\\\host\\c\$'`, []string{`"\\\\host\\c$"`}, nil},
		{"re contains", `f|re|contains: 'a|b'`, []string{`"xbx"`}, []string{`"c"`}},
		{"re startswith", `f|re|startswith: 'a|b'`, []string{`"bx"`}, []string{`"xb"`}},
		{"re endswith", `f|re|endswith: 'a|b'`, []string{`"xb"`}, []string{`"bx"`}},
		{"re neq", `f|re|neq: 'a'`, []string{`"b"`}, []string{`"a"`}},
		{"re of a number", `f|re: '^4\d+$'`, []string{`42`}, []string{`24`}},

		{"cidr v4", `f|cidr: 192.168.0.0/16`, []string{`"192.168.3.4"`, `"::ffff:192.168.3.4"`}, []string{`"192.169.0.1"`, `"x"`, `"192.168.3.4:80"`, `1`}},
		{"cidr v6", `f|cidr: 'fe80::/10'`, []string{`"fe80::1"`, `"fe80::1%eth0"`, `"FE80::2"`}, []string{`"2001:db8::1"`}},
		{"cidr of several", `f|cidr: ['10.0.0.0/8', '::1/128']`, []string{`"10.1.1.1"`, `"::1"`}, []string{`"11.0.0.1"`}},
		{"cidr with bits beyond", `f|cidr: 10.1.2.3/8`, []string{`"10.9.9.9"`}, nil},
		{"cidr of one address", `f|cidr: 10.1.2.3`, []string{`"10.1.2.3"`}, []string{`"10.1.2.4"`}},

		{"exists", `f|exists: true`, []string{`"x"`, `null`, `""`, `{}`, `{"g":1}`}, nil},
		{"exists not", `f|exists: false`, nil, []string{`"x"`, `null`}},
		{"gt", `f|gt: 5`, []string{`6`, `"6"`, `5.5`, `1e3`}, []string{`5`, `4`, `"x"`, `true`, `null`, `"0x9"`}},
		{"gte", `f|gte: 5`, []string{`5`, `5.0`}, []string{`4.9`}},
		{"lt", `f|lt: -1`, []string{`-2`, `"-1.5"`}, []string{`-1`, `""`}},
		{"lte", `f|lte: 5`, []string{`5`, `-7`}, []string{`5.1`, `[6,7]`}},
		{"lte of several", `f|gt: [100, 5]`, []string{`7`}, []string{`5`}},

		{"minute", `f|minute: 4`, []string{`"2024-02-29T23:04:05Z"`}, []string{`"2024-02-29T23:05:05Z"`, `4`, `"x"`}},
		{"hour in UTC", `f|hour: 22`, []string{`"2024-02-29T23:04:05+01:00"`, `"2024-02-29 22:04:05.123"`, `"2024-02-29T22:04:05.123456+0000"`}, []string{`"2024-02-29T23:04:05Z"`}},
		{"hour of an epoch", `f|hour: 2`, []string{`1700013600`, `"1700013600.5"`, `1700013600000`, `1700013600000000`, `1700013600000000000`}, []string{`7200`, `10000000000`, `1e19`, `"02:00:00"`}},
		{"hour of a web server", `f|hour: 9`, []string{`"10/Oct/2000:13:55:36 +0400"`}, []string{`"10/Oct/2000:13:55:36"`}},
		{"hour in an order", `f|hour|gte: 20`, []string{`"2024-02-29T23:04:05Z"`}, []string{`"2024-02-29T19:59:59Z"`}},
		{"day", `f|day: 29`, []string{`"2024-02-29"`}, nil},
		{"week", `f|week: 1`, []string{`"2024-01-01T00:00:00Z"`, `"2024-12-30T00:00:00Z"`}, []string{`"2023-01-01T00:00:00Z"`}},
		{"month", `f|month: [1, 2]`, []string{`"2024-02-29"`}, []string{`"2024-03-01"`}},
		{"year", `f|year: 2024`, []string{`"2024-02-29"`}, []string{`"2023-02-28"`}},
		{"expand without a placeholder", `f|contains|expand: '100\%'`, []string{`"=100%"`}, []string{`"100\\%"`}},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			e := resolve(t, "s:\n  "+tt.item+"\ncondition: s")
			for _, v := range tt.yes {
				r := flatten(t, `{"f":`+v+`}`)
				if !sigma.Evaluate(e, r) {
					t.Errorf("f = %s does not match", v)
				}
			}
			for _, v := range tt.no {
				r := flatten(t, `{"f":`+v+`}`)
				if sigma.Evaluate(e, r) {
					t.Errorf("f = %s matches", v)
				}
			}
		})
	}
}

func TestAbsentField(t *testing.T) {
	for item, want := range map[string]bool{
		`f: x`: false, `f: ''`: false, `f: null`: true, `f: '*'`: false, `f|neq: x`: true,
		`f|exists: true`: false, `f|exists: false`: true, `f|contains: ''`: false, `f|lt: 5`: false,
		`f|fieldref: g`: false, `f|fieldref|neq: g`: true,
	} {
		if got := sigma.Evaluate(resolve(t, "s:\n  "+item+"\ncondition: s"), flatten(t, `{"g":"x"}`)); got != want {
			t.Errorf("%s of an absent field: %v, want %v", item, got, want)
		}
	}
}

func TestFieldReference(t *testing.T) {
	tests := []struct {
		item, json string
		want       bool
	}{
		{`a|fieldref: b`, `{"a":"X","b":"x"}`, true},
		{`a|fieldref: b`, `{"a":"X","b":"y"}`, false},
		{`a|fieldref: b`, `{"a":5,"b":"5"}`, true},
		{`a|fieldref: b`, `{"a":["x","y"],"b":["z","y"]}`, true},
		{`a|fieldref: b`, `{"a":null,"b":null}`, false},
		{`a|fieldref: b.c`, `{"a":"x","b":{"c":"x"}}`, true},
		{`a|fieldref|cased: b`, `{"a":"X","b":"x"}`, false},
		{`a|fieldref|startswith: b`, `{"a":"C:\\dir\\x","b":"c:\\DIR"}`, true},
		{`a|fieldref|startswith: b`, `{"a":"dir","b":"dirx"}`, false},
		{`a|fieldref|endswith: b`, `{"a":"x.exe","b":".EXE"}`, true},
		{`a|fieldref|contains: b`, `{"a":"xyz","b":"Y"}`, true},
		{`a|fieldref|neq: b`, `{"a":"x","b":"x"}`, false},
		{`a|fieldref: [b, c]`, `{"a":"x","b":"y","c":"x"}`, true},
		{`a|fieldref|all: [b, c]`, `{"a":"x","b":"y","c":"x"}`, false},
	}
	for _, tt := range tests {
		t.Run(tt.item, func(t *testing.T) {
			r := flatten(t, tt.json)
			if got := sigma.Evaluate(resolve(t, "s:\n  "+tt.item+"\ncondition: s"), r); got != tt.want {
				t.Errorf("%s holds: %v, want %v", tt.json, got, tt.want)
			}
		})
	}
}

func TestSelections(t *testing.T) {
	tests := []struct {
		name, detection string
		yes, no         []string
	}{
		{"entries of a map are joined by and", "s: {a: 1, b: 2}\ncondition: s", []string{`{"a":1,"b":2}`}, []string{`{"a":1}`, `{"a":1,"b":3}`}},
		{"maps of a list are joined by or", "s:\n- {a: 1}\n- {b: 2}\ncondition: s", []string{`{"a":1}`, `{"b":2}`}, []string{`{"a":2}`}},
		{"lists within lists", "s:\n- - a: 1\n  - b: 2\n- c: 3\ncondition: s", []string{`{"b":2}`, `{"c":3}`}, []string{`{"c":1}`}},
		{"values within nested lists", "s:\n  a: [[1, 2], 3]\ncondition: s", []string{`{"a":2}`, `{"a":3}`}, []string{`{"a":4}`}},
		{"anchors and merges", "base: &b {a: 1}\ns:\n  <<: *b\n  c: 2\ncondition: s", []string{`{"a":1,"c":2}`}, []string{`{"c":2}`}},
		{"dotted fields", "s: {a.b.c: 1}\ncondition: s", []string{`{"a":{"b":[{"c":2},{"c":1}]}}`}, []string{`{"a":{"b":{"c":2}}}`}},
		{"fields of windows events", "s: {EventID: 1, Image: x}\ncondition: s",
			[]string{`{"Event":{"System":{"EventID":{"#text":1}},"EventData":{"Image":"X"}}}`, `{"winlog":{"event_id":"1","event_data":{"Image":"x"}}}`}, nil},

		{"keywords", "k: [evil, 'svc -n']\ncondition: k", []string{`{"m":"an Evil thing"}`, `{"a":{"b":["x svc -n y"]}}`}, []string{`{"evil":"x"}`, `{"m":"good"}`}},
		{"one keyword", "k: evil\ncondition: k", []string{`{"m":"EVIL"}`}, []string{`{"m":"e vil"}`}},
		{"keyword that is a number", "k: [4242]\ncondition: k", []string{`{"m":"x4242"}`, `{"m":42420}`}, []string{`{"m":42}`}},
		{"keyword with wildcards", "k: ['a*z?']\ncondition: k", []string{`{"m":"..a--z1.."}`}, []string{`{"m":"..a--z"}`, `{"m":"a","n":"z1"}`}},
		{"all keywords", "k:\n  '|all': [a1, b1]\ncondition: k", []string{`{"m":"a1 b1"}`, `{"m":"a1","n":"b1"}`}, []string{`{"m":"a1"}`}},
		{"keyword expressions", "k:\n  '|re': ['e[vw]il']\ncondition: k", []string{`{"m":"an ewil"}`}, []string{`{"m":"an EVIL"}`}},
		{"keywords and maps", "s:\n- evil\n- {a: 1}\ncondition: s", []string{`{"m":"evil"}`, `{"a":1}`}, []string{`{"a":2}`}},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			e := resolve(t, tt.detection)
			for _, json := range tt.yes {
				check(t, e, json, true)
			}
			for _, json := range tt.no {
				check(t, e, json, false)
			}
		})
	}
}

func TestMatched(t *testing.T) {
	e := resolve(t, `
sel:
  dns.query.rrname|endswith: .bad
  proto: [udp, tcp]
any:
  - a: 1
  - b: 2
filter: {user: root}
null_one: {gone: null}
condition: sel and any and not filter and null_one`)
	r := flatten(t, `{"proto":"UDP","dns":{"query":[{"rrname":"ok.good"},{"rrname":"X.bad"}]},"a":1,"b":2,"user":"me"}`)
	want := []sigma.MatchedField{{Path: "dns.query[1].rrname", Value: "X.bad"}, {Path: "proto", Value: "UDP"}, {Path: "a", Value: "1"}, {Path: "b", Value: "2"}}
	if diff := cmp.Diff(want, sigma.Matched(e, r)); diff != "" {
		t.Error(diff)
	}
	if got := sigma.Matched(e, flatten(t, `{"proto":"udp"}`)); got != nil {
		t.Errorf("a rule that does not hold has %v", got)
	}
}

func TestMatchedIsBounded(t *testing.T) {
	var values []string
	for i := range 100 {
		values = append(values, fmt.Sprintf("%q", fmt.Sprint("x", i)))
	}
	r := flatten(t, `{"f":[`+strings.Join(values, ",")+`],"g":"x`+strings.Repeat("é", 40<<10)+`"}`)
	if got := sigma.Matched(resolve(t, "s: {f|startswith: x}\ncondition: s"), r); len(got) != 64 {
		t.Errorf("%d values, want 64", len(got))
	}
	got := sigma.Matched(resolve(t, "s: {g|startswith: x}\ncondition: s"), r)
	if len(got) != 1 || len(got[0].Value) > 32<<10 || !strings.HasSuffix(got[0].Value, "é") {
		t.Errorf("a long value is not cut between characters")
	}
}
