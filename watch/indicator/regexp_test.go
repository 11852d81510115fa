package indicator

import (
	"regexp/syntax"
	"strings"
	"testing"
	"time"

	"borj.dev/borj/watch/observable"
)

func TestCostlyExpressionsAreRefusedUnbuilt(t *testing.T) {
	for _, c := range []struct {
		name  string
		match Match
		value string
		err   string
	}{
		{"plain", Regexp, `^a[0-9]+\.example$`, ""},
		{"long", Regexp, strings.Repeat("a", 4000), ""},
		{"repeated", Regexp, "x{1000}x{1000}x{1000}x{1000}x{1000}x{1000}", "too costly"},
		{"many repeated", Regexp, strings.Repeat("x{1000}", 1000), "too costly"},
		{"nested", Regexp, "((x{30}){10}y{9}){1,3}", ""},
		{"nested repeated group", Regexp, "((abcdefghij){30}){30}", "too costly"},
		{"large classes", Regexp, strings.Repeat(`\pL`, 2000), "too costly"},
		{"longer than the limit", Regexp, strings.Repeat("a|", maxRegexpBytes), "are the limit"},
		{"not Go's", Regexp, "(?=a)", "syntax"},
		{"LIKE", Like, strings.Repeat("a_%", 100), ""},
		{"long LIKE", Like, strings.Repeat("a_", maxRegexpCost), "are the limit"},
	} {
		start := time.Now()
		in := term(observable.URL, c.match, c.value)
		err := NewBuilder(nil).Add(&in)
		if c.err == "" && err != nil || c.err != "" && (err == nil || !strings.Contains(err.Error(), c.err)) {
			t.Errorf("%s: got %v, want %q", c.name, err, c.err)
		}
		if took := time.Since(start); took > time.Second {
			t.Errorf("%s: took %s", c.name, took)
		}
	}
}

func TestCostIsNearTheProgram(t *testing.T) {
	for _, text := range []string{"", "abc", "a*b+c?", "(a|b|cd)e", "[a-z]{3,40}x", "((ab){2,}c){5}", `(?i)^evil\d+\.exe$`, `\pL+`} {
		tree, err := syntax.Parse(text, syntax.Perl)
		if err != nil {
			t.Fatal(err)
		}
		estimate := cost(tree)
		prog, err := syntax.Compile(tree.Simplify())
		if err != nil {
			t.Fatal(err)
		}
		if n := len(prog.Inst); 2*estimate+8 < n {
			t.Errorf("%q: estimated %d, compiled to %d", text, estimate, n)
		}
	}
}

func TestPatternsOfASetHaveOneBudget(t *testing.T) {
	b := NewBuilder(nil)
	in := term(observable.URL, Regexp, "x{1000}x{1000}x{1000}x{1000}")
	refused := 0
	for range 200 {
		if err := b.Add(&in); err != nil {
			if !strings.Contains(err.Error(), "costly together") {
				t.Fatal(err)
			}
			refused++
		}
	}
	if refused < 70 || refused == 200 {
		t.Errorf("refused %d of 200", refused)
	}
}
