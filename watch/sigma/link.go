package sigma

import (
	"errors"
	"fmt"
	"slices"
	"strings"
)

// linkCorrelations takes out the correlations whose references lead nowhere,
// to several rules, or in a circle, and gives a level to those that have none:
// the highest of what they correlate.
func (l *loader) linkCorrelations() {
	if n := len(l.set.Correlations); n > maxCorrelations {
		for _, c := range l.set.Correlations[maxCorrelations:] {
			l.fail(c.File, c.Line, firstOf(c.ID, c.Title), fmt.Errorf("%d correlations are too many; at most %d are loaded", n, maxCorrelations))
		}
		l.set.Correlations = l.set.Correlations[:maxCorrelations]
	}
	k := &linker{loader: l, names: namesOf(l.set), done: map[*Correlation]linked{}}
	var kept []*Correlation
	for _, c := range l.set.Correlations {
		x := k.link(c)
		if x.err == nil {
			kept = append(kept, c)
			continue
		}
		if x.through != "" {
			x.err = fmt.Errorf("its rule %s cannot be used: %w", x.through, x.err)
		}
		l.fail(c.File, c.Line, firstOf(c.ID, c.Title), x.err)
	}
	l.set.Correlations = kept
}

type linker struct {
	*loader
	names names
	done  map[*Correlation]linked
}

// linked is what became of a correlation.
type linked struct {
	depth   int // of the chain of correlations that it ends, itself included
	err     error
	through string // the rule whose error it is, if not its own
}

var errCircle = errors.New("the correlation refers to itself, through its rules")

func (k *linker) link(c *Correlation) linked {
	if x, ok := k.done[c]; ok {
		return x
	}
	k.done[c] = linked{err: errCircle} // unless the links come to an end
	x := k.linkRules(c)
	k.done[c] = x
	return x
}

func (k *linker) linkRules(c *Correlation) linked {
	out := linked{depth: 1}
	for _, ref := range c.Rules {
		rules, correlations := k.names.find(ref)
		switch {
		case len(rules)+len(correlations) > 1:
			return linked{err: fmt.Errorf("the reference %s means %d rules; refer by id", ref, len(rules)+len(correlations))}
		case len(rules) == 1:
			c.raise(rules[0].Level)
		case len(correlations) == 1:
			x := k.link(correlations[0])
			if x.err != nil {
				return linked{err: x.err, through: ref}
			}
			if out.depth = max(out.depth, x.depth+1); out.depth > maxCorrelationDepth {
				return linked{err: fmt.Errorf("correlations are chained more than %d deep", maxCorrelationDepth)}
			}
			c.raise(correlations[0].Level)
		default:
			return linked{err: fmt.Errorf("the correlation refers to %s, %s", ref, k.whereabouts(ref))}
		}
	}
	return out
}

// raise gives a correlation without a level of its own the highest it meets.
func (c *Correlation) raise(level Level) {
	if !c.HasLevel {
		c.Level = max(c.Level, level)
	}
}

// whereabouts says what became of a rule that is not in the set.
func (l *loader) whereabouts(ref string) string {
	for _, list := range [][]Failure{l.set.Failed, l.set.Skipped} {
		i := slices.IndexFunc(list, func(f Failure) bool { return strings.EqualFold(f.Rule, ref) })
		if i >= 0 {
			return fmt.Sprintf("which was left out: %s", list[i].Reason)
		}
	}
	return "and no loaded rule has that id or name"
}

// names finds rules and correlations by id or name.
type names struct {
	rules        map[string][]*Rule
	correlations map[string][]*Correlation
}

func namesOf(s *Set) names {
	x := names{map[string][]*Rule{}, map[string][]*Correlation{}}
	for _, r := range s.Rules {
		for _, key := range keysOfRule(r.ID, r.Name) {
			x.rules[key] = append(x.rules[key], r)
		}
	}
	for _, c := range s.Correlations {
		for _, key := range keysOfRule(c.ID, c.Name) {
			x.correlations[key] = append(x.correlations[key], c)
		}
	}
	return x
}

// keysOfRule returns a rule's names: ids are told by any case.
func keysOfRule(id, name string) []string {
	var keys []string
	if id != "" {
		keys = append(keys, strings.ToLower(id))
	}
	if name != "" && !slices.Contains(keys, name) {
		keys = append(keys, name)
	}
	return keys
}

func (x names) find(ref string) ([]*Rule, []*Correlation) {
	key := ref
	if len(x.rules[key])+len(x.correlations[key]) == 0 {
		key = strings.ToLower(ref)
	}
	return x.rules[key], x.correlations[key]
}
