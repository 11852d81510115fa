package pipeline

import (
	"fmt"
	"maps"

	"borj.dev/borj/watch/sigma"
)

// run is one rule on its way through pipelines.
type run struct {
	original *sigma.Rule
	rule     *sigma.Rule // a clone, once an item changed it
	cloned   bool
	added    []addedCondition
	positive bool // one of added is not negated
	names    []string
	vars     map[string][]string
	inherit  map[string][]string // variables of all given pipelines
	renamed  map[string][]string // the names now of fields that Route was asked about

	state   map[string]sigma.Value
	applied map[string]bool // ids of items
	onItem  map[*sigma.Item]map[string]bool
	onField map[string]map[string]bool
	budget  int // items and values that may still be made
}

// addedCondition is what add_condition asks of the record.
type addedCondition struct {
	node    sigma.Node
	negated bool
	file    string
	line    int
}

func (p *Pipelines) begin(r *sigma.Rule, fields []string) *run {
	one := &run{original: r, rule: r, inherit: p.vars, budget: maxSteps}
	if len(fields) > 0 {
		one.renamed = map[string][]string{}
		for _, f := range fields {
			one.renamed[f] = []string{f}
		}
	}
	return one
}

// own makes the rule one's own before it is changed.
func (r *run) own() {
	if !r.cloned {
		r.rule, r.cloned = r.original.Clone(), true
		r.forget()
	}
}

// forget drops what conditions know of earlier items. Given pipelines share
// their ids and states among each other, but not with the built-in ones, whose
// names are no business of who writes a pipeline.
func (r *run) forget() {
	r.state = map[string]sigma.Value{}
	r.applied = map[string]bool{}
	r.onItem = map[*sigma.Item]map[string]bool{}
	r.onField = map[string]map[string]bool{}
}

// through applies the items of a pipeline. It returns r, or nil with an error.
func (r *run) through(pl *pipeline) (*run, error) {
	r.vars = r.inherit
	if len(pl.vars) > 0 {
		r.vars = maps.Clone(r.inherit)
		maps.Copy(r.vars, pl.vars)
	}
	changed, err := r.items(pl.items)
	if err != nil {
		return nil, fmt.Errorf("pipeline %s: %w", pl.name, err)
	}
	if changed {
		r.names = append(r.names, pl.name)
	}
	return r, nil
}

func (r *run) items(items []*item) (changed bool, err error) {
	for _, it := range items {
		if !it.rules.hold(func(c ruleCondition) bool { return c(r) }) {
			continue
		}
		r.own()
		err := r.spend(1)
		if err == nil {
			err = it.apply(r, it)
		}
		if err != nil {
			return changed, fmt.Errorf("%s:%d: %w", it.file, it.line, err)
		}
		changed = true
		if it.id != "" {
			r.applied[it.id] = true
		}
	}
	return changed, nil
}

// mayApply tells whether an item of the pipeline might act on the rule as
// written, so that most pipelines cost a rule nothing.
func (pl *pipeline) mayApply(r *sigma.Rule) bool {
	probe := run{original: r, rule: r}
	for _, it := range pl.items {
		if it.rules.hold(func(c ruleCondition) bool { return c(&probe) }) {
			return true
		}
	}
	return false
}

// spend counts what is done to a rule, so that mappings to many names that
// follow each other end in an error, not in a full memory.
func (r *run) spend(n int) error {
	if r.budget -= n; r.budget < 0 {
		return fmt.Errorf("the transformations take more than %d steps with this rule", maxSteps)
	}
	return nil
}

// eachItem calls change with each detection item that the conditions of it
// choose, of the rule and of what add_condition added, and puts what change
// returns in its place; nil removes it.
func (r *run) eachItem(it *item, change func(*sigma.Item) (sigma.Node, error)) error {
	visit := func(d *sigma.Item) (sigma.Node, error) {
		if !it.chooses(r, d) {
			return d, nil
		}
		n, err := change(d)
		if err == nil && it.id != "" {
			r.mark(n, it.id, r.onItem[d])
		}
		return n, err
	}
	for i := range r.rule.Detection.Selections {
		s := &r.rule.Detection.Selections[i]
		n, err := rewrite(s.Node, visit)
		if err != nil {
			return err
		}
		s.Node = n
	}
	for i := range r.added {
		n, err := rewrite(r.added[i].node, visit)
		if err != nil {
			return err
		}
		r.added[i].node = n
	}
	return nil
}

// chooses tells whether the item's conditions on detection items and on field
// names hold for d.
func (it *item) chooses(r *run, d *sigma.Item) bool {
	return it.values.hold(func(c itemCondition) bool { return c(r, d) }) &&
		it.fields.hold(func(c fieldCondition) bool { return c(r, d.Field) })
}

// mark remembers that the item named id made or changed the items of n.
func (r *run) mark(n sigma.Node, id string, before map[string]bool) {
	switch n := n.(type) {
	case sigma.AllOf:
		for _, one := range n {
			r.mark(one, id, before)
		}
	case sigma.AnyOf:
		for _, one := range n {
			r.mark(one, id, before)
		}
	case *sigma.Item:
		ids := maps.Clone(before)
		if ids == nil {
			ids = map[string]bool{}
		}
		ids[id] = true
		r.onItem[n] = ids
	}
}

// rewrite replaces the items of a tree. What is left empty disappears.
func rewrite(n sigma.Node, visit func(*sigma.Item) (sigma.Node, error)) (sigma.Node, error) {
	each := func(nodes []sigma.Node) ([]sigma.Node, error) {
		kept := make([]sigma.Node, 0, len(nodes))
		for _, one := range nodes {
			next, err := rewrite(one, visit)
			if err != nil {
				return nil, err
			}
			if next != nil {
				kept = append(kept, next)
			}
		}
		return kept, nil
	}
	switch n := n.(type) {
	case *sigma.Item:
		return visit(n)
	case sigma.AllOf:
		kept, err := each(n)
		if err != nil || len(kept) == 0 {
			return nil, err
		}
		return sigma.AllOf(kept), nil
	case sigma.AnyOf:
		kept, err := each(n)
		if err != nil || len(kept) == 0 {
			return nil, err
		}
		return sigma.AnyOf(kept), nil
	}
	return nil, nil
}

// emptied is an error when nothing is left of a selection that the rule's
// condition may name: whether it then holds, nobody can say.
func (r *run) emptied() error {
	for _, s := range r.rule.Detection.Selections {
		if s.Node == nil {
			return fmt.Errorf("pipeline %v drops every item of %q: leave one, or exclude the rule", r.names, s.Name)
		}
	}
	for _, a := range r.added {
		if a.node == nil {
			return fmt.Errorf("%s:%d: the pipeline drops every item of this condition", a.file, a.line)
		}
	}
	return nil
}
