package match

import (
	"unicode/utf8"

	"borj.dev/borj/watch/sigma"
)

// gates gives each predicate that is dear to evaluate the texts that must stand
// in every value for which it holds.
func (c *compiler) gates() error {
	for i := 0; i < len(c.m.preds); i++ {
		p := &c.m.preds[i]
		var groups [][]*sigma.Match
		switch {
		case p.indexed || p.Part != sigma.WholeValue:
		case p.Op == sigma.OpGlob:
			groups = globGates(p.Match)
		case p.Op == sigma.OpRegexp:
			g := readRegexp(p.Regexp.String())
			p.minLen, p.loose, p.run = g.minLen, g.loose, g.run
			for _, texts := range g.groups {
				var group []*sigma.Match
				for _, text := range texts {
					group = append(group, &sigma.Match{Op: sigma.OpContains, Text: text})
				}
				groups = append(groups, group)
			}
		case p.Cased && p.Op <= sigma.OpEndsWith && p.Text != "" && utf8.ValidString(p.Text):
			groups = [][]*sigma.Match{{{Op: p.Op, Text: fold(p.Text)}}}
		}
		for _, group := range groups {
			var preds []uint32
			for _, g := range group {
				g.Field = c.m.preds[i].Field
				n, err := c.pred(g) // may move preds
				if err != nil {
					return err
				}
				preds = append(preds, n)
			}
			c.m.preds[i].gates = append(c.m.preds[i].gates, preds)
		}
	}
	return nil
}

func fold(s string) string { return string(sigma.Fold(nil, []byte(s))) }

// globGates returns the literal parts of a wildcard pattern: each must stand in
// the value.
func globGates(m *sigma.Match) (groups [][]*sigma.Match) {
	for i, part := range m.Glob {
		if part.Kind != sigma.Literal || part.Text == "" || m.Cased && !utf8.ValidString(part.Text) {
			continue
		}
		g := &sigma.Match{Op: sigma.OpContains, Text: part.Text}
		switch i {
		case 0:
			g.Op = sigma.OpStartsWith
		case len(m.Glob) - 1:
			g.Op = sigma.OpEndsWith
		}
		if m.Cased {
			g.Text = fold(g.Text)
		}
		groups = append(groups, []*sigma.Match{g})
	}
	return groups
}
