package sigma

import (
	"regexp"
	"strings"
	"testing"

	"pgregory.net/rapid"
)

// What Go writes another way than PCRE means the same here.
func TestRegexpsOfPCRE(t *testing.T) {
	tests := []struct {
		expression string
		yes, no    []string
	}{
		{`\"\'\/\-\_\ \<\%\é`, []string{`"'/-_ <%é`}, []string{`x`}},
		{`^[\w-.]+$`, []string{"a-b.c", "_"}, []string{"a b", "a/b"}},
		{`^[a-\d]+$`, []string{"a-1"}, []string{"b"}},
		{`^[\d\-\s]+$`, []string{"1 -"}, []string{"a"}},
		{`^[]a]+$`, []string{"]a"}, []string{"b"}},
		{`^[^]a]+$`, []string{"b"}, []string{"]"}},
		{`^[[]+$`, []string{"[["}, []string{"]"}},
		{`^[[:digit:]x]+$`, []string{"1x"}, []string{":"}},
		{`^[\e\h]+$`, []string{"\x1b \t\u3000"}, []string{"h"}},
		{`^[\v-x]+$`, []string{"\n-x"}, []string{"v"}},
		{`^[\u0041-\u0043\é]+$`, []string{"ABCé"}, []string{"u"}},
		{`^[\p{Lu}-]+$`, []string{"É-"}, []string{"é"}},
		{`^[\b]$`, []string{"\x08"}, []string{"b"}},
		{`^\e\h\v$`, []string{"\x1b\t\n", "\x1b\u00a0\u2028"}, []string{"\x1bxx"}},
		{`^a\Rb$`, []string{"a\r\nb", "a\nb"}, []string{"a\r\n\nb"}},
		{`^\u0041\x42\x{43}$`, []string{"ABC"}, []string{"abc"}},
		{`^\p{Lu}\pL$`, []string{"Éa"}, []string{"éa"}},
		{`^\Qa.b\E.$`, []string{"a.bc"}, []string{"axbc"}},
		{`a{,2}`, []string{"a{,2}"}, []string{"aa"}},
		{`{x}`, []string{"{x}"}, []string{"x"}},
		{`\$\{x\}`, []string{"${x}"}, []string{"x"}},
		{`^a{2}$`, []string{"aa"}, []string{"a"}},
		{`^a{1,2}?b$`, []string{"ab"}, []string{"b"}},
		{`^(?i)ab(?-i)c$`, []string{"ABc"}, []string{"ABC"}},
		{`^(?:a)(?<n>b)(?P<m>c)$`, []string{"abc"}, []string{"ab"}},
		{`a(?# a comment )b`, []string{"ab"}, []string{"a b"}},
		{`(?i)a|b`, []string{"A", "B"}, []string{"c"}},
		{``, []string{"", "x"}, nil},
	}
	for _, tt := range tests {
		t.Run(tt.expression, func(t *testing.T) {
			re, cost, err := compileRegexp(tt.expression, "")
			if err != nil {
				t.Fatal(err)
			}
			if cost < 1 {
				t.Errorf("the cost is %d", cost)
			}
			for _, s := range tt.yes {
				if !re.MatchString(s) {
					t.Errorf("%q does not match (%s)", s, re)
				}
			}
			for _, s := range tt.no {
				if re.MatchString(s) {
					t.Errorf("%q matches (%s)", s, re)
				}
			}
		})
	}
}

// An expression that Go reads is not given another meaning.
func TestTranslationKeepsWhatGoKnows(t *testing.T) {
	signs := rapid.StringOfN(rapid.RuneFrom([]rune(`ab01-.*+?|()[]{},^$\dws`)), 0, 10, -1)
	values := rapid.StringOfN(rapid.RuneFrom([]rune(`ab01-.*{,}[](`)), 0, 8, -1)
	rapid.Check(t, func(t *rapid.T) {
		expression := signs.Draw(t, "expression")
		want, err := regexp.Compile(expression)
		if err != nil || strings.Contains(expression, `\1`) { // \10 is octal, or a back reference
			return
		}
		got, _, err := compileRegexp(expression, "")
		if err != nil {
			t.Fatalf("Go reads %q, and we do not: %v", expression, err)
		}
		for range 5 {
			if s := values.Draw(t, "value"); got.MatchString(s) != want.MatchString(s) {
				t.Fatalf("%q became %q, which differs for %q", expression, got, s)
			}
		}
	})
}
