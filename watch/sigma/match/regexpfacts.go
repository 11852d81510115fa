package match

import (
	"bytes"
	"cmp"
	"regexp/syntax"
	"slices"
	"strings"
	"unicode/utf8"

	"borj.dev/borj/watch/sigma"
)

const (
	maxGate   = 64 // alternatives of one group
	maxGroups = 8
)

// regexpFacts is what must be true of every value that an expression matches.
type regexpFacts struct {
	minLen int        // bytes
	groups [][]string // of each group one text stands in the value, folded
	// loose: where case is ignored, k and s also stand for the Kelvin sign and
	// the long s, which Fold leaves as they are. The groups then say nothing of
	// values that hold more than ASCII.
	loose bool
	run   *classRun // stands in the value, if set
}

// readRegexp works the facts out.
func readRegexp(expr string) regexpFacts {
	re, err := syntax.Parse(expr, syntax.Perl)
	if err != nil {
		return regexpFacts{}
	}
	run := longestRun(re) // before repetitions are written out
	re = re.Simplify()
	g := regexpFacts{minLen: minLength(re), run: run}
	g.required(re)
	slices.SortStableFunc(g.groups, func(a, b []string) int { return cmp.Compare(groupChance(a), groupChance(b)) })
	if len(g.groups) > maxGroups {
		g.groups = g.groups[:maxGroups]
	}
	return g
}

// add keeps a group if it tells anything.
func (g *regexpFacts) add(texts []string) {
	if len(texts) == 0 || len(texts) > maxGate {
		return
	}
	for _, t := range texts {
		if t == "" || len(t) == 1 && strings.ContainsAny(t, `abcdefghijklmnopqrstuvwxyz0123456789 .\/:"-_`) {
			return
		}
	}
	g.groups = append(g.groups, texts)
}

// required adds the groups of re.
func (g *regexpFacts) required(re *syntax.Regexp) {
	switch re.Op {
	case syntax.OpLiteral, syntax.OpCharClass, syntax.OpConcat:
		g.concat([]*syntax.Regexp{re})
	case syntax.OpCapture, syntax.OpPlus:
		g.required(re.Sub[0])
	case syntax.OpRepeat:
		if re.Min > 0 {
			g.required(re.Sub[0])
		}
	case syntax.OpAlternate:
		g.alternate(re.Sub)
	}
}

// alternate joins the best group of each alternative.
func (g *regexpFacts) alternate(subs []*syntax.Regexp) {
	var all []string
	for _, sub := range subs {
		var one regexpFacts
		one.required(sub)
		g.loose = g.loose || one.loose
		if len(one.groups) == 0 {
			return
		}
		all = append(all, slices.MinFunc(one.groups, func(a, b []string) int { return cmp.Compare(groupChance(a), groupChance(b)) })...)
	}
	g.add(all)
}

// concat adds the groups of parts that follow each other. Neighbours that match
// a few texts exactly are joined: (a|b)cde requires acde or bcde.
func (g *regexpFacts) concat(subs []*syntax.Regexp) {
	if len(subs) == 1 && subs[0].Op == syntax.OpConcat {
		subs = subs[0].Sub
	}
	run := []string{""}
	flush := func() {
		g.add(run)
		run = []string{""}
	}
	for _, sub := range subs {
		exact := g.exact(sub)
		if exact == nil {
			flush()
			if sub.Op != syntax.OpLiteral && sub.Op != syntax.OpCharClass {
				g.required(sub)
			}
			continue
		}
		if len(exact)*len(run) > 16 {
			flush()
			run = exact
			continue
		}
		var next []string
		for _, a := range run {
			for _, b := range exact {
				next = append(next, a+b)
			}
		}
		run = next
	}
	flush()
}

// exact returns the folded texts that are all that re can match, or nil.
func (g *regexpFacts) exact(re *syntax.Regexp) []string {
	foldCase := re.Flags&syntax.FoldCase != 0
	switch re.Op {
	case syntax.OpLiteral:
		for _, r := range re.Rune {
			if r >= utf8.RuneSelf {
				return nil
			}
			g.loose = g.loose || foldCase && (r|0x20 == 'k' || r|0x20 == 's')
		}
		return []string{fold(string(re.Rune))}
	case syntax.OpCapture:
		return g.exact(re.Sub[0])
	case syntax.OpEmptyMatch, syntax.OpBeginLine, syntax.OpEndLine, syntax.OpBeginText, syntax.OpEndText, syntax.OpWordBoundary, syntax.OpNoWordBoundary:
		return []string{""}
	case syntax.OpCharClass:
		return g.exactClass(re.Rune)
	case syntax.OpAlternate:
		var out []string
		for _, sub := range re.Sub {
			texts := g.exact(sub)
			if texts == nil {
				return nil
			}
			out = append(out, texts...)
		}
		return out
	}
	return nil
}

func (g *regexpFacts) exactClass(ranges []rune) []string {
	var out []string
	for i := 0; i < len(ranges); i += 2 {
		for r := ranges[i]; r <= ranges[i+1]; r++ {
			if r == 0x212A || r == 0x17F { // of [kK] and [sS] where case is ignored
				g.loose = true
				continue
			}
			if r >= utf8.RuneSelf || len(out) == 8 {
				return nil
			}
			if t := fold(string(r)); !slices.Contains(out, t) {
				out = append(out, t)
			}
		}
	}
	return out
}

// longLine returns n for the expression .{n,}, and 0 for any other.
func longLine(expr string) int {
	re, err := syntax.Parse(expr, syntax.Perl)
	if err != nil || re.Op != syntax.OpRepeat || re.Max >= 0 || re.Sub[0].Op != syntax.OpAnyCharNotNL {
		return 0
	}
	return re.Min
}

// hasLongLine tells whether a line of text has at least n characters.
func hasLongLine(text []byte, n int) bool {
	for len(text) >= n {
		line, rest, _ := bytes.Cut(text, []byte{'\n'})
		if len(line) >= n && utf8.RuneCount(line) >= n {
			return true
		}
		text = rest
	}
	return false
}

// minLength returns the least number of bytes that re matches.
func minLength(re *syntax.Regexp) int {
	n := 0
	switch re.Op {
	case syntax.OpLiteral:
		n = len(re.Rune)
	case syntax.OpCharClass, syntax.OpAnyChar, syntax.OpAnyCharNotNL:
		n = 1
	case syntax.OpCapture, syntax.OpPlus:
		n = minLength(re.Sub[0])
	case syntax.OpRepeat:
		n = re.Min * minLength(re.Sub[0])
	case syntax.OpConcat:
		for _, sub := range re.Sub {
			n += minLength(sub)
		}
	case syntax.OpAlternate:
		n = minLength(re.Sub[0])
		for _, sub := range re.Sub[1:] {
			n = min(n, minLength(sub))
		}
	}
	return n
}

func groupChance(group []string) (sum float64) {
	for _, g := range group {
		sum += chance(&sigma.Match{Op: sigma.OpContains, Text: g})
	}
	return sum
}
