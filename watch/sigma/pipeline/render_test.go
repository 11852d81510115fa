package pipeline

import (
	"fmt"
	"strings"

	"borj.dev/borj/watch/sigma"
)

var opNames = map[sigma.Op]string{
	sigma.OpEquals: "=", sigma.OpContains: " contains ", sigma.OpStartsWith: " startswith ", sigma.OpEndsWith: " endswith ",
	sigma.OpGlob: " like ", sigma.OpRegexp: " matches ", sigma.OpCIDR: " in ", sigma.OpLess: "<", sigma.OpLessEqual: "<=",
	sigma.OpGreater: ">", sigma.OpGreaterEqual: ">=", sigma.OpExists: " exists", sigma.OpNull: " null", sigma.OpFieldRef: " equals field ",
}

// render writes an expression for people: what a test expects.
func render(e sigma.Expr) string {
	list := func(parts []sigma.Expr, word, none string) string {
		if len(parts) == 0 {
			return none
		}
		var out []string
		for _, p := range parts {
			out = append(out, render(p))
		}
		return "(" + strings.Join(out, " "+word+" ") + ")"
	}
	switch e := e.(type) {
	case nil:
		return "every record"
	case sigma.And:
		return list(e, "and", "true")
	case sigma.Or:
		return list(e, "or", "false")
	case sigma.Not:
		return "not " + render(e.Of)
	case *sigma.Match:
		field := e.Field
		if field == "" {
			field = "any"
		}
		s := field + opNames[e.Op]
		switch e.Op {
		case sigma.OpExists, sigma.OpNull:
		case sigma.OpGlob:
			for _, p := range e.Glob {
				s += [...]string{p.Text, "*", "?"}[p.Kind]
			}
		case sigma.OpRegexp:
			s += e.Regexp.String()
		case sigma.OpCIDR:
			s += e.Prefix.String()
		case sigma.OpLess, sigma.OpLessEqual, sigma.OpGreater, sigma.OpGreaterEqual:
			s += fmt.Sprint(e.Number)
		default:
			s += e.Text
		}
		if e.Cased {
			s += " cased"
		}
		return s
	}
	return fmt.Sprintf("%T", e)
}
