package match

import (
	"bytes"
	"encoding/json"
	"fmt"
	"net/netip"
	"regexp"
	"slices"
	"strings"
	"testing"

	"borj.dev/borj/watch/record"
	"borj.dev/borj/watch/sigma"
	"github.com/google/go-cmp/cmp"
	"pgregory.net/rapid"
)

// The words that rules and records of the property test are made of: few, so
// that they meet, with cases, escapes and letters that fold in odd ways.
var words = []string{
	`\cmd.exe`, `C:\Windows\System32\cmd.exe`, `powershell -enc `, `-ENC`, `a`, ``, `é`, `É\x`, "Kelvin \u212a", `k`, `s`, "ſ",
	`.exe`, `exe`, `mimikatz`, `MIMIKATZ sekurlsa::logonpasswords`, `10.1.2.3`, `192.0.2.7`, `17`, `4688`, `1`, `"quoted"`, "line\nbreak", `\\server\share`, `<b>mimikatz & co`,
}

var fieldNames = []string{"Image", "CommandLine", "EventID", "Channel", "a.b", "a", "ünï", ""}

func drawWord(t *rapid.T) string {
	w := rapid.SampledFrom(words).Draw(t, "word")
	switch rapid.IntRange(0, 5).Draw(t, "change") {
	case 0:
		w += rapid.SampledFrom(words).Draw(t, "more")
	case 1:
		w = strings.ToUpper(w)
	case 2:
		if len(w) > 3 {
			w = w[1:]
		}
	}
	return w
}

func drawMatch(t *rapid.T) *sigma.Match {
	m := &sigma.Match{Field: rapid.SampledFrom(fieldNames).Draw(t, "field")}
	m.Op = sigma.Op(rapid.IntRange(int(sigma.OpEquals), int(sigma.OpFieldRef)).Draw(t, "op"))
	switch m.Op {
	case sigma.OpEquals, sigma.OpContains, sigma.OpStartsWith, sigma.OpEndsWith:
		m.Cased = rapid.IntRange(0, 4).Draw(t, "cased") == 0
		m.Text = drawWord(t)
		if !m.Cased {
			m.Text = fold(m.Text)
		}
	case sigma.OpGlob:
		for i, n := 0, rapid.IntRange(1, 4).Draw(t, "parts"); i < n; i++ {
			k := sigma.GlobKind(rapid.IntRange(0, 2).Draw(t, "part"))
			if k == sigma.Many && i > 0 && m.Glob[len(m.Glob)-1].Kind == sigma.Many {
				k = sigma.One
			}
			part := sigma.GlobPart{Kind: k}
			if k == sigma.Literal {
				part.Text = fold(drawWord(t))
			}
			m.Glob = append(m.Glob, part)
		}
	case sigma.OpRegexp:
		m.Regexp = regexp.MustCompile(rapid.SampledFrom([]string{
			`(?i)mimi(katz|dogs)`, `[a-c]md\.exe$`, `(?i)sekurlsa`, `^C:`, `\d+`, `(?i)kelvin k`, `(cmd|exe|powershell) ?-enc`, `x?`, `(?i)é`, `.{12,}`, `&&.*set`, `(?i)[ks]erver.?share`, `x[a-z]{8,}`,
		}).Draw(t, "regexp"))
	case sigma.OpCIDR:
		m.Prefix = netip.MustParsePrefix(rapid.SampledFrom([]string{"10.0.0.0/8", "192.0.2.0/29", "::/0"}).Draw(t, "prefix"))
	case sigma.OpLess, sigma.OpLessEqual, sigma.OpGreater, sigma.OpGreaterEqual:
		m.Number = float64(rapid.IntRange(0, 20).Draw(t, "number"))
	case sigma.OpFieldRef:
		m.RefOp = sigma.Op(rapid.IntRange(0, 3).Draw(t, "ref op"))
		m.Text = rapid.SampledFrom(fieldNames[:6]).Draw(t, "other")
		if m.Field == "" {
			m.Field = "Image"
		}
	case sigma.OpExists, sigma.OpNull:
		if m.Field == "" {
			m.Field = "a"
		}
	}
	return m
}

func drawExpr(t *rapid.T, depth int) sigma.Expr {
	kind := rapid.IntRange(0, 5).Draw(t, "kind")
	if depth == 0 || kind > 2 {
		return drawMatch(t)
	}
	if kind == 2 {
		return sigma.Not{Of: drawExpr(t, depth-1)}
	}
	var parts []sigma.Expr
	for range rapid.IntRange(0, 4).Draw(t, "parts") {
		parts = append(parts, drawExpr(t, depth-1))
	}
	if kind == 0 {
		return sigma.And(parts)
	}
	return sigma.Or(parts)
}

func drawValue(t *rapid.T) any {
	switch rapid.IntRange(0, 9).Draw(t, "type") {
	case 0:
		return rapid.IntRange(0, 20).Draw(t, "number")
	case 1:
		return nil
	case 2:
		return rapid.Bool().Draw(t, "bool")
	case 3:
		return []any{drawWord(t), drawWord(t)}
	case 4:
		return map[string]any{"b": drawWord(t)}
	case 5:
		return []any{}
	}
	return drawWord(t)
}

func drawRecord(t *rapid.T) []byte {
	o := map[string]any{}
	for range rapid.IntRange(0, 6).Draw(t, "fields") {
		o[rapid.SampledFrom(fieldNames[:7]).Draw(t, "name")] = drawValue(t)
	}
	b, err := json.Marshal(o)
	if err != nil {
		t.Fatal(err)
	}
	return b
}

// TestAgreesWithOracle draws rules with routes and a run of records, and asks
// both evaluators.
func TestAgreesWithOracle(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		var rules []sigma.Routed
		for range rapid.IntRange(1, 8).Draw(t, "rules") {
			r := sigma.Routed{Rule: &sigma.Rule{Title: "drawn"}, Expr: drawExpr(t, 3)}
			switch rapid.IntRange(0, 3).Draw(t, "route") {
			case 0:
				r.Route = &sigma.Match{Field: "Channel", Op: sigma.OpEquals, Text: fold(drawWord(t))}
			case 1:
				r.Route = drawExpr(t, 1)
			}
			r.Generic = rapid.Bool().Draw(t, "generic")
			rules = append(rules, r)
		}
		m, err := Compile(rules)
		if err != nil {
			t.Fatal(err)
		}
		limit := rapid.SampledFrom([]int{0, 3}).Draw(t, "path limit")
		paths := record.NewPaths(limit)
		fl, w := record.NewFlattener(paths, record.DefaultLimits), m.NewWorker(paths)
		w.limit = rapid.SampledFrom([]int{maxClasses, 0, 2}).Draw(t, "class limit")
		for range rapid.IntRange(1, 12).Draw(t, "records") {
			raw := drawRecord(t)
			if rapid.IntRange(0, 4).Draw(t, "hide") == 0 {
				raw = bytes.ReplaceAll(raw, []byte("k"), []byte(`\u006b`)) // in values only: no name has one
			}
			format := rapid.SampledFrom([]record.Format{record.FormatJSON, record.FormatWindows}).Draw(t, "format")
			rec, err := fl.Flatten(raw, format)
			if err != nil {
				t.Fatal(err)
			}
			var want []int
			for i, r := range rules {
				if (!r.Generic || isGeneric(format)) && (r.Route == nil || sigma.Evaluate(r.Route, rec)) && sigma.Evaluate(r.Expr, rec) {
					want = append(want, i)
				}
			}
			if got := w.Match(rec, nil); !cmp.Equal(got, want) {
				t.Fatalf("record %s\ngot rules %v, the oracle says %v", raw, got, want)
			}
		}
	})
}

// TestClassesAreBounded gives every record a channel of its own: beyond the
// bound rules hold as before, and nothing more is kept.
func TestClassesAreBounded(t *testing.T) {
	own := &sigma.Match{Field: "Channel", Op: sigma.OpEquals, Text: "own"}
	cmd := &sigma.Match{Field: "Image", Op: sigma.OpEndsWith, Text: `\cmd.exe`}
	rules := []sigma.Routed{
		{Rule: &sigma.Rule{Title: "any channel but one"}, Route: sigma.Not{Of: own}, Expr: cmd},
		{Rule: &sigma.Rule{Title: "that one"}, Route: own, Expr: sigma.Not{Of: cmd}},
		{Rule: &sigma.Rule{Title: "never fed"}, Route: &sigma.Match{Field: "Channel", Op: sigma.OpEquals, Text: "other"}, Expr: cmd},
	}
	m, err := Compile(rules)
	if err != nil {
		t.Fatal(err)
	}
	paths := record.NewPaths(0)
	fl, w := record.NewFlattener(paths, record.DefaultLimits), m.NewWorker(paths)
	match := func(channel, image string) []int {
		raw, err := json.Marshal(map[string]any{"Channel": channel, "Image": image})
		if err != nil {
			t.Fatal(err)
		}
		rec, err := fl.Flatten(raw, record.FormatWindows)
		if err != nil {
			t.Fatal(err)
		}
		return w.Match(rec, nil)
	}
	for i := range 2 * maxClasses {
		if got := match(fmt.Sprint("c", i), `C:\cmd.exe`); !cmp.Equal(got, []int{0}) {
			t.Fatalf("record %d: got %v, want the first rule", i, got)
		}
	}
	if got := match("OWN", `C:\calm.exe`); !cmp.Equal(got, []int{1}) {
		t.Errorf("beyond the bound: got %v, want the second rule", got)
	}
	if len(w.classes) != maxClasses {
		t.Errorf("%d classes are kept", len(w.classes))
	}
	var fed []int
	w.Fed(func(rule int) { fed = append(fed, rule) })
	if !cmp.Equal(fed, []int{0, 1}) {
		t.Errorf("fed are %v", fed)
	}
	w.age = classLife
	if match("new", `C:\cmd.exe`); len(w.classes) != 1 {
		t.Errorf("%d classes after they were made anew", len(w.classes))
	}
}

// TestTextFormats: what a Zeek log, a CSV or an audit log writes in its own way
// is the same to both evaluators.
func TestTextFormats(t *testing.T) {
	var rules []sigma.Routed
	for _, field := range []string{"AA", "query", "comm", "a0", ""} {
		for _, e := range []sigma.Expr{
			&sigma.Match{Field: field, Op: sigma.OpRegexp, Regexp: regexp.MustCompile(`^tru`)},
			&sigma.Match{Field: field, Op: sigma.OpEquals, Text: "true"},
			&sigma.Match{Field: field, Op: sigma.OpContains, Text: `a"b`},
			&sigma.Match{Field: field, Op: sigma.OpContains, Text: `r\s`},
			&sigma.Match{Field: field, Op: sigma.OpStartsWith, Text: "two words"},
			sigma.Not{Of: &sigma.Match{Field: field, Op: sigma.OpEndsWith, Text: "words"}},
		} {
			rules = append(rules, sigma.Routed{Rule: &sigma.Rule{}, Expr: e})
		}
	}
	m, err := Compile(rules)
	if err != nil {
		t.Fatal(err)
	}
	for name, text := range map[string]string{
		"zeek":  "#separator \\x09\n#set_separator\t,\n#empty_field\t(empty)\n#unset_field\t-\n#path\tdns\n#fields\tquery\tAA\n#types\tstring\tbool\nver\\x5cs\tT\ntwo words\tF\n",
		"csv":   "query,AA\n\"a\"\"b\",true\ntwo words,false\n",
		"audit": "type=EXECVE msg=audit(1604996384.965:93777): argc=2 a0=74776F20776F726473 a1=\"x\"\ntype=SYSCALL msg=audit(1604996384.965:93778): comm=\"true\" exe=\"/bin/true\"\n",
	} {
		src, err := record.Open([]string{"-"}, record.Options{Auto: true, Stdin: strings.NewReader(text)})
		if err != nil {
			t.Fatal(err)
		}
		paths := record.NewPaths(0)
		fl, w := record.NewFlattener(paths, record.DefaultLimits), m.NewWorker(paths)
		records, held := 0, 0
		for {
			c, err := src.Next()
			if err != nil {
				break
			}
			c.Each(fl, func(_ int, rec *record.Record) {
				records++
				got := w.Match(rec, nil)
				held += len(got)
				for i := range rules {
					if want := sigma.Evaluate(rules[i].Expr, rec); want != slices.Contains(got, i) {
						t.Errorf("%s, %s of %s: the oracle says %t", name, sigma.ExprKey(rules[i].Expr), rec.Raw, want)
					}
				}
			}, func(_ int, r record.Reject) { t.Errorf("%s: set aside: %+v", name, r) })
		}
		if records != 2 || held == 0 {
			t.Errorf("%s: %d records, %d rules held", name, records, held)
		}
	}
}

// TestKeywordGate compares the gate with a search of every keyword's part.
func TestKeywordGate(t *testing.T) {
	paths := record.NewPaths(0)
	fl := record.NewFlattener(paths, record.DefaultLimits)
	rapid.Check(t, func(t *rapid.T) {
		letters := rapid.StringOfN(rapid.RuneFrom([]rune("abAB :")), 4, 14, -1)
		var keywords []string
		for range rapid.IntRange(1, 4).Draw(t, "keywords") {
			keywords = append(keywords, fold(letters.Draw(t, "keyword")))
		}
		text := rapid.StringOfN(rapid.RuneFrom([]rune("abAB :")), 0, 120, -1).Draw(t, "text")
		if rapid.Bool().Draw(t, "hit") {
			text += strings.ToUpper(rapid.SampledFrom(keywords).Draw(t, "which")) + text
		}
		raw, err := json.Marshal(map[string]string{"a": text})
		if err != nil {
			t.Fatal(err)
		}
		rec, err := fl.Flatten(raw, record.FormatJSON)
		if err != nil {
			t.Fatal(err)
		}
		want := false
		for _, k := range keywords {
			want = want || strings.Contains(fold(string(raw)), plainPart(k))
		}
		if got := newKeywordGate(keywords).mayHold(rec); got != want {
			t.Fatalf("%q in %s: the gate says %t", keywords, raw, got)
		}
	})
}

func TestClassRun(t *testing.T) {
	re := regexp.MustCompile(`[a-f0-9]{8}`)
	facts := readRegexp(re.String())
	if facts.run == nil || facts.run.n != 8 {
		t.Fatalf("the run is %+v", facts.run)
	}
	rapid.Check(t, func(t *rapid.T) {
		text := rapid.StringOfN(rapid.RuneFrom([]rune("abc019xyé")), 0, 60, -1).Draw(t, "text")
		if got, want := facts.run.in([]byte(text)), re.MatchString(text); got != want {
			t.Fatalf("%q: got %t", text, got)
		}
	})
	for _, expr := range []string{`[a-f]{7}`, `([a-f]{9})?`, `[^a]{9}`, `(?i)[k]{9}`} {
		if readRegexp(expr).run != nil {
			t.Errorf("%s requires no run of ASCII", expr)
		}
	}
}

func TestLongLine(t *testing.T) {
	re := regexp.MustCompile(`.{3,}`)
	n := longLine(re.String())
	for _, text := range []string{"", "ab", "abc", "ab\nc", "ab\ncde", "éé", "ééé", "\xff\xff\xff", "a\n\n\nb", "\nabc"} {
		if got, want := hasLongLine([]byte(text), n), re.MatchString(text); got != want {
			t.Errorf("%q: got %t, the expression says %t", text, got, want)
		}
	}
	if n != 3 || longLine(`a{3,}`) != 0 || longLine(`.{3,5}`) != 0 || longLine(`(?s).{3,}`) != 0 {
		t.Error("longLine takes one expression for another")
	}
}

func TestReadRegexp(t *testing.T) {
	for _, c := range []struct {
		expr   string
		groups [][]string
		loose  bool
		minLen int
	}{
		{`mimikatz`, [][]string{{"mimikatz"}}, false, 8},
		{`(?i)mimikatz`, [][]string{{"mimikatz"}}, true, 8},
		{`(cmd|bash)\.exe`, [][]string{{"cmd.exe", "bash.exe"}}, false, 7},
		{`&&set.*longer`, [][]string{{"&&set"}, {"longer"}}, false, 11},
		{`(?i)[ab]cdef`, [][]string{{"acdef", "bcdef"}}, false, 5},
		{`a|b`, nil, false, 1},
		{`(mimi)?`, nil, false, 0},
		{`(mimi)+`, [][]string{{"mimi"}}, false, 4},
		{`\d{3}`, nil, false, 3},
		{`ab(c)`, [][]string{{"abc"}}, false, 3},
		{`^abc(d)ef$`, [][]string{{"abcdef"}}, false, 6},
		{`.{1000,}`, nil, false, 1000},
		{"`x.+`", [][]string{{"`x"}, {"`"}}, false, 4},
		{`(?i)[ks]et`, [][]string{{"ket", "set"}}, true, 3},
		{`(foo|ba?r)q`, nil, false, 3},
		{`é+long`, [][]string{{"long"}}, false, 5},
	} {
		g := readRegexp(c.expr)
		if !cmp.Equal(g.groups, c.groups) || g.loose != c.loose || g.minLen != c.minLen {
			t.Errorf("%s: got %q, loose %t, at least %d bytes; want %q, %t, %d", c.expr, g.groups, g.loose, g.minLen, c.groups, c.loose, c.minLen)
		}
	}
}
