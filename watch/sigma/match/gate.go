package match

import (
	"regexp/syntax"
	"strings"
	"unicode/utf8"

	"borj.dev/borj/watch/sigma"
)

// gates gives each predicate that is dear to evaluate the literals of which
// one stands in every value that it holds for.
func (c *compiler) gates() error {
	for i := 0; i < len(c.m.preds); i++ {
		p := &c.m.preds[i]
		var gate []*sigma.Match
		switch {
		case p.indexed || p.Part != sigma.WholeValue:
		case p.Op == sigma.OpGlob:
			gate = globGate(p.Match)
		case p.Op == sigma.OpRegexp:
			for _, text := range regexpGate(p.Regexp.String()) {
				gate = append(gate, &sigma.Match{Op: sigma.OpContains, Text: text})
			}
		case p.Cased && p.Op <= sigma.OpEndsWith && (p.Op != sigma.OpContains || len(p.Text) >= gramSize) && p.Text != "" && utf8.ValidString(p.Text):
			gate = []*sigma.Match{{Op: p.Op, Text: fold(p.Text)}}
		}
		for _, g := range gate {
			g.Field = c.m.preds[i].Field
			n, err := c.pred(g) // may move preds
			if err != nil {
				return err
			}
			c.m.preds[i].gate = append(c.m.preds[i].gate, n)
		}
	}
	return nil
}

func fold(s string) string { return string(sigma.Fold(nil, []byte(s))) }

// globGate returns the literal part of a wildcard pattern that is met least.
func globGate(m *sigma.Match) []*sigma.Match {
	var best *sigma.Match
	for i, part := range m.Glob {
		if part.Kind != sigma.Literal || part.Text == "" || m.Cased && !utf8.ValidString(part.Text) {
			continue
		}
		g := &sigma.Match{Op: sigma.OpContains, Text: part.Text}
		switch {
		case i == 0:
			g.Op = sigma.OpStartsWith
		case i == len(m.Glob)-1:
			g.Op = sigma.OpEndsWith
		case len(part.Text) < gramSize:
			continue
		}
		if m.Cased {
			g.Text = fold(g.Text)
		}
		if best == nil || chance(g) < chance(best) {
			best = g
		}
	}
	if best == nil {
		return nil
	}
	return []*sigma.Match{best}
}

// maxGate bounds how many alternatives a gate may have before it is cheaper
// to run the expression.
const maxGate = 64

// regexpGate returns folded texts of which at least one stands in every value
// that the expression matches, or nil where there are none to be had.
func regexpGate(expr string) []string {
	re, err := syntax.Parse(expr, syntax.Perl)
	if err != nil {
		return nil
	}
	gate := required(re.Simplify())
	if len(gate) > maxGate {
		return nil
	}
	return gate
}

func required(re *syntax.Regexp) []string {
	switch re.Op {
	case syntax.OpLiteral:
		if s := longestSafe(re.Rune, re.Flags&syntax.FoldCase != 0); len(s) >= gramSize {
			return []string{s}
		}
	case syntax.OpCapture, syntax.OpPlus:
		return required(re.Sub[0])
	case syntax.OpRepeat:
		if re.Min > 0 {
			return required(re.Sub[0])
		}
	case syntax.OpConcat:
		return requiredOfConcat(re.Sub)
	case syntax.OpAlternate:
		var all []string
		for _, sub := range re.Sub {
			gate := required(sub)
			if gate == nil {
				return nil
			}
			all = append(all, gate...)
		}
		return all
	}
	return nil
}

// requiredOfConcat picks the part that is met least. Neighbouring small
// alternatives of literals are joined first: (a|b)cde requires acde or bcde.
func requiredOfConcat(subs []*syntax.Regexp) []string {
	var best []string
	consider := func(gate []string) {
		if gate != nil && (best == nil || gateChance(gate) < gateChance(best)) {
			best = gate
		}
	}
	run := []string{""}
	flush := func() {
		if shortest(run) >= gramSize {
			consider(run)
		}
		run = []string{""}
	}
	for _, sub := range subs {
		exact := exactTexts(sub)
		if exact == nil || len(exact)*len(run) > 16 {
			flush()
			consider(required(sub))
			if exact != nil {
				run = exact
			}
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
	return best
}

// exactTexts returns the folded texts that are all that re can match, or nil.
func exactTexts(re *syntax.Regexp) []string {
	foldCase := re.Flags&syntax.FoldCase != 0
	switch re.Op {
	case syntax.OpLiteral:
		if s := longestSafe(re.Rune, foldCase); len(s) == len(string(re.Rune)) {
			return []string{s}
		}
	case syntax.OpCapture:
		return exactTexts(re.Sub[0])
	case syntax.OpCharClass:
		var out []string
		for i := 0; i < len(re.Rune); i += 2 {
			for r := re.Rune[i]; r <= re.Rune[i+1]; r++ {
				if r >= 0x80 || len(out) == 8 {
					return nil
				}
				if t := fold(string(r)); !contains(out, t) {
					out = append(out, t)
				}
			}
		}
		return out
	case syntax.OpAlternate:
		var out []string
		for _, sub := range re.Sub {
			texts := exactTexts(sub)
			if texts == nil {
				return nil
			}
			out = append(out, texts...)
		}
		return out
	}
	return nil
}

func contains(list []string, s string) bool {
	for _, t := range list {
		if t == s {
			return true
		}
	}
	return false
}

// longestSafe returns the longest run of ASCII in runes, folded. Where case is
// ignored, k and s also stand for the Kelvin sign and the long s, which Fold
// leaves as they are, so runs end there.
func longestSafe(runes []rune, foldCase bool) string {
	var best, run strings.Builder
	keep := func() {
		if run.Len() > best.Len() {
			best.Reset()
			best.WriteString(run.String())
		}
		run.Reset()
	}
	for _, r := range runes {
		if r >= 0x80 || foldCase && (r|0x20 == 'k' || r|0x20 == 's') {
			keep()
			continue
		}
		run.WriteByte(lowerByte[byte(r)])
	}
	keep()
	return best.String()
}

func shortest(texts []string) int {
	n := len(texts[0])
	for _, t := range texts {
		n = min(n, len(t))
	}
	return n
}

func gateChance(gate []string) (sum float64) {
	for _, g := range gate {
		sum += chance(&sigma.Match{Op: sigma.OpContains, Text: g})
	}
	return sum
}
