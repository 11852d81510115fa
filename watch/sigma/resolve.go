package sigma

import (
	"fmt"
	"maps"
	"slices"
	"strings"
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

// Bounds of what one rule may become, counted as its values are made.
const (
	maxComparisons  = 200_000
	maxValueBytes   = 32 << 20
	maxInstructions = 100_000 // of its regular expressions together
)

// resolver turns the selections of one rule into expressions, and counts what
// they cost.
type resolver struct {
	names        []string // of the selections, in the order written
	selections   map[string]*Selection
	done         map[string]Expr
	values       int
	bytes        int
	instructions int
}

// Resolve turns the rule into the expression that says when it holds: it
// applies modifiers, wildcards and conditions, and simplifies. A rule that
// cannot be used gives an error that says why. The rule is not changed.
func (r *Rule) Resolve() (Expr, error) {
	e, _, err := r.resolve()
	return e, err
}

// resolve is Resolve, and tells how many instructions the rule's regular
// expressions have.
func (r *Rule) resolve() (e Expr, instructions int, err error) {
	d := &r.Detection
	res := &resolver{selections: make(map[string]*Selection, len(d.Selections)), done: map[string]Expr{}}
	for i := range d.Selections {
		s := &d.Selections[i]
		res.names = append(res.names, s.Name)
		res.selections[s.Name] = s
	}
	// Selections that no condition names are checked like the others: a rule
	// that cannot be read is a rule that cannot be trusted.
	for _, name := range res.names {
		if _, err := res.selection(name); err != nil {
			return nil, 0, err
		}
	}
	if len(d.Conditions) == 0 {
		return nil, 0, fmt.Errorf("the detection has no condition")
	}
	var either Or
	for _, c := range d.Conditions {
		e, err := parseCondition(c, res.names, res.selection)
		if err != nil {
			return nil, 0, &lineError{d.Line, err}
		}
		either = append(either, e)
	}
	return simplify(either), res.instructions, nil
}

// selection returns what the selection asks for.
func (res *resolver) selection(name string) (Expr, error) {
	if e, ok := res.done[name]; ok {
		return e, nil
	}
	s, ok := res.selections[name]
	if !ok {
		return nil, fmt.Errorf("the condition names %q, and no selection is called so; there are %s", name, listNames(res.names))
	}
	e, err := res.node(s.Node)
	if err != nil {
		return nil, err
	}
	res.done[name] = e
	return e, nil
}

func listNames(names []string) string {
	const shown = 12
	if len(names) > shown {
		return strings.Join(names[:shown], ", ") + " …"
	}
	if len(names) == 0 {
		return "none"
	}
	return strings.Join(names, ", ")
}

func (res *resolver) node(n Node) (Expr, error) {
	switch n := n.(type) {
	case AllOf:
		parts, err := res.nodes(n)
		return simplify(And(parts)), err
	case AnyOf:
		parts, err := res.nodes(n)
		return simplify(Or(parts)), err
	case *Item:
		e, err := res.item(n)
		if err != nil {
			return nil, &lineError{n.Line, fmt.Errorf("%s: %w", n.name(), err)}
		}
		return e, nil
	}
	return nil, fmt.Errorf("a selection is empty")
}

func (res *resolver) nodes(list []Node) ([]Expr, error) {
	parts := make([]Expr, 0, len(list))
	for _, n := range list {
		e, err := res.node(n)
		if err != nil {
			return nil, err
		}
		parts = append(parts, e)
	}
	return parts, nil
}

// spend counts values made of raw.
func (res *resolver) spend(raw string, values int) error {
	res.values += values
	res.bytes += values * len(raw)
	if res.values > maxComparisons || res.bytes > maxValueBytes {
		return fmt.Errorf("the rule compares with more than %d values or %d MB of them", maxComparisons, maxValueBytes>>20)
	}
	return nil
}
