package sigma

import (
	"math"
	"strconv"
)

// Key returns the comparison's identity: two comparisons that can never
// differ in what they say of a record, because all of their parts are equal,
// have equal keys. It is for deduplication, not for people.
func (m *Match) Key() string {
	b := make([]byte, 0, 32+len(m.Field)+len(m.Text))
	b = append(b, byte('A'+m.Op), byte('a'+m.Part), byte('A'+m.RefOp))
	b = append(b, map[bool]byte{false: 'f', true: 'c'}[m.Cased])
	b = strconv.AppendQuote(b, m.Field)
	b = strconv.AppendQuote(b, m.Text)
	for _, p := range m.Glob {
		b = append(b, "l*?"[p.Kind])
		b = strconv.AppendQuote(b, p.Text)
	}
	if m.Regexp != nil {
		b = strconv.AppendQuote(b, m.Regexp.String())
	}
	if m.Prefix.IsValid() {
		b = m.Prefix.AppendTo(b)
	}
	return string(strconv.AppendUint(b, math.Float64bits(m.Number), 36))
}

// ExprKey returns the identity of a whole expression: equal expressions have
// equal keys. That of no expression is "".
func ExprKey(e Expr) string {
	list := func(name string, es []Expr) string {
		for _, e := range es {
			name += " " + ExprKey(e)
		}
		return "(" + name + ")"
	}
	switch e := e.(type) {
	case And:
		return list("and", e)
	case Or:
		return list("or", e)
	case Not:
		return list("not", []Expr{e.Of})
	case *Match:
		return "[" + e.Key() + "]"
	}
	return ""
}
