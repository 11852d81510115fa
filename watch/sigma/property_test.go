package sigma

import (
	"bytes"
	"strings"
	"testing"
	"unicode/utf8"

	"pgregory.net/rapid"
)

// fitsSlowly is fitsGlob as one would explain it.
func fitsSlowly(glob []GlobPart, s string) bool {
	if len(glob) == 0 {
		return s == ""
	}
	switch p := glob[0]; p.Kind {
	case Many:
		for i := 0; i <= len(s); i++ {
			if fitsSlowly(glob[1:], s[i:]) {
				return true
			}
		}
		return false
	case One:
		_, n := utf8.DecodeRuneInString(s)
		return n > 0 && fitsSlowly(glob[1:], s[n:])
	default:
		rest, ok := strings.CutPrefix(s, p.Text)
		return ok && fitsSlowly(glob[1:], rest)
	}
}

// escape writes text so that every character of it means itself.
func escape(text string) string {
	return strings.NewReplacer(`\`, `\\`, `*`, `\*`, `?`, `\?`).Replace(text)
}

// Values are made of few signs, so that patterns fit often.
var (
	signs  = rapid.StringOfN(rapid.RuneFrom([]rune(`abAé\*?`)), 0, 8, -1)
	pieces = rapid.SliceOfN(rapid.Custom(func(t *rapid.T) GlobPart {
		p := GlobPart{Kind: rapid.SampledFrom([]GlobKind{Literal, Many, One}).Draw(t, "kind")}
		if p.Kind == Literal {
			p.Text = signs.Draw(t, "text")
		}
		return p
	}), 0, 6)
)

func TestWildcardsMeanWhatTheySay(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		parts := pieces.Draw(t, "parts")
		value := signs.Draw(t, "value")
		cased := rapid.Bool().Draw(t, "cased")
		written := ""
		for _, p := range parts {
			written += map[GlobKind]string{Many: "*", One: "?", Literal: escape(p.Text)}[p.Kind]
		}
		m := globMatch("f", parseWildcards(written), cased)
		against := value
		if !cased {
			against = foldString(value)
			for i := range parts {
				parts[i].Text = foldString(parts[i].Text)
			}
		}
		if got, want := m.HoldsFor([]byte(value)), fitsSlowly(parts, against); got != want {
			t.Fatalf("%q fits %q: %v, want %v (%+v)", value, written, got, want, m)
		}
	})
}

// Text that is escaped means itself, whatever it is.
func TestEscapedTextIsItself(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		text := rapid.String().Draw(t, "text")
		var got string
		for _, p := range parseWildcards(escape(text)) {
			if p.Kind != Literal {
				t.Fatalf("%q has wildcards", escape(text))
			}
			got += p.Text
		}
		if got != text {
			t.Fatalf("%q became %q", text, got)
		}
	})
}

// A lone backslash before anything but * ? and \ is itself.
func TestBackslashIsItself(t *testing.T) {
	for c := range 256 {
		s := `\` + string([]byte{byte(c)})
		parts := parseWildcards(s)
		switch c {
		case '*', '?', '\\':
			s = s[1:]
		}
		if len(parts) != 1 || parts[0] != (GlobPart{Literal, s}) {
			t.Errorf("%q became %v", `\`+string([]byte{byte(c)}), parts)
		}
	}
}

// The worst a pattern can do stays within len(value) × len(pattern).
func TestGlobDoesNotExplode(t *testing.T) {
	var glob []GlobPart
	for range 50 {
		glob = append(glob, GlobPart{Kind: Many}, GlobPart{Literal, "ab"})
	}
	if fitsGlob(glob, []byte(strings.Repeat("a", 100_000))) {
		t.Error("a value without b fits")
	}
}

func TestFold(t *testing.T) {
	for in, want := range map[string]string{
		"ABCxyz-09": "abcxyz-09", "ÀÉÎ": "àéî", "ΑΒΓ": "αβγ", "ЖДЯ": "ждя",
		"\u212a": "\u212a", "\u0130": "\u0130", "\xff\xc3A": "\xff\xc3a", "\u017f": "\u017f",
	} {
		if got := foldString(in); got != want {
			t.Errorf("%q folds to %q, want %q", in, got, want)
		}
	}
	for r := rune(0); r <= utf8.MaxRune; r++ {
		once := Fold(nil, []byte(string(r)))
		if !bytes.Equal(Fold(nil, once), once) {
			t.Fatalf("%U folds on", r)
		}
		if r >= utf8.RuneSelf && once[0] < utf8.RuneSelf {
			t.Fatalf("%U folds to ASCII", r)
		}
	}
	rapid.Check(t, func(t *rapid.T) {
		s := rapid.SliceOf(rapid.Byte()).Draw(t, "bytes")
		once := Fold([]byte("x"), s)
		if again := Fold(nil, once); !bytes.Equal(again, once) || once[0] != 'x' {
			t.Fatalf("%q folds to %q and then to %q", s, once, again)
		}
	})
}

func FuzzWildcard(f *testing.F) {
	f.Add(`C:\\*\?x`, `C:\abc?x`)
	f.Add(`***`, ``)
	f.Add("\xff?\\", "\xffé\\")
	f.Fuzz(func(t *testing.T, pattern, value string) {
		if len(pattern) > 64 || len(value) > 64 {
			return
		}
		parts := parseWildcards(pattern)
		many := 0
		for _, p := range parts {
			if p.Kind == Many {
				many++
			}
		}
		if many > 4 { // the slow matcher is exponential
			return
		}
		m := globMatch("f", parts, true)
		if got, want := m.HoldsFor([]byte(value)), fitsSlowly(parts, value); got != want {
			t.Errorf("%q fits %q: %v, want %v", value, pattern, got, want)
		}
	})
}

func FuzzCondition(f *testing.F) {
	for _, s := range []string{"a and not (b or 1 of a*)", "all of them", "2 of *", "((a)", "not", "a | count() > 5", "1 of", "é@."} {
		f.Add(s)
	}
	names := []string{"a", "b", "ab", "_c"}
	f.Fuzz(func(t *testing.T, s string) {
		named := func(name string) (Expr, error) { return &Match{Field: name, Op: OpExists}, nil }
		e, err := parseCondition(s, names, named)
		if (e == nil) == (err == nil) {
			t.Fatalf("%v and %v", e, err)
		}
		if err == nil {
			wellFormed(t, e)
		}
		if renamed, err := renameWords(s, "@filter1."); err == nil && e != nil {
			if _, err := tokenize(renamed); err != nil {
				t.Errorf("%q renamed to %q: %v", s, renamed, err)
			}
		}
	})
}

// wellFormed checks what simplify promises.
func wellFormed(t *testing.T, e Expr) {
	t.Helper()
	var parts []Expr
	switch e := e.(type) {
	case And:
		parts = e
	case Or:
		parts = e
	case Not:
		if _, ok := e.Of.(Not); ok {
			t.Errorf("a Not of a Not")
		}
		wellFormed(t, e.Of)
		return
	case *Match:
		return
	default:
		t.Fatalf("%T is no expression", e)
	}
	if len(parts) == 1 {
		t.Errorf("a %T of one part", e)
	}
	for _, part := range parts {
		_, and := part.(And)
		_, inAnd := e.(And)
		_, or := part.(Or)
		_, inOr := e.(Or)
		if and && inAnd || or && inOr {
			t.Errorf("a %T within a %T", part, e)
		}
		wellFormed(t, part)
	}
}

func FuzzParseRule(f *testing.F) {
	for _, s := range []string{
		"title: x\nid: y\nlogsource: {category: z}\ndetection:\n  s:\n    f|contains|all: ['a*', 5, null]\n  k: [evil]\n  condition: s or k\n",
		"action: global\ntitle: x\n---\nlogsource: {product: z}\ndetection: {s: {a: 1}, condition: s}\n---\naction: repeat\n",
		"title: x\ncorrelation:\n  type: temporal\n  rules: [a, b]\n  timespan: 5m\n  condition: a and b\n",
		"title: x\nlogsource: {product: z}\nfilter: {rules: any, s: {a: 1}, condition: not s}\n",
		"a: &a [*a]\n<<: *a\n", "? [x]\n: y\n", "{}\n---\n- - -\n", "title: !!binary x\nlogsource: {? a}\n",
		"detection: {s: {'a|windash|base64offset': '-x'}, condition: s, t: {'a|re|i': 'x{2,}+'}}\nlogsource: {service: x}\ntitle: t\n",
	} {
		f.Add([]byte(s))
	}
	f.Fuzz(func(t *testing.T, text []byte) {
		if len(text) > 4096 {
			return
		}
		rules, _, filters, failed := Parse("f.yml", text)
		for _, x := range failed {
			if x.Reason == "" || x.Line < 1 || x.File != "f.yml" {
				t.Errorf("a failure without its place or reason: %+v", x)
			}
		}
		for _, r := range rules {
			for i, filter := range filters {
				if err := filter.join(r, i+1); err != nil {
					continue
				}
			}
			_ = expandRule(r, map[string][]string{"p": {"v", "w"}})
			if e, err := r.Clone().Resolve(); err == nil {
				wellFormed(t, e)
			}
		}
	})
}
