package match

import (
	"regexp/syntax"
	"unicode/utf8"
)

// classRun is a number of neighbouring bytes of a set, such as sixty-four
// hexadecimal digits, that every value must hold for an expression to match.
type classRun struct {
	set [256]bool
	n   int
}

// minRun is the shortest run that tells enough to be looked for.
const minRun = 8

// longestRun returns the longest run that re requires, or nil.
func longestRun(re *syntax.Regexp) *classRun {
	switch re.Op {
	case syntax.OpCapture, syntax.OpPlus:
		return longestRun(re.Sub[0])
	case syntax.OpConcat:
		var best *classRun
		for _, sub := range re.Sub {
			if r := longestRun(sub); r != nil && (best == nil || r.n > best.n) {
				best = r
			}
		}
		return best
	case syntax.OpRepeat:
		if class := re.Sub[0]; re.Min >= minRun && class.Op == syntax.OpCharClass {
			r := &classRun{n: re.Min}
			for i := 0; i < len(class.Rune); i += 2 {
				if class.Rune[i+1] >= utf8.RuneSelf {
					return nil
				}
				for c := class.Rune[i]; c <= class.Rune[i+1]; c++ {
					r.set[c] = true
				}
			}
			return r
		}
	}
	return nil
}

// in tells whether text holds the run. It looks first where a run that begins
// here would end.
func (r *classRun) in(text []byte) bool {
	for start := 0; start+r.n <= len(text); {
		i := start + r.n - 1
		for i >= start && r.set[text[i]] {
			i--
		}
		if i < start {
			return true
		}
		start = i + 1
	}
	return false
}
