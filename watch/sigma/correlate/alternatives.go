package correlate

import (
	"fmt"
	"math/bits"
	"slices"

	"borj.dev/borj/watch/sigma"
)

// Bounds of an extended condition: how many alternatives it comes to, and how
// many steps finding them may take.
const (
	maxTerms = 1024
	maxSteps = 1 << 22
)

// term is one way in which an extended condition holds: every rule of present
// is seen, and none of absent. Bits are indexes in correlation.rules.
type term struct{ present, absent uint64 }

// alternatives brings an extended condition into disjunctive form, without
// terms that another includes. index gives the place of a rule's name.
func alternatives(e sigma.Expr, index func(name string) (int, error)) ([]term, error) {
	a := alternator{index: index}
	terms, err := a.of(e, false)
	if err == nil && len(terms) == 0 {
		err = fmt.Errorf("the condition can never hold")
	}
	return terms, err
}

type alternator struct {
	index func(string) (int, error)
	steps int
}

// of returns the alternatives of e, or of its negation.
func (a *alternator) of(e sigma.Expr, negate bool) ([]term, error) {
	switch e := e.(type) {
	case *sigma.Match:
		i, err := a.index(e.Field)
		if err != nil {
			return nil, err
		}
		if negate {
			return []term{{absent: 1 << i}}, nil
		}
		return []term{{present: 1 << i}}, nil
	case sigma.Not:
		return a.of(e.Of, !negate)
	case sigma.And:
		return a.join(e, negate, !negate)
	case sigma.Or:
		return a.join(e, negate, negate)
	}
	return nil, fmt.Errorf("the condition has a part that is no rule name: %T", e)
}

// join joins the alternatives of parts. all says that they must all hold.
func (a *alternator) join(parts []sigma.Expr, negate, all bool) ([]term, error) {
	var terms []term
	if all {
		terms = []term{{}}
	}
	for _, p := range parts {
		next, err := a.of(p, negate)
		if err != nil {
			return nil, err
		}
		if all {
			next = product(terms, next, &a.steps)
		} else {
			next = append(terms, next...)
		}
		if terms, err = a.reduce(next); err != nil {
			return nil, err
		}
	}
	return terms, nil
}

// product returns x and y together, for each x and y. It stops when it has
// too many.
func product(xs, ys []term, steps *int) []term {
	seen := map[term]bool{}
	var out []term
	for _, x := range xs {
		for _, y := range ys {
			*steps++
			z := term{x.present | y.present, x.absent | y.absent}
			if z.present&z.absent != 0 || seen[z] {
				continue
			}
			seen[z] = true
			if out = append(out, z); len(out) > 4*maxTerms {
				return out
			}
		}
	}
	return out
}

// reduce drops the terms that a weaker one includes.
func (a *alternator) reduce(terms []term) ([]term, error) {
	weight := func(t term) int { return bits.OnesCount64(t.present) + bits.OnesCount64(t.absent) }
	slices.SortStableFunc(terms, func(x, y term) int { return weight(x) - weight(y) })
	out := terms[:0]
	for _, t := range terms {
		a.steps += len(out)
		includes := func(o term) bool { return o.present&^t.present == 0 && o.absent&^t.absent == 0 }
		if !slices.ContainsFunc(out, includes) {
			out = append(out, t)
		}
		if len(out) > maxTerms || a.steps > maxSteps {
			return nil, fmt.Errorf("the condition comes to more than %d alternatives: split the correlation", maxTerms)
		}
	}
	return out, nil
}
