package indicator

import (
	"errors"
	"fmt"
	"regexp"
	"regexp/syntax"
)

// Bounds of expressions. Matching takes a step for each instruction and each
// byte at worst, so their number bounds time and memory.
const (
	maxRegexpBytes  = 8 << 10
	maxRegexpCost   = 5000    // of one LIKE or MATCHES
	maxPatternsCost = 500_000 // of all in a set
)

// CheckRegexp says why a Regexp term cannot have the given value: it is no
// regular expression of Go, or too costly. Nothing is compiled.
func CheckRegexp(text string) error {
	_, err := regexpCost(text)
	return err
}

// regexpCost returns about how many instructions text compiles to.
func regexpCost(text string) (int, error) {
	if len(text) > maxRegexpBytes {
		return 0, fmt.Errorf("the regular expression is %d bytes long, and %d are the limit", len(text), maxRegexpBytes)
	}
	tree, err := syntax.Parse(text, syntax.Perl)
	if err != nil {
		var bad *syntax.Error
		if errors.As(err, &bad) {
			return 0, fmt.Errorf("the regular expression is not in the syntax that is read here: %s: %.80q", bad.Code, bad.Expr)
		}
		return 0, fmt.Errorf("the regular expression is not in the syntax that is read here: %w", err)
	}
	n := cost(tree)
	if n > maxRegexpCost {
		return 0, fmt.Errorf("the regular expression is too costly: it takes more than %d steps for each byte; make its repetitions smaller", maxRegexpCost)
	}
	return n, nil
}

// cost estimates the instructions of a tree before its repetitions are written
// out. Nothing beyond the bound is told apart, so that no product overflows.
func cost(re *syntax.Regexp) int {
	n := 1
	switch re.Op {
	case syntax.OpLiteral:
		n = len(re.Rune)
	case syntax.OpCharClass:
		n += len(re.Rune) / 32 // long classes take time and memory too
	case syntax.OpAlternate, syntax.OpCapture:
		n = 2 + len(re.Sub)
	case syntax.OpConcat, syntax.OpRepeat:
		n = 0
	}
	for _, sub := range re.Sub {
		n = min(n+cost(sub), maxRegexpCost+1)
	}
	if re.Op == syntax.OpRepeat {
		n = n*max(re.Min, re.Max, 1) + max(re.Max-re.Min, 1)
	}
	return min(n, maxRegexpCost+1)
}

// compileRegexp compiles an expression that is not too costly.
func compileRegexp(text string) (*regexp.Regexp, int, error) {
	n, err := regexpCost(text)
	if err != nil {
		return nil, 0, err
	}
	re, err := regexp.Compile(text)
	return re, n, err
}
