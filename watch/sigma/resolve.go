package sigma

import (
	"fmt"
	"maps"
	"slices"
)

// lineError is an error that knows its line.
type lineError struct {
	line int
	err  error
}

func (e *lineError) Error() string { return e.err.Error() }
func (e *lineError) Unwrap() error { return e.err }

// Clone returns a copy that shares nothing with r that Resolve or a pipeline
// changes.
func (r *Rule) Clone() *Rule {
	c := *r
	c.Tags = slices.Clone(r.Tags)
	c.References = slices.Clone(r.References)
	c.FalsePositives = slices.Clone(r.FalsePositives)
	c.Fields = slices.Clone(r.Fields)
	c.Custom = maps.Clone(r.Custom)
	c.Detection.Conditions = slices.Clone(r.Detection.Conditions)
	c.Detection.Selections = slices.Clone(r.Detection.Selections)
	for i := range c.Detection.Selections {
		s := &c.Detection.Selections[i]
		s.Node = cloneNode(s.Node)
	}
	return &c
}

func cloneNode(n Node) Node {
	switch n := n.(type) {
	case AllOf:
		c := make(AllOf, len(n))
		for i := range n {
			c[i] = cloneNode(n[i])
		}
		return c
	case AnyOf:
		c := make(AnyOf, len(n))
		for i := range n {
			c[i] = cloneNode(n[i])
		}
		return c
	case *Item:
		c := *n
		c.Modifiers = slices.Clone(n.Modifiers)
		c.Values = slices.Clone(n.Values)
		return &c
	}
	return n
}

// Resolve turns the rule into the expression that says when it holds: it
// applies modifiers, wildcards and conditions, and simplifies. A rule that
// cannot be used gives an error that says why. The rule is not changed.
func (r *Rule) Resolve() (Expr, error) {
	d := &r.Detection
	names := make([]string, 0, len(d.Selections))
	nodes := make(map[string]*Selection, len(d.Selections))
	for i := range d.Selections {
		s := &d.Selections[i]
		names = append(names, s.Name)
		nodes[s.Name] = s
	}
	done := map[string]Expr{}
	named := func(name string) (Expr, error) {
		if e, ok := done[name]; ok {
			return e, nil
		}
		s, ok := nodes[name]
		if !ok {
			return nil, fmt.Errorf("the condition names %q, and no selection is called so; there are %s", name, listNames(names))
		}
		e, err := resolveNode(s.Node)
		if err != nil {
			return nil, err
		}
		done[name] = e
		return e, nil
	}
	if len(d.Conditions) == 0 {
		return nil, fmt.Errorf("the detection has no condition")
	}
	var any Or
	for _, c := range d.Conditions {
		e, err := parseCondition(c, names, named)
		if err != nil {
			return nil, &lineError{d.Line, err}
		}
		any = append(any, e)
	}
	// Selections that no condition names are checked like the others: a rule
	// that cannot be read is a rule that cannot be trusted.
	for _, name := range names {
		if _, err := named(name); err != nil {
			return nil, err
		}
	}
	e := simplify(any)
	if comparisons(e, maxComparisons) > maxComparisons {
		return nil, &lineError{d.Line, fmt.Errorf("the rule makes more than %d comparisons", maxComparisons)}
	}
	return e, nil
}

func listNames(names []string) string {
	if len(names) == 0 {
		return "none"
	}
	s := ""
	for i, n := range names {
		if i == 12 {
			return s + " …"
		}
		if i > 0 {
			s += ", "
		}
		s += n
	}
	return s
}

func resolveNode(n Node) (Expr, error) {
	switch n := n.(type) {
	case AllOf:
		var and And
		for _, part := range n {
			e, err := resolveNode(part)
			if err != nil {
				return nil, err
			}
			and = append(and, e)
		}
		return simplify(and), nil
	case AnyOf:
		var or Or
		for _, part := range n {
			e, err := resolveNode(part)
			if err != nil {
				return nil, err
			}
			or = append(or, e)
		}
		return simplify(or), nil
	case *Item:
		return n.resolve()
	}
	return nil, fmt.Errorf("a selection is empty")
}
