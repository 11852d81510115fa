package pattern

import "fmt"

// maxTogether bounds the tests that must hold together in one alternative.
const maxTogether = 64

// Alternatives rewrites a pattern that one record alone can fulfil as a list of
// alternatives: the pattern holds when all tests of any one of them hold. Every
// test it returns is positive and has one value; IN has become Equal.
//
// Only comparisons joined by AND and OR inside single observations, and such
// observations joined by OR, can be rewritten. For all else the error says what
// stands in the way, and so it does when there would be more than limit tests
// in all, or more than 64 that must hold together.
func Alternatives(o Observation, limit int) ([][]Test, error) {
	e := &expansion{room: limit, limit: limit}
	switch x := o.(type) {
	case *Single:
		return e.comparison(x.Expr)
	case *Join:
		if x.Op == Or {
			var all [][]Test
			for _, of := range x.Of {
				some, err := Alternatives(of, e.room)
				if err != nil {
					return nil, err
				}
				if all, err = e.add(all, some); err != nil {
					return nil, err
				}
			}
			return all, nil
		}
		return nil, fmt.Errorf("%s between observations needs more than one record", x.Op)
	case *Qualified:
		return nil, fmt.Errorf("the qualifier %s needs more than one record", x.By[0])
	}
	return nil, fmt.Errorf("unknown observation expression %T", o)
}

type expansion struct{ room, limit int }

// add appends alternatives, and pays for their tests.
func (e *expansion) add(all, some [][]Test) ([][]Test, error) {
	for _, tests := range some {
		if e.room -= len(tests); e.room < 0 {
			return nil, fmt.Errorf("written as alternatives it has more than %d tests", e.limit)
		}
		all = append(all, tests)
	}
	return all, nil
}

func (e *expansion) comparison(c Comparison) ([][]Test, error) {
	switch x := c.(type) {
	case *Test:
		return positive(x)
	case *Logic:
		if x.Op == Or {
			var all [][]Test
			for _, of := range x.Of {
				some, err := (&expansion{e.room, e.limit}).comparison(of)
				if err != nil {
					return nil, err
				}
				if all, err = e.add(all, some); err != nil {
					return nil, err
				}
			}
			return all, nil
		}
		return e.product(x.Of)
	}
	return nil, fmt.Errorf("unknown comparison %T", c)
}

// product is AND: every alternative of one operand with every one of the next.
func (e *expansion) product(of []Comparison) ([][]Test, error) {
	all := [][]Test{nil}
	for _, c := range of {
		some, err := (&expansion{e.room, e.limit}).comparison(c)
		if err != nil {
			return nil, err
		}
		step := expansion{e.room, e.limit}
		var next [][]Test
		for _, left := range all {
			for _, right := range some {
				if len(left)+len(right) > maxTogether {
					return nil, fmt.Errorf("more than %d tests are joined by AND", maxTogether)
				}
				both := make([]Test, 0, len(left)+len(right))
				both = append(append(both, left...), right...)
				if next, err = step.add(next, [][]Test{both}); err != nil {
					return nil, err
				}
			}
		}
		all = next
	}
	return all, nil
}

func positive(t *Test) ([][]Test, error) {
	switch {
	case t.Not:
		return nil, fmt.Errorf("%s NOT %s asks for what is absent", t.Path, t.Op)
	case t.Op == Equal || t.Op == Like || t.Op == Matches || t.Op == IsSubset:
		return [][]Test{{*t}}, nil
	case t.Op == In:
		if len(t.Values) == 0 {
			return nil, fmt.Errorf("%s IN () never holds", t.Path)
		}
		all := make([][]Test, len(t.Values))
		for i := range t.Values {
			all[i] = []Test{{Path: t.Path, Op: Equal, Values: t.Values[i : i+1]}}
		}
		return all, nil
	}
	return nil, fmt.Errorf("%s %s cannot be looked up in a record", t.Path, t.Op)
}
